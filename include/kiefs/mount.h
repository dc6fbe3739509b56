/*
 * The FUSE side: the mounted tree.
 *
 * Threads: libfuse's own serve requests; they call the store (their own connection), files and
 * the pure modules, and never wait for the network or the worker. One notifier thread tells the
 * kernel and parked readers what changed, holding nothing while it does. A reader of a wait file
 * is parked without a thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct callback;
struct catalogue;
struct changes;
struct error;
struct files;
struct fuse_args;
struct mount;
struct store;
struct users;
struct worker;

/*
 * What is written to .kiefs/control: a word and, "" when there is none, what follows it. Never
 * waits for the network. 0, or -errno with a sentence. From any thread.
 */
typedef int mount_command_fn(
	const char *word, const char *argument, void *context, struct error *err);

struct mount_options {
	const struct catalogue *catalogue;
	struct store *store;	   /* not owned; nobody else's connection */
	const struct files *files; /* not owned */
	const char *mountpoint;
	const char *const *fuse_options; /* for libfuse and the kernel: "allow_other", ... */
	int fuse_option_count;
	const struct users *users;	 /* not owned */
	bool warn_only;			 /* validate=warn */
	const struct callback *callback; /* the listener; NULL: none */
	const char *callback_address;	 /* what leads to it, as people may see it; NULL: none */
	const char *callback_url;	 /* the same as requests have it; NULL: none */
	const char *config_text;	 /* .kiefs/config; no secrets */
	const char *report_path;	 /* shown as .kiefs/catalog-report; NULL: none */
	mount_command_fn *command;
	void *context; /* of `command` */
	bool debug;    /* libfuse prints every request */
};

/* Mounts. -errno with `err` saying what stands in the way (mount point in use, not empty, not a
 * directory, no /dev/fuse ...). Starts no thread. */
int mount_create(const struct mount_options *options, struct mount **out, struct error *err);
/* Serves until unmounted or mount_stop(). The worker is woken through here and must outlive the
 * loop. By the thread that created it. 0 or -errno. */
int mount_run(struct mount *mount, struct worker *worker);
/* From any thread or a signal handler: lets mount_run() return. */
void mount_stop(struct mount *mount);
/* Says POLLPRI when mount_is_gone() is to be asked; -1: it never is. */
int mount_table_fd(const struct mount *mount);
/* Somebody has unmounted it. mount_run() returns by itself then, unless programs use what they have
 * open still, or another mount namespace has a copy. */
bool mount_is_gone(const struct mount *mount);
/* Shows another catalogue from now on; any thread. On failure the mount stays as it was: -EEXIST,
 * -EINVAL (`err` says why), -ENOMEM or the store's. */
int mount_set_catalogue(struct mount *mount, const struct catalogue *catalogue, struct error *err);
/* Whether there is anything of the user's in the model's directory: 1, 0 or -errno. Any thread. */
int mount_holds(struct mount *mount, const char *model);
/* Unmounts and frees; accepts NULL. */
void mount_destroy(struct mount *mount);

/* worker_notify_fn: queued, never waits. */
void mount_notify(const struct changes *changes, void *mount);
