/*
 * The process that touches the mount from outside, for the notifier.
 *
 * A thread of the daemon that waits for an answer of its own mount cannot be killed, and while it
 * lives /dev/fuse stays open: after a kill -9 nobody would answer and nobody could unmount, and
 * every program in the mount would hang for good. This process holds none of the daemon's
 * descriptors: when the daemon dies, its calls fail, and the end of the socket ends it.
 */
#include "poker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void change(const char *path)
{
	struct stat st;
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return;
	/* What comes of it is a watcher's business. */
	if (fstat(fd, &st) == 0 && ftruncate(fd, st.st_size) < 0)
		errno = 0;
	close(fd);
}

static void create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0444);

	if (fd >= 0)
		close(fd);
}

/* A message is an enum poke and a path. */
static void poke(const char *message)
{
	const char *path = message + 1;
	int r = 0;

	switch (*message) {
	case POKE_CREATE:
		create(path);
		break;
	case POKE_REMOVE:
		r = unlink(path);
		break;
	case POKE_MAKE_FOLDER:
		r = mkdir(path, 0755);
		break;
	case POKE_REMOVE_FOLDER:
		r = rmdir(path);
		break;
	case POKE_CHANGE:
		change(path);
		break;
	}
	if (r < 0)
		errno = 0;
}

static void run(int fd)
{
	static char message[POKER_PATH_MAX + 1];
	ssize_t n;

	while ((n = recv(fd, message, sizeof(message) - 1, 0)) > 1) {
		message[n] = '\0';
		poke(message);
		if (send(fd, message, 1, MSG_NOSIGNAL) != 1)
			break;
	}
}

static void child(int fd, pid_t parent)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* A terminal's Ctrl-C is for the daemon, which still needs this while it ends. */
	signal(SIGINT, SIG_IGN);
	/* The directory that kiefs was started in is not to be kept from unmounting. */
	if (chdir("/") < 0 || getppid() != parent || dup2(fd, 0) < 0 || close_range(1, ~0U, 0) < 0)
		_exit(EXIT_FAILURE);
	run(0);
	_exit(EXIT_SUCCESS);
}

int poker_start(struct poker *poker)
{
	pid_t parent = getpid();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid < 0) {
		int r = -errno;
		close(ends[0]);
		close(ends[1]);
		return r;
	}
	if (pid == 0)
		child(ends[1], parent);
	close(ends[1]);
	*poker = (struct poker){.pid = pid, .fd = ends[0]};
	return 0;
}

void poker_poke(struct poker *poker, enum poke what, const char *path)
{
	char kind = (char)what;
	struct iovec parts[] = {
		{.iov_base = &kind, .iov_len = 1},
		{.iov_base = (char *)path, .iov_len = strlen(path)},
	};
	const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	if (sendmsg(poker->fd, &message, MSG_NOSIGNAL) < 0)
		return;
	while (recv(poker->fd, &kind, 1, 0) < 0 && errno == EINTR)
		;
}

void poker_stop(struct poker *poker)
{
	if (poker->pid <= 0)
		return;
	close(poker->fd);
	while (waitpid(poker->pid, NULL, 0) < 0 && errno == EINTR)
		;
	poker->pid = 0;
}
