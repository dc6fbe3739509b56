#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "bar.h"
#include "kiefs/buf.h"

static volatile sig_atomic_t ended_by;
static struct termios cooked;

static void on_end(int number)
{
	ended_by = number;
}

static void on_resize(int number)
{
}

static void hear(int number, void (*handler)(int), sigset_t *held)
{
	struct sigaction action = {.sa_handler = handler};

	sigaddset(held, number);
	sigaction(number, &action, NULL);
}

/* Held back but while screen_wait() waits, so that none comes between a look and the wait. */
static void hear_signals(void)
{
	sigset_t held;

	sigemptyset(&held);
	hear(SIGINT, on_end, &held);
	hear(SIGTERM, on_end, &held);
	hear(SIGHUP, on_end, &held);
	hear(SIGWINCH, on_resize, &held);
	sigprocmask(SIG_BLOCK, &held, NULL);
}

int screen_ended(void)
{
	return ended_by;
}

void screen_measure(struct screen *screen)
{
	struct winsize size = {0};

	screen->rows = 24;
	screen->columns = 80;
	if (screen->is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row &&
		size.ws_col) {
		screen->rows = size.ws_row;
		screen->columns = size.ws_col;
	}
}

static void set_raw(struct screen *screen)
{
	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &cooked) < 0)
		return;
	struct termios raw = cooked;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	screen->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

void screen_open(struct screen *screen, bool whole)
{
	const char *term = getenv("TERM");

	*screen = (struct screen){
		.is_terminal = isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0,
		.blocks = bar_has_blocks(),
	};
	screen_measure(screen);
	hear_signals();
	if (!screen->is_terminal || !whole)
		return;
	set_raw(screen);
	fputs("\033[?1049h\033[?25l", stdout); /* a screen of its own, no cursor */
	fflush(stdout);
}

void screen_close(struct screen *screen)
{
	if (screen->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &cooked);
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
}

int screen_wait(const struct screen *screen, const int *fds, int count, int ms)
{
	struct pollfd polled[SCREEN_FDS_MAX + 1];
	struct timespec timeout = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
	sigset_t none, held;
	char c = 0;

	for (int i = 0; i < count; i++)
		polled[i + 1] = (struct pollfd){.fd = fds[i], .events = POLLIN};
	polled[0] = (struct pollfd){.fd = screen->raw ? STDIN_FILENO : -1, .events = POLLIN};
	sigemptyset(&none);
	/* Where a descriptor is always readable, ppoll() alone would let no signal in. */
	sigprocmask(SIG_SETMASK, &none, &held);
	sigprocmask(SIG_SETMASK, &held, NULL);
	if (ended_by)
		return 0;
	if (ppoll(polled, (nfds_t)count + 1, &timeout, &none) > 0 && polled[0].revents &&
		read(STDIN_FILENO, &c, 1) != 1)
		return 'q'; /* the terminal is gone */
	return c;
}

bool screen_put(const struct buf *text)
{
	size_t at = 0;

	while (text->error == 0 && at < text->len) {
		ssize_t n = write(STDOUT_FILENO, text->data + at, text->len - at);
		if (n < 0 && errno != EINTR)
			return false;
		at += n < 0 ? 0 : (size_t)n;
	}
	return true;
}
