#include "kiefs/demo.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kiefs/error.h"
#include "kiefs/store.h"

#define READY_MS 20000

/* Beside this program; in the build tree, in the folder of its own beside that. */
static void run_simulator(const char *ready_fd)
{
	static const char *const places[] = {"kiefs-sim", "sim/kiefs-sim"};
	char self[4096], path[8192];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		char *slash = strrchr(self, '/');
		if (slash)
			*slash = '\0';
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
			snprintf(path, sizeof(path), "%s/%s", self, places[i]);
			execl(path, "kiefs-sim", "--port", "0", "--ready-fd", ready_fd,
				"--die-with-parent", (char *)NULL);
		}
	}
	execlp("kiefs-sim", "kiefs-sim", "--port", "0", "--ready-fd", ready_fd, "--die-with-parent",
		(char *)NULL);
	_exit(127);
}

static int read_port(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	char text[16] = "";
	size_t used = 0;

	while (used < sizeof(text) - 1 && !strchr(text, '\n')) {
		if (poll(&wait, 1, READY_MS) <= 0)
			return -ETIMEDOUT;
		ssize_t n = read(fd, text + used, sizeof(text) - 1 - used);
		if (n <= 0)
			return -EIO;
		used += (size_t)n;
		text[used] = '\0';
	}
	int port = atoi(text);
	return port > 0 && port < 65536 ? port : -EIO;
}

int demo_start(struct demo *out, struct error *err)
{
	int ends[2];
	char number[16];

	if (pipe(ends) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid < 0) {
		close(ends[0]);
		close(ends[1]);
		return -errno;
	}
	if (pid == 0) {
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		close(ends[0]);
		snprintf(number, sizeof(number), "%d", ends[1]);
		run_simulator(number);
	}
	close(ends[1]);
	int port = read_port(ends[0]);
	close(ends[0]);
	if (port < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return error_set(err, -ENOENT,
			"The simulator kiefs-sim did not start. --demo needs it beside kiefs or on "
			"the "
			"PATH.");
	}
	out->pid = pid;
	snprintf(out->url, sizeof(out->url), "http://127.0.0.1:%d", port);
	return 0;
}

static int end_task(struct store *store, int64_t id, int64_t now_ms)
{
	const struct task_event gone = {.kind = EVENT_TASK_FAILED,
		.progress = -1,
		.credits = -1,
		.wait_ms = -1,
		.text = "The simulator that worked on this has ended."};
	const struct task_update update = {.log = "its simulator has ended"};
	struct task task = {0}, next;
	int r = store_task_get(store, id, &task);

	if (r == 0 && task.state == TASK_RUNNING) {
		r = task_step(&task, &gone, now_ms, &next);
		if (r == 0)
			r = store_task_apply(store, &task, &next, &update, now_ms, NULL);
	}
	task_finish(&task);
	return r;
}

int demo_forget(struct store *store, int64_t now_ms)
{
	int64_t ids[64], after = 0;
	int n, r = 0;

	do {
		n = store_task_list(store, GROUP_ACTIVE, after, ids, 64);
		for (int i = 0; i < n && r == 0; i++)
			r = end_task(store, after = ids[i], now_ms);
	} while (n == 64 && r == 0);
	return n < 0 ? n : r;
}

void demo_stop(struct demo *demo)
{
	if (demo->pid <= 0)
		return;
	kill(demo->pid, SIGTERM);
	waitpid(demo->pid, NULL, 0);
	demo->pid = 0;
}
