/*
 * What the user asked for: command line, environment, configuration file, defaults.
 *
 * One table (config_options) names every option; it drives parsing, --help, .kiefs/config and the
 * test that kiefs(5) describes each. Later wins: default, file, environment, -o.
 * With --demo neither the file nor the environment's addresses count, and "kiefs" in the default
 * paths is "kiefs-demo".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kiefs/users.h"

struct buf;
struct error;

enum config_action {
	CONFIG_MOUNT,
	CONFIG_HELP,	/* print config_help(), exit 0 */
	CONFIG_VERSION, /* print KIEFS_VERSION, exit 0 */
};

enum config_validate {
	VALIDATE_STRICT,
	VALIDATE_WARN,
};

enum config_unknown_price {
	UNKNOWN_PRICE_HOLD,
	UNKNOWN_PRICE_ALLOW,
};

/* Strings are owned. Paths are absolute. Addresses have no slash at the end. */
struct config {
	enum config_action action;
	bool foreground;
	bool debug;   /* -d: foreground, and libfuse's trace */
	bool demo;    /* base_url and upload_url are NULL: the simulator's are to be filled in */
	char *source; /* as mount(8) names it, NULL when not given */
	char *mountpoint; /* NULL unless `action` is CONFIG_MOUNT */
	char *base_url;
	char *upload_url;
	char *api_key_file;	 /* NULL: none */
	char *api_key_command;	 /* NULL: none; may hold a secret */
	char *state;		 /* directory of the index */
	char *store;		 /* directory of users' files and results */
	char *catalog;		 /* replaces the built-in catalogue; NULL: built-in */
	char *catalog_dir;	 /* its *.json extend the catalogue; need not exist */
	char *mapping;		 /* a mapping file that adds models, or NULL */
	int validate;		 /* enum config_validate */
	int submit_rate;	 /* submissions per 10 s */
	int max_running;	 /* tasks at the service at once */
	int poll_rate;		 /* polls per second over all tasks */
	int max_downloads;	 /* at once */
	int64_t max_result_size; /* bytes */
	double limit_per_task;	 /* credits; negative: no limit */
	double limit_per_day;
	int unknown_price;	    /* enum config_unknown_price */
	char *callback_listen;	    /* "127.0.0.1:8080"; NULL: no callbacks */
	char *callback_url;	    /* what the service reaches it by; NULL: not told */
	char *callback_key_file;    /* NULL: none */
	char *callback_key_command; /* NULL: none; may hold a secret */
	char *uid;		    /* names or numbers, as they were given; NULL: not */
	char *gid;
	int umask;	     /* permission bits; -1: not given */
	char *spenders;	     /* "bob:@family"; NULL: not given */
	struct users users;  /* what these four mean on this machine; by config_load() */
	int ready_fd;	     /* a line is written here once mounted; -1: nobody waits */
	char **fuse_options; /* for libfuse's -o, as they were given (backslashes kept) */
	size_t fuse_option_count;
};

/* NULL when the variable is not set. */
typedef const char *config_env_fn(const char *name, void *context);

/* All that parsing looks at; borrowed. */
struct config_input {
	int argc;
	char *const *argv; /* argv[0] is not looked at */
	config_env_fn *env;
	void *context;	  /* for `env` */
	const char *home; /* where $HOME is not set; NULL: unknown */
	const char *cwd;  /* what relative paths of the command line are below */
	const char *text; /* of the configuration file; NULL: there is none */
};

/*
 * Pure. -EINVAL: `err` has a sentence for everything that is wrong, naming option, value, what is
 * allowed and where it was read ("config:12", "-o", "$KIE_BASE_URL"); -ENOMEM. `*out` is
 * untouched on failure; the caller frees it with config_finish().
 */
int config_parse(const struct config_input *input, struct config *out, struct error *err);

/* The same from this process: its environment, working directory and configuration file. Also
 * -errno of reading the file (`err` names it); a missing file is none. */
int config_load(int argc, char *const *argv, struct config *out, struct error *err);

/* Frees and zeroes; accepts NULL and a zeroed struct. */
void config_finish(struct config *config);

/* The *.json in `catalog_dir`, as paths, sorted by name. 0 also when there is no such directory;
 * -errno, -ENOMEM. The caller frees with config_catalogues_free(). */
int config_catalogues(const struct config *config, char ***out, size_t *count, struct error *err);
void config_catalogues_free(char **paths, size_t count);

/* The effective values in the form of the configuration file; no secret is among them. */
int config_print(const struct config *config, struct buf *out);
/* The text of --help. */
int config_help(struct buf *out);

enum config_type {
	CONFIG_TEXT,
	CONFIG_PATH,
	CONFIG_LISTEN, /* "127.0.0.1:8080", from PORT or ADDRESS:PORT */
	CONFIG_URL,
	CONFIG_NAME,	/* of a user or group, or several with ":" between them */
	CONFIG_MODE,	/* permission bits that are taken away, in octal */
	CONFIG_COUNT,	/* whole number from `min` to `max` */
	CONFIG_SIZE,	/* bytes, with K, M, G or T for powers of 1024; from `min` to `max` */
	CONFIG_CREDITS, /* double: 0 or more */
	CONFIG_CHOICE,	/* one word of `choices`; its place is the value */
};

struct config_option {
	const char *name;
	enum config_type type;
	size_t offset;	     /* in struct config */
	const char *initial; /* text of the default, NULL: none; "$XDG_..._HOME/" is expanded */
	const char *env;     /* variable that sets it, or NULL */
	const char *help;
	int64_t min, max;
	const char *const *choices; /* NULL-ended */
};

const struct config_option *config_options(size_t *count);
