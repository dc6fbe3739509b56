/* The command line, taken apart but not yet understood. */
#pragma once

#include "kiefs/config.h"

/* Strings are borrowed from argv. */
struct command {
	enum config_action action;
	bool foreground, debug, demo;
	const char *names[2]; /* [SOURCE] MOUNTPOINT */
	int name_count;
	const char **lists; /* each -o's argument, in order; owned array */
	size_t list_count;
};

/* -EINVAL (`err`), -ENOMEM. With CONFIG_HELP and CONFIG_VERSION nothing else is checked. The
 * caller calls command_finish() in any case. */
int command_read(const struct config_input *input, struct command *out, struct error *err);
void command_finish(struct command *command);
