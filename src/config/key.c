#include "kiefs/key.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kiefs/error.h"

extern char **environ;

/* Room for a key, its white space, and one byte that tells "too long". */
#define READ_MAX (KEY_MAX + 64)

/* What has been read; wiped when done with. */
struct secret {
	char text[READ_MAX + 1];
	size_t len;
};

/* The key in `secret`, which is wiped. `where` names the source for `err`. */
static char *take_key(struct secret *secret, const char *where, struct error *err)
{
	static const char white[] = " \t\r\n";
	char *start = secret->text;
	char *key = NULL;
	size_t len = secret->len;

	while (len && strchr(white, start[len - 1]))
		len--;
	while (len && strchr(white, *start)) {
		start++;
		len--;
	}
	bool odd = false;
	for (size_t i = 0; i < len; i++)
		odd = odd || (unsigned char)start[i] <= ' ' || (unsigned char)start[i] >= 0x7f;
	if (len == 0)
		error_set(err, -EINVAL, "%s is empty; it must hold a key.", where);
	else if (len > KEY_MAX)
		error_set(err, -EINVAL, "%s is longer than %d bytes, which no key is.", where,
			KEY_MAX);
	else if (odd)
		error_set(err, -EINVAL,
			"%s is no key: there are spaces, control or non-ASCII characters in "
			"it.",
			where);
	else if (!(key = strndup(start, len)))
		error_set(err, -ENOMEM, "Out of memory.");
	explicit_bzero(secret, sizeof(*secret));
	return key;
}

/* One read() into what room is left: 0 at the end or when full, 1 when there may be more, or
 * -errno. */
static int read_piece(int fd, struct secret *secret)
{
	ssize_t n = read(fd, secret->text + secret->len, READ_MAX - secret->len);

	if (n < 0)
		return -errno;
	secret->len += (size_t)n;
	return n > 0 && secret->len < READ_MAX;
}

static int check_file(int fd, const char *path, mode_t forbidden, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set(err, -errno, "%s: %s.", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, "The key file %s is not a regular file.", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return error_set(err, -EACCES,
			"The key file %s belongs to user %u; it must be yours or root's.", path,
			(unsigned)st.st_uid);
	if (st.st_mode & forbidden)
		return error_set(err, -EACCES,
			"The key file %s is open to others (mode %03o); run: chmod 600 %s", path,
			(unsigned)(st.st_mode & 0777), path);
	return 0;
}

/* `forbidden`: mode bits that the file must not have. */
static char *read_key_file(const char *path, mode_t forbidden, struct error *err)
{
	struct secret secret = {0};
	char where[512];
	int r;
	/* A fifo without a writer must not hold us up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		error_set(err, -errno, "The key file %s cannot be opened: %s.", path,
			strerror(errno));
		return NULL;
	}
	r = check_file(fd, path, forbidden, err);
	if (r == 0) {
		do {
			r = read_piece(fd, &secret);
		} while (r > 0);
		if (r < 0)
			error_set(
				err, r, "The key file %s cannot be read: %s.", path, strerror(-r));
	}
	close(fd);
	if (r < 0) {
		explicit_bzero(&secret, sizeof(secret));
		return NULL;
	}
	snprintf(where, sizeof(where), "The key file %s", path);
	return take_key(&secret, where, err);
}

char *key_from_file(const char *path, struct error *err)
{
	return read_key_file(path, 077, err);
}

/* Starts `sh -c command` in a process group of its own, its output in `output`. 0 or -errno. */
static int spawn_shell(const char *command, int output, pid_t *pid)
{
	const char *const argv[] = {"sh", "-c", command, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, normal;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return -r;
	r = posix_spawnattr_init(&attributes);
	if (r) {
		posix_spawn_file_actions_destroy(&actions);
		return -r;
	}
	sigemptyset(&none);
	sigfillset(&normal);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &normal);
	posix_spawnattr_setpgroup(&attributes, 0);
	r = posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (!r)
		r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&actions, output, 1);
	if (!r)
		r = posix_spawn(
			pid, "/bin/sh", &actions, &attributes, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads until the process behind `process` has ended; what it left in the pipe is read too, but a
 * grandchild that keeps the pipe open is not waited for. -ETIMEDOUT, -EFBIG or other -errno. */
static int collect(int output, int process, int timeout_ms, struct secret *secret)
{
	int64_t deadline = now_ms() + timeout_ms;
	struct pollfd fds[] = {{.fd = output, .events = POLLIN}, {.fd = process, .events = POLLIN}};

	for (;;) {
		int64_t left = deadline - now_ms();
		int n = left > 0 ? poll(fds, 2, (int)left) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ETIMEDOUT;
		int r = fds[0].revents ? read_piece(output, secret) : 0;
		if (secret->len == READ_MAX)
			return -EFBIG;
		if (r < 0 && r != -EAGAIN)
			return r;
		if (r == 0 && fds[1].revents)
			return 0;
		if (fds[0].revents && r == 0)
			fds[0].fd = -1;
	}
}

/* Sentence for a command that gave no key; 0 when it ended well. */
static int check_end(const char *name, int collected, int status, int timeout_ms, struct error *err)
{
	if (collected == -ETIMEDOUT)
		return error_set(err, collected,
			"%s has not ended after %g seconds and was stopped.", name,
			timeout_ms / 1000.0);
	if (collected == -EFBIG)
		return error_set(err, -EINVAL, "%s prints more than a key can be.", name);
	if (collected < 0)
		return error_set(
			err, collected, "%s cannot be read: %s.", name, strerror(-collected));
	if (WIFSIGNALED(status))
		return error_set(err, -EIO, "%s was ended by signal %d.", name, WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return error_set(
			err, -EIO, "%s failed with exit status %d.", name, WEXITSTATUS(status));
	return 0;
}

char *key_from_command(const char *name, const char *command, int timeout_ms, struct error *err)
{
	struct secret secret = {0};
	int fds[2] = {-1, -1};
	int process = -1;
	int status = 0;
	pid_t pid = -1;
	char where[64];
	int r = pipe2(fds, O_CLOEXEC) < 0 ? -errno : 0;

	if (r == 0)
		r = spawn_shell(command, fds[1], &pid);
	if (r == 0 && (process = pidfd_open(pid, 0)) < 0)
		r = -errno;
	if (fds[1] >= 0)
		close(fds[1]);
	if (r == 0 && fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0)
		r = -errno;
	if (r == 0)
		r = collect(fds[0], process, timeout_ms, &secret);
	if (pid > 0) {
		if (r < 0)
			kill(-pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	if (fds[0] >= 0)
		close(fds[0]);
	if (process >= 0)
		close(process);
	if (check_end(name, r, status, timeout_ms, err) < 0) {
		explicit_bzero(&secret, sizeof(secret));
		return NULL;
	}
	snprintf(where, sizeof(where), "The output of %s", name);
	return take_key(&secret, where, err);
}

static char *key_from_text(const char *text, const char *where, struct error *err)
{
	struct secret secret = {0};

	secret.len = strnlen(text, READ_MAX);
	memcpy(secret.text, text, secret.len);
	return take_key(&secret, where, err);
}

static char *key_from_credentials(const char *directory, bool *found, struct error *err)
{
	char *path;
	char *key = NULL;

	*found = true;
	if (asprintf(&path, "%s/kie-api-key", directory) < 0) {
		error_set(err, -ENOMEM, "Out of memory.");
		return NULL;
	}
	/* The directory may hold credentials for others only. */
	if (access(path, F_OK) < 0 && errno == ENOENT)
		*found = false;
	else
		/* systemd lets one user in by an ACL, whose mask shows as the group's bits. */
		key = read_key_file(path, 07, err);
	free(path);
	return key;
}

char *key_read(const struct config *config, config_env_fn *env, void *context, struct error *err)
{
	const char *credentials = env("CREDENTIALS_DIRECTORY", context);
	const char *variable = env("KIE_API_KEY", context);
	bool found = false;
	char *key = NULL;

	if (config->demo)
		return key_from_text("demo", "The demo's key", err);
	if (config->api_key_file)
		return key_from_file(config->api_key_file, err);
	if (config->api_key_command)
		return key_from_command(
			"api_key_command", config->api_key_command, KEY_COMMAND_MS, err);
	if (credentials && *credentials)
		key = key_from_credentials(credentials, &found, err);
	if (found)
		return key;
	if (variable && *variable)
		return key_from_text(variable, "$KIE_API_KEY", err);
	error_set(err, -ENOKEY,
		"There is no API key: set api_key_file or api_key_command in the configuration, or "
		"$KIE_API_KEY.");
	return NULL;
}

char *key_read_callback(
	const struct config *config, config_env_fn *env, void *context, struct error *err)
{
	const char *variable = env("KIE_CALLBACK_KEY", context);

	if (config->callback_key_file)
		return key_from_file(config->callback_key_file, err);
	if (config->callback_key_command)
		return key_from_command(
			"callback_key_command", config->callback_key_command, KEY_COMMAND_MS, err);
	if (variable && *variable && !config->demo)
		return key_from_text(variable, "$KIE_CALLBACK_KEY", err);
	error_set(err, -ENOKEY, "There is no key for callbacks.");
	return NULL;
}

void key_destroy(char *key)
{
	if (!key)
		return;
	explicit_bzero(key, strlen(key));
	free(key);
}
