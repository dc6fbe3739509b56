#include "kiefs/program.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "kiefs/buf.h"
#include "kiefs/callback.h"
#include "kiefs/catalogue.h"
#include "kiefs/clock.h"
#include "kiefs/daemon.h"
#include "kiefs/error.h"
#include "kiefs/key.h"
#include "kiefs/mount.h"
#include "kiefs/quota.h"
#include "kiefs/say.h"
#include "kiefs/service.h"
#include "kiefs/store.h"
#include "kiefs/worker.h"

#define CONFIG_TEXT_MAX 65536

static const char *env(const char *name, void *context)
{
	return getenv(name);
}

static int64_t now(void *context)
{
	return clock_now_ms();
}

/* Why there is no key is for the log: the held tasks say what to do. */
static char *read_key(void *context)
{
	struct program *program = context;
	struct error err = {0};
	char *key = key_read(&program->config, env, NULL, &err);

	if (!key && err.code != -ENOKEY)
		store_warn(program->peer, clock_now_ms(), error_text(&err));
	error_finish(&err);
	return key;
}

static void put_quota(const struct config *config, struct quota *out)
{
	*out = (struct quota){
		.per_task = config->limit_per_task,
		.per_day = config->limit_per_day,
		.allow_unknown = config->unknown_price == UNKNOWN_PRICE_ALLOW,
	};
}

/* The configuration is read again for the limits alone; a broken one leaves them as they are. */
static bool read_quota(void *context, struct quota *out)
{
	struct program *program = context;
	struct config config = {0};
	struct error err = {0};
	int r = 0;

	if (!program->worker) {
		put_quota(&program->config, out);
		return true;
	}
	r = config_load(program->argc, program->argv, &config, &err);
	if (r == 0)
		put_quota(&config, out);
	else
		store_warn(program->peer, clock_now_ms(), error_text(&err));
	config_finish(&config);
	error_finish(&err);
	return r == 0;
}

static void notify(const struct changes *changes, void *context)
{
	struct program *program = context;

	mount_notify(changes, program->mount);
}

static void refreshed(void *context)
{
	struct program *program = context;
	struct error err = {0};

	if (change_refreshed(program, &err) < 0)
		store_warn(program->peer, clock_now_ms(), error_text(&err));
	error_finish(&err);
}

static int open_catalogue(struct program *program, struct error *err)
{
	const struct {
		char **path;
		const char *name;
	} paths[] = {
		{&program->added_path, "catalog-added.json"},
		{&program->refreshed_path, "catalog-refreshed.json"},
		{&program->report_path, "catalog-report"},
	};

	pthread_mutex_init(&program->change_lock, NULL);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (asprintf(paths[i].path, "%s/%s", program->config.state, paths[i].name) < 0) {
			*paths[i].path = NULL;
			return error_set(err, -ENOMEM, "Out of memory.");
		}
	return change_load(program, &program->catalogue, err);
}

/* An index that was lost, or restored from a backup, must not give what is in the store a second
 * meaning. */
static int number_on(struct program *program)
{
	int64_t entry, task;
	bool moved;
	int r = files_last(&program->files, &entry, &task);

	if (r == 0)
		r = store_number_after(program->peer, entry, task, &moved);
	if (r == 0 && moved)
		store_log(program->peer, 0, clock_now_ms(),
			"the store holds files that this index does not know: they stay, and new "
			"numbers are above theirs");
	return r;
}

static int open_index(struct program *program, struct error *err)
{
	char path[4096];
	int r;

	snprintf(path, sizeof(path), "%s/index.sqlite", program->config.state);
	r = store_open(path, false, &program->store, err);
	if (r == 0)
		r = store_open_peer(program->store, true, &program->peer, err);
	if (r < 0)
		return r;
	r = number_on(program);
	if (r == 0)
		r = store_recover(program->peer, clock_now_ms());
	if (r < 0)
		error_set(err, r, "The index %s cannot be brought up to date: %s.", path,
			store_message(program->peer));
	return r;
}

/* A key that must not be used stops the start; one that is not there yet only holds requests. */
static int check_key(struct program *program, struct error *missing, struct error *err)
{
	char *key = key_read(&program->config, env, NULL, missing);
	int r = 0;

	if (!key && (missing->code == -EACCES || missing->code == -EINVAL))
		r = error_set(err, missing->code, "%s", error_text(missing));
	key_destroy(key);
	return r;
}

static int open_worker(struct program *program, struct error *err)
{
	const struct config *config = &program->config;
	const char *url = config->demo ? program->demo.url : config->base_url;
	struct worker_options options = {
		.catalogue = program->catalogue,
		.store = program->peer,
		.files = &program->files,
		.api_url = url,
		.upload_url = config->demo ? program->demo.url : config->upload_url,
		.submit_count = config->submit_rate,
		.submit_window_ms = 10000,
		.max_running = config->max_running,
		.polls_per_s = config->poll_rate,
		.max_downloads = config->max_downloads,
		.max_result_bytes = config->max_result_size,
		.notify = notify,
		.refreshed = refreshed,
		.refreshed_path = program->refreshed_path,
		.report_path = program->report_path,
		.clock = now,
		.key = read_key,
		.quota = read_quota,
		.context = program,
	};

	if (getrandom(&options.seed, sizeof(options.seed), 0) < 0)
		options.seed = (uint32_t)time(NULL);
	return worker_create(&options, &program->worker, err);
}

static enum callback_verdict callback_found(const char *remote_id, void *context)
{
	struct program *program = context;
	struct task task = {0};
	int64_t id;
	int r = store_task_of_remote(program->store, remote_id, &id);

	if (r < 0)
		return CALLBACK_UNKNOWN;
	r = store_task_get(program->store, id, &task);
	bool running = r == 0 && task.state == TASK_RUNNING;
	task_finish(&task);
	if (!running)
		return CALLBACK_ENDED;
	return worker_poll_now(program->worker, id) < 0 ? CALLBACK_BUSY : CALLBACK_ACCEPTED;
}

/* The secret part of the address that callbacks come to; kept, as requests under way have it. */
static int callback_token(struct program *program, struct buf *out)
{
	unsigned char random[16];
	int64_t at_ms;
	int r = store_fact_get(program->peer, FACT_CALLBACK_TOKEN, out, &at_ms);

	if (r != -ENOENT)
		return r;
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	for (size_t i = 0; i < sizeof(random); i++)
		buf_addf(out, "%02x", random[i]);
	if (out->error)
		return out->error;
	return store_fact_put(program->peer, FACT_CALLBACK_TOKEN, out->data, clock_now_ms());
}

/* What leads to the listener: what the user says, else its own address where the API is on this
 * machine too. NULL: nobody could reach it. */
static const char *callback_address(const struct program *program)
{
	const struct config *config = &program->config;

	if (config->callback_url)
		return config->callback_url;
	if (config->demo || strncmp(config->base_url, "http://", 7) == 0)
		return callback_origin(program->callback);
	return NULL;
}

static int listen_with(struct program *program, const char *token, struct error *err)
{
	struct error no_key = {0};
	char *key = key_read_callback(&program->config, env, NULL, &no_key);
	struct callback_options options = {
		.listen = program->config.callback_listen,
		.token = token,
		.key = key,
		.paths = catalogue_callback(program->catalogue),
		.found = callback_found,
		.clock = now,
		.context = program,
	};
	int r = 0;

	/* With a key that cannot be read, what it was to keep out would come in. */
	if (!key && no_key.code != -ENOKEY)
		r = error_set(err, no_key.code, "%s", error_text(&no_key));
	if (r == 0)
		r = callback_start(&options, &program->callback, err);
	key_destroy(key);
	error_finish(&no_key);
	return r;
}

static int open_callback(struct program *program, struct error *err)
{
	struct buf token;

	if (!program->config.callback_listen)
		return 0;
	buf_init(&token, 256);
	int r = callback_token(program, &token);
	if (r < 0)
		error_set(err, r, "The index cannot be used: %s.", strerror(-r));
	else
		r = listen_with(program, token.data, err);
	const char *address = r == 0 ? callback_address(program) : NULL;
	if (address && asprintf(&program->callback_url, "%s/%s", address, token.data) < 0) {
		program->callback_url = NULL;
		r = error_set(err, -ENOMEM, "Out of memory.");
	}
	if (r == 0 && !address)
		say(SAY_WARNING, "callback_listen is set and callback_url is not: requests cannot "
				 "tell the service where to call.");
	buf_finish(&token);
	return r;
}

static int open_mount(struct program *program, struct error *err)
{
	const struct config *config = &program->config;
	struct buf text;

	buf_init(&text, CONFIG_TEXT_MAX);
	int r = config_print(config, &text);
	program->config_text = buf_take(&text);
	if (r < 0 || !program->config_text)
		return -ENOMEM;
	const struct mount_options options = {
		.catalogue = program->catalogue,
		.store = program->store,
		.files = &program->files,
		.mountpoint = config->mountpoint,
		.fuse_options = (const char *const *)config->fuse_options,
		.fuse_option_count = (int)config->fuse_option_count,
		.users = &config->users,
		.warn_only = config->validate == VALIDATE_WARN,
		.callback = program->callback,
		.callback_address = program->callback ? callback_address(program) : NULL,
		.callback_url = program->callback_url,
		.config_text = program->config_text,
		.report_path = program->report_path,
		.command = change_command,
		.context = program,
		.debug = config->debug,
	};
	return mount_create(&options, &program->mount, err);
}

/* Two indexes that give numbers in one store at once would overwrite each other's results. Some
 * network filesystems have no locks. */
static int lock_store(struct program *program, struct error *err)
{
	struct error why = {0};
	int r = daemon_lock(program->config.store, "store.lock", &why);

	program->store_lock = r;
	if (r == -EBUSY)
		error_set(err, r, "%s", error_text(&why));
	error_finish(&why);
	return r == -EBUSY ? r : 0;
}

int program_open(struct program *program, struct error *err)
{
	struct error no_key = {0};
	int r;

	program->files.dir = -1;
	pthread_mutex_init(&program->end_lock, NULL);
	pthread_cond_init(&program->ended, NULL);
	r = program->lock = daemon_lock(program->config.state, "lock", err);
	if (r >= 0)
		r = check_key(program, &no_key, err);
	if (r >= 0)
		r = open_catalogue(program, err);
	if (r >= 0)
		r = files_open(program->config.store, &program->files, err);
	if (r >= 0)
		r = lock_store(program, err);
	if (r >= 0)
		r = open_index(program, err);
	if (r >= 0 && program->config.demo)
		r = demo_forget(program->peer, clock_now_ms());
	if (r >= 0 && program->config.demo)
		r = demo_start(&program->demo, err);
	if (r >= 0)
		r = open_worker(program, err);
	if (r >= 0)
		r = open_callback(program, err);
	if (r >= 0)
		r = open_mount(program, err);
	/* Of a start that failed there is more urgent to say. */
	if (r >= 0 && no_key.code < 0)
		say(SAY_WARNING, "%s Requests are held until there is a key.", error_text(&no_key));
	error_finish(&no_key);
	return r < 0 ? r : 0;
}

static void *run_worker(void *context)
{
	struct program *program = context;
	int r = worker_run(program->worker);

	/* Without a worker nothing is sent or fetched: better gone than silently idle. */
	if (r < 0)
		kill(getpid(), SIGTERM);
	return NULL;
}

static void end_worker(struct program *program)
{
	if (!program->worker_runs)
		return;
	worker_stop(program->worker);
	pthread_join(program->worker_thread, NULL);
	program->worker_runs = false;
}

static void tell_end(void)
{
	service_tell("STOPPING=1\nSTATUS=Unmounting.");
}

/* The worker first, while the loop still answers: a notification may wait for one of its replies.
 * The loop may miss a single signal, so it is told until it has returned. */
static void end_mount(struct program *program)
{
	struct timespec until;

	tell_end();
	end_worker(program);
	pthread_mutex_lock(&program->end_lock);
	while (!program->over) {
		pthread_mutex_unlock(&program->end_lock);
		mount_stop(program->mount);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 50000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_mutex_lock(&program->end_lock);
		if (!program->over)
			pthread_cond_timedwait(&program->ended, &program->end_lock, &until);
	}
	pthread_mutex_unlock(&program->end_lock);
}

static void reload(struct program *program)
{
	struct error err = {0};

	service_tell("RELOADING=1");
	if (change_command("reload", "", program, &err) < 0)
		store_warn(program->store, clock_now_ms(), error_text(&err));
	service_tell("READY=1");
	error_finish(&err);
}

/* Whether it was the last one: it ends the mount, or (SIGUSR2, program_run()) that has ended. */
static bool take_signal(struct program *program)
{
	struct signalfd_siginfo info;

	if (read(program->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return false;
	if (info.ssi_signo == SIGHUP)
		reload(program);
	else if (info.ssi_signo == SIGUSR2)
		tell_end();
	else
		end_mount(program);
	return info.ssi_signo != SIGHUP;
}

/* Readers of a mount that was taken off lazily end as they do when the daemon is told to. */
static void *run_signals(void *context)
{
	struct program *program = context;
	struct pollfd watched[] = {
		{.fd = program->signals, .events = POLLIN},
		{.fd = mount_table_fd(program->mount), .events = POLLPRI},
	};
	bool over = false;

	while (!over) {
		if (poll(watched, 2, -1) <= 0)
			continue;
		if (watched[0].revents) {
			over = take_signal(program);
		} else if (mount_is_gone(program->mount)) {
			end_mount(program);
			over = true;
		}
	}
	return NULL;
}

/* They are blocked in all threads (main.c). */
static int watch_signals(struct program *program)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	program->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return program->signals < 0 ? -errno : 0;
}

static void announce(const struct program *program)
{
	service_tell("READY=1\nSTATUS=Mounted on %s.", program->config.mountpoint);
	if (program->config.ready_fd < 0)
		return;
	if (dprintf(program->config.ready_fd, "ready\n") < 0)
		say(SAY_WARNING, "nobody reads ready_fd=%d: %s", program->config.ready_fd,
			strerror(errno));
	close(program->config.ready_fd);
}

int program_run(struct program *program, struct error *err)
{
	int r = watch_signals(program);

	if (r < 0)
		return error_set(err, r, "Signals cannot be watched: %s.", strerror(-r));
	r = pthread_create(&program->worker_thread, NULL, run_worker, program);
	if (r != 0)
		return error_set(err, -r, "No thread could be started: %s.", strerror(r));
	program->worker_runs = true;
	r = pthread_create(&program->signal_thread, NULL, run_signals, program);
	if (r != 0) {
		end_worker(program);
		return error_set(err, -r, "No thread could be started: %s.", strerror(r));
	}
	announce(program);
	r = mount_run(program->mount, program->worker);
	pthread_mutex_lock(&program->end_lock);
	program->over = true;
	pthread_cond_signal(&program->ended);
	pthread_mutex_unlock(&program->end_lock);
	pthread_kill(program->signal_thread, SIGUSR2);
	pthread_join(program->signal_thread, NULL);
	end_worker(program);
	if (r < 0)
		error_set(err, r, "The mount ended: %s.", strerror(-r));
	return r;
}

void program_close(struct program *program)
{
	callback_stop(program->callback);
	mount_destroy(program->mount);
	free(program->callback_url);
	worker_destroy(program->worker);
	demo_stop(&program->demo);
	store_close(program->peer);
	store_close(program->store);
	files_close(&program->files);
	catalogue_destroy(program->catalogue);
	free(program->config_text);
	free(program->report_path);
	free(program->refreshed_path);
	free(program->added_path);
	config_finish(&program->config);
	if (program->store_lock > 0)
		close(program->store_lock);
	if (program->signals > 0)
		close(program->signals);
	if (program->lock > 0)
		close(program->lock);
}
