#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "kiefs/buf.h"
#include "kiefs/daemon.h"
#include "kiefs/error.h"
#include "kiefs/program.h"
#include "kiefs/say.h"
#include "kiefs/service.h"
#include "kiefs/view.h"

#define EXIT_USAGE 2

static int print_help(void)
{
	struct buf text;

	buf_init(&text, 65536);
	int r = config_help(&text);
	if (r == 0)
		fputs(text.data, stdout);
	buf_finish(&text);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void on_wakeup(int number)
{
}

/* Ends are waited for by one thread; SIGUSR1 only makes the loop look up. */
static void prepare_signals(void)
{
	static const int waited[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR2};
	struct sigaction wakeup = {.sa_handler = on_wakeup};
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGUSR1, &wakeup, NULL);
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(waited) / sizeof(waited[0]); i++) {
		/* A shell's `&` leaves SIGINT ignored, and an ignored signal is never waited for.
		 */
		signal(waited[i], SIG_DFL);
		sigaddset(&set, waited[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int fail(const struct error *err)
{
	say(SAY_ERROR, "%s", error_text(err));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const struct rlimit no_core = {0, 0};
	struct program program = {.lock = -1, .argc = argc, .argv = argv};
	struct daemon_link link;
	struct error err = {0};
	int status = EXIT_SUCCESS;

	view_fn *view = argc > 1 ? view_find(argv[1]) : NULL;
	if (view)
		return view(argc - 1, argv + 1);
	say_start();
	service_start();
	int r = config_load(argc, argv, &program.config, &err);
	if (r < 0) {
		fail(&err);
		error_finish(&err);
		return EXIT_USAGE;
	}
	if (program.config.action == CONFIG_HELP) {
		status = print_help();
		config_finish(&program.config);
		return status;
	}
	if (program.config.action == CONFIG_VERSION) {
		printf("kiefs %s\n", KIEFS_VERSION);
		config_finish(&program.config);
		return EXIT_SUCCESS;
	}
	/* A core would hold the key. */
	setrlimit(RLIMIT_CORE, &no_core);
	umask(077);
	prepare_signals();
	r = daemon_start(program.config.foreground || program.config.debug, &link);
	if (r < 0)
		error_set(&err, r, "It cannot go to the background: %s.", strerror(-r));
	if (r == 0)
		r = program_open(&program, &err);
	if (r == 0) {
		daemon_ready(&link);
		r = program_run(&program, &err);
	}
	if (r < 0)
		status = fail(&err);
	program_close(&program);
	error_finish(&err);
	return status;
}
