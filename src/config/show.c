/* The configuration as text: .kiefs/config and --help. */
#include <inttypes.h>

#include "kiefs/buf.h"
#include "kiefs/config.h"

static void print_size(int64_t bytes, struct buf *out)
{
	static const char units[] = "TGMK";
	int shift = 40;

	for (int i = 0; units[i]; i++, shift -= 10) {
		if (bytes && bytes % (INT64_C(1) << shift) == 0) {
			buf_addf(out, "%" PRId64 "%c\n", bytes >> shift, units[i]);
			return;
		}
	}
	buf_addf(out, "%" PRId64 "\n", bytes);
}

static void print_option(
	const struct config *config, const struct config_option *option, struct buf *out)
{
	const void *member = (const char *)config + option->offset;
	const char *text = option->type <= CONFIG_NAME ? *(char *const *)member : "";
	int number = option->type == CONFIG_COUNT || option->type == CONFIG_CHOICE ||
				     option->type == CONFIG_MODE
			     ? *(const int *)member
			     : 0;

	double credits = option->type == CONFIG_CREDITS ? *(const double *)member : 0;

	if (!text || number < 0 || credits < 0) {
		buf_addf(out, "# %s is not set\n", option->name);
		return;
	}
	if (option->type == CONFIG_TEXT) {
		/* A command may have a key in it. */
		buf_addf(out, "# %s is set\n", option->name);
		return;
	}
	buf_addf(out, "%s = ", option->name);
	switch (option->type) {
	case CONFIG_TEXT:
	case CONFIG_PATH:
	case CONFIG_LISTEN:
	case CONFIG_URL:
	case CONFIG_NAME:
		buf_addf(out, "%s\n", text);
		break;
	case CONFIG_MODE:
		buf_addf(out, "%03o\n", (unsigned)number);
		break;
	case CONFIG_COUNT:
		buf_addf(out, "%d\n", number);
		break;
	case CONFIG_SIZE:
		print_size(*(const int64_t *)member, out);
		break;
	case CONFIG_CREDITS:
		buf_addf(out, "%.15g\n", credits);
		break;
	case CONFIG_CHOICE:
		buf_addf(out, "%s\n", option->choices[number]);
		break;
	}
}

int config_print(const struct config *config, struct buf *out)
{
	size_t count;
	const struct config_option *options = config_options(&count);

	buf_adds(out, "# kiefs " KIEFS_VERSION ": what is in force\n");
	if (config->demo)
		buf_adds(out, "# --demo: the API is simulated, nothing costs anything\n");
	for (size_t i = 0; i < count; i++)
		print_option(config, &options[i], out);
	for (size_t i = 0; i < config->fuse_option_count; i++)
		buf_addf(out, "%s\n", config->fuse_options[i]);
	return out->error;
}

static void help_option(const struct config_option *option, struct buf *out)
{
	static const char *const words[] = {
		[CONFIG_TEXT] = "TEXT",
		[CONFIG_PATH] = "PATH",
		[CONFIG_LISTEN] = "[ADDRESS:]PORT",
		[CONFIG_URL] = "URL",
		[CONFIG_NAME] = "NAME",
		[CONFIG_MODE] = "OCTAL",
		[CONFIG_COUNT] = "N",
		[CONFIG_SIZE] = "SIZE",
		[CONFIG_CREDITS] = "CREDITS",
	};
	size_t start = out->len;

	buf_addf(out, "  %s=", option->name);
	if (option->type != CONFIG_CHOICE)
		buf_adds(out, words[option->type]);
	for (int i = 0; option->choices && option->choices[i]; i++)
		buf_addf(out, "%s%s", i ? "|" : "", option->choices[i]);
	buf_addf(out, "%*s%s", start + 27 > out->len ? (int)(start + 27 - out->len) : 1, "",
		option->help);
	if (option->initial)
		buf_addf(out, " (%s)", option->initial);
	if (option->env)
		buf_addf(out, "; also $%s", option->env);
	buf_adds(out, "\n");
}

int config_help(struct buf *out)
{
	size_t count;
	const struct config_option *options = config_options(&count);

	buf_adds(out,
		"usage: kiefs [-o name=value,...] [-f] [-d] [--demo] [SOURCE] MOUNTPOINT\n"
		"       kiefs top [-1] [-n SECONDS] [PATH]\n"
		"       kiefs wait [-q] PATH...\n"
		"Mounts the KIE generation API: models are directories, requests are files.\n\n"
		"  -f             stay in the foreground\n"
		"  -d             the same, with a trace of all FUSE requests\n"
		"  --demo         no key, no network, no cost: a simulated API, kept apart\n"
		"  -h, --help     print this\n"
		"  -V, --version  print the version\n\n"
		"After -o, or as a line in $XDG_CONFIG_HOME/kiefs/config:\n");
	for (size_t i = 0; i < count; i++)
		help_option(&options[i], out);
	buf_adds(out, "and FUSE's own: allow_other, auto_unmount, fsname=, ... See kiefs(1), "
		      "kiefs(5), kiefs(7).\n");
	return out->error;
}
