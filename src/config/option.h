/* One option's value: from text into struct config, and back. */
#pragma once

#include "kiefs/config.h"

/* Where a value stands, for messages and for what paths are relative to. */
struct option_place {
	const char *source; /* "config:12", "-o", "$KIE_BASE_URL", "the defaults" */
	const char *cwd;    /* NULL: relative paths are refused */
	const char *home;   /* what "~/" stands for; NULL: unknown */
};

/* NULL when there is none of that name. */
const struct config_option *option_find(const char *name);
/* The option or FUSE option whose name is nearest, NULL when none is near. */
const char *option_nearest(const char *name);

/* Replaces the value. -EINVAL: a sentence is added to `err`, the value stays; -ENOMEM. */
int option_set(struct config *config, const struct config_option *option, const char *text,
	const struct option_place *place, struct error *err);

/* `path` made absolute: `~/` and what is below `place->cwd`. -EINVAL, -ENOMEM. */
int option_path(const char *path, const struct option_place *place, char **out);

/*
 * "$XDG_DATA_HOME/kiefs" made a path, with "kiefs-demo" in a demo; `*out` is NULL when no home is
 * known. Relative values of the variables are ignored, as the XDG base directory specification
 * wants. -ENOMEM. In config.c.
 */
int option_expand(const struct config_input *input, const char *text, bool demo, char **out);

enum option_generic {
	GENERIC_UNKNOWN,
	GENERIC_KEEP,	/* libfuse and the kernel want it */
	GENERIC_DROP,	/* means something to mount(8) or fstab only, or is so anyway */
	GENERIC_REFUSE, /* cannot be had */
	GENERIC_FLAG,	/* takes no value, and one was given */
	GENERIC_VALUE,	/* takes a value, and none was given */
};
/* What becomes of an option that every FUSE filesystem may be given. `value` NULL: none. */
enum option_generic option_generic(const char *name, const char *value);
