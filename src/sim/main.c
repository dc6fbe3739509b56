/* kiefs-sim: a simulator of the KIE API. Opens its parts in order, waits for a signal, closes them
 * in reverse. */
#include "callbacks.h"
#include "server.h"
#include "sim.h"

#include "kiefs/catalogue.h"
#include "kiefs/error.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define CACHE_BYTES ((size_t)64 << 20)

static int open_parts(struct sim *sim, struct error *err)
{
	const struct options *options = &sim->options;
	const char *const extra[] = {options->extra_model};
	int r = catalogue_load(
		options->catalog, extra, options->extra_model ? 1 : 0, &sim->catalogue, err);

	if (r == 0)
		r = routes_init(&sim->routes, sim->catalogue);
	if (r == 0)
		r = tasks_init(&sim->tasks, options->max_tasks, options->seed);
	if (r == 0)
		r = ledger_init(&sim->ledger);
	if (r == 0)
		r = account_init(&sim->account, options->rate, options->credits);
	if (r == 0) {
		uploads_init(&sim->uploads);
		fetches_init(&sim->fetches);
		fault_rules_init(&sim->faults, options->seed);
		r = products_start(&sim->products, CACHE_BYTES);
	}
	if (r == 0)
		r = delay_start(&sim->delay);
	if (r == 0)
		r = callbacks_start(sim, &sim->callbacks);
	return r;
}

static void close_parts(struct sim *sim)
{
	uploads_finish(sim);
	fetches_finish(&sim->fetches);
	callbacks_stop(sim->callbacks);
	products_finish(&sim->products);
	fault_rules_finish(&sim->faults);
	account_finish(&sim->account);
	ledger_finish(&sim->ledger);
	tasks_finish(&sim->tasks);
	routes_finish(&sim->routes);
	catalogue_destroy(sim->catalogue);
}

static void announce(const struct options *options)
{
	if (options->ready_fd >= 0) {
		dprintf(options->ready_fd, "%u\n", options->port);
		close(options->ready_fd);
		return;
	}
	bool is_ipv6 = strchr(options->listen, ':') != NULL;
	printf("kiefs-sim: http://%s%s%s:%u\n", is_ipv6 ? "[" : "", options->listen,
		is_ipv6 ? "]" : "", options->port);
	fflush(stdout);
}

static int serve(struct sim *sim, const sigset_t *signals, struct error *err)
{
	struct server *server = NULL;
	int signal;
	int r = server_start(sim, &server, err);

	if (r == 0) {
		announce(&sim->options);
		sigwait(signals, &signal);
	}
	/* Whoever is suspended must run again before the server can stop. */
	server_quiesce(server);
	fetches_stop(&sim->fetches);
	products_stop(&sim->products);
	delay_stop(&sim->delay);
	server_stop(server);
	return r;
}

int main(int argc, char **argv)
{
	struct sim sim = {0};
	struct error err = {0};
	sigset_t signals;
	int r = options_parse(argc, argv, &sim.options, &err);

	if (r < 0) {
		fprintf(stderr, "kiefs-sim: %s\n", error_text(&err));
		error_finish(&err);
		return 2;
	}
	if (sim.options.help) {
		options_help(stdout);
		return 0;
	}
	if (sim.options.version) {
		puts("kiefs-sim " KIEFS_VERSION);
		return 0;
	}
	if (sim.options.die_with_parent)
		prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	r = open_parts(&sim, &err);
	if (r == 0)
		r = serve(&sim, &signals, &err);
	if (r < 0)
		fprintf(stderr, "kiefs-sim: %s\n",
			err.code ? error_text(&err) : "cannot start its threads");
	close_parts(&sim);
	error_finish(&err);
	return r < 0 ? 1 : 0;
}
