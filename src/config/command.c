#include "command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kiefs/error.h"

/* `flags` are the letters after one dash; `next` is the following argument or NULL. Returns how
 * many arguments were used up: 1 or 2. */
static int read_letters(
	const char *flags, const char *next, struct command *command, struct error *err)
{
	for (; *flags; flags++) {
		switch (*flags) {
		case 'f':
			command->foreground = true;
			break;
		case 'd':
			command->debug = true;
			break;
		case 'h':
			command->action = CONFIG_HELP;
			break;
		case 'V':
			command->action = CONFIG_VERSION;
			break;
		case 'o':
			if (flags[1] || next)
				command->lists[command->list_count++] = flags[1] ? flags + 1 : next;
			else
				error_add(err, -EINVAL,
					"-o needs options after it: -o name=value,...");
			return flags[1] ? 1 : 2;
		default:
			error_add(err, -EINVAL, "There is no option -%c; kiefs --help lists all.",
				*flags);
			return 1;
		}
	}
	return 1;
}

static void read_long(const char *name, struct command *command, struct error *err)
{
	if (strcmp(name, "--help") == 0)
		command->action = CONFIG_HELP;
	else if (strcmp(name, "--version") == 0)
		command->action = CONFIG_VERSION;
	else if (strcmp(name, "--demo") == 0)
		command->demo = true;
	else
		error_add(err, -EINVAL, "There is no option %s; kiefs --help lists all.", name);
}

static void read_name(const char *name, struct command *command, struct error *err)
{
	if (command->name_count == 2) {
		error_add(err, -EINVAL, "%s is one argument too many: kiefs [SOURCE] MOUNTPOINT.",
			name);
		return;
	}
	command->names[command->name_count++] = name;
}

int command_read(const struct config_input *input, struct command *command, struct error *err)
{
	bool names_only = false;
	struct error wrong = {0};

	*command = (struct command){0};
	command->lists = calloc((size_t)input->argc + 1, sizeof(*command->lists));
	if (!command->lists)
		return error_set(err, -ENOMEM, "Out of memory.");
	for (int i = 1; i < input->argc;) {
		const char *arg = input->argv[i];
		if (names_only || arg[0] != '-' || !arg[1]) {
			read_name(arg, command, &wrong);
			i++;
		} else if (strcmp(arg, "--") == 0) {
			names_only = true;
			i++;
		} else if (arg[1] == '-') {
			read_long(arg, command, &wrong);
			i++;
		} else {
			const char *next = i + 1 < input->argc ? input->argv[i + 1] : NULL;
			i += read_letters(arg + 1, next, command, &wrong);
		}
	}
	if (command->action == CONFIG_MOUNT && command->name_count == 0)
		error_add(&wrong, -EINVAL,
			"The mount point is missing: kiefs [-o options] MOUNTPOINT.");
	int r = command->action == CONFIG_MOUNT ? wrong.code : 0;
	if (r < 0)
		error_add(err, r, "%s", error_text(&wrong));
	error_finish(&wrong);
	return r;
}

void command_finish(struct command *command)
{
	free(command->lists);
}
