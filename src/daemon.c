#include "kiefs/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kiefs/error.h"
#include "kiefs/say.h"

#define LOCK_WAIT_S 5

static void wait_for_child(int fd, pid_t child)
{
	char byte;
	ssize_t n;

	do {
		n = read(fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	/* It has said why on the terminal that we share. */
	waitpid(child, NULL, 0);
	_exit(1);
}

int daemon_start(bool foreground, struct daemon_link *out)
{
	int ends[2];

	out->fd = -1;
	if (foreground)
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid_t child = fork();
	if (child < 0) {
		int r = -errno;
		close(ends[0]);
		close(ends[1]);
		return r;
	}
	if (child > 0) {
		close(ends[1]);
		wait_for_child(ends[0], child);
	}
	close(ends[0]);
	setsid();
	out->fd = ends[1];
	return 0;
}

void daemon_ready(struct daemon_link *link)
{
	if (link->fd < 0)
		return;
	if (chdir("/") < 0)
		say(SAY_WARNING, "cannot leave the working directory: %s", strerror(errno));
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
		if (!say_is_journal())
			dup2(null, 2);
		close(null);
	}
	if (write(link->fd, "r", 1) < 0)
		errno = 0; /* the starter is gone: nobody to tell */
	close(link->fd);
	link->fd = -1;
}

static void on_alarm(int number)
{
}

/* Whoever has just unmounted waits a moment for the old daemon to end; -1 with EINTR when it
 * does not. */
static int lock_soon(int fd)
{
	const struct sigaction ring = {.sa_handler = on_alarm};
	struct sigaction before;

	sigaction(SIGALRM, &ring, &before);
	alarm(LOCK_WAIT_S);
	int r = flock(fd, LOCK_EX);
	int error = errno;
	alarm(0);
	sigaction(SIGALRM, &before, NULL);
	errno = error;
	return r;
}

int daemon_lock(const char *directory, const char *name, struct error *err)
{
	char path[4096];
	struct stat st;

	for (const char *p = directory + 1;; p++) {
		if (*p != '/' && *p != '\0')
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)(p - directory), directory);
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return error_set(err, -errno, "The directory %s cannot be made: %s.", path,
				strerror(errno));
		if (*p == '\0')
			break;
	}
	if (stat(directory, &st) < 0 || st.st_uid != geteuid())
		return error_set(
			err, -EPERM, "The directory %s belongs to another user.", directory);
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", directory, name) >= sizeof(path))
		return error_set(
			err, -ENAMETOOLONG, "The name of the directory %s is too long.", directory);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set(
			err, -errno, "The lock %s cannot be opened: %s.", path, strerror(errno));
	if (lock_soon(fd) < 0) {
		int r = errno == EINTR
				? error_set(err, -EBUSY,
					  "Another kiefs already works with %s. Unmount that one "
					  "first, "
					  "or give this one its own directories with -o "
					  "state=,store=.",
					  directory)
				: error_set(err, -errno, "The lock %s cannot be taken: %s.", path,
					  strerror(errno));
		close(fd);
		return r;
	}
	return fd;
}
