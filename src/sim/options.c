#include "options.h"

#include "fault.h"

#include "kiefs/error.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum option_kind {
	OPTION_TEXT,
	OPTION_FLAG,
	OPTION_NUMBER, /* double */
	OPTION_UNSIGNED,
	OPTION_INT,
	OPTION_LONG,
	OPTION_BIG, /* uint64_t, may end in k, M, G */
	OPTION_BIG_SIGNED,
};

struct option_entry {
	const char *name;
	enum option_kind kind;
	size_t offset;
	double min, max;
	const char *value; /* its name in the help */
	const char *help;
};

#define AT(member) offsetof(struct options, member)

static const struct option_entry entries[] = {
	{"port", OPTION_UNSIGNED, AT(port), 0, 65535, "N",
		"listen on port N (0, the default: any)"},
	{"listen", OPTION_TEXT, AT(listen), 0, 0, "ADDR", "listen on ADDR (127.0.0.1)"},
	{"ready-fd", OPTION_INT, AT(ready_fd), 0, 1 << 20, "N",
		"write the port to descriptor N when ready"},
	{"task-ms", OPTION_LONG, AT(task_ms), 0, 1e12, "MS",
		"every task takes MS (default: 2 s to 5 s)"},
	{"speed", OPTION_NUMBER, AT(speed), 0.001, 1e6, "X", "tasks run X times as fast (1)"},
	{"credits", OPTION_NUMBER, AT(credits), 0, 1e15, "N", "credits at the start (10000)"},
	{"rate", OPTION_UNSIGNED, AT(rate), 0, 1e6, "N",
		"submissions a key has in 10 s, 0: no limit (20)"},
	{"retry-after", OPTION_FLAG, AT(retry_after), 0, 0, NULL,
		"send Retry-After over that limit"},
	{"seed", OPTION_BIG, AT(seed), 0, 9e18, "N", "make the same task ids in every run"},
	{"catalog", OPTION_TEXT, AT(catalog), 0, 0, "FILE", "use FILE, not the built-in catalogue"},
	{"callback-key", OPTION_TEXT, AT(callback_key), 0, 0, "KEY", "sign callbacks with KEY"},
	{"extra-model", OPTION_TEXT, AT(extra_model), 0, 0, "FILE",
		"offer the models of FILE too, in the catalogue's form"},
	{"any-model", OPTION_FLAG, AT(any_model), 0, 0, NULL,
		"take models that the catalogue does not know"},
	{"max-tasks", OPTION_BIG, AT(max_tasks), 1, 1e9, "N",
		"forget the oldest task beyond N (1000000)"},
	{"link-ms", OPTION_BIG_SIGNED, AT(link_ms), 1, 1e13, "MS",
		"addresses of results live MS (24 h)"},
	{"result-bytes", OPTION_BIG, AT(result_bytes), 0, 9e18, "N",
		"pad every result to N bytes (k, M, G)"},
	{"upload-short", OPTION_FLAG, AT(upload_short), 0, 0, NULL,
		"answer uploads in the form of the quick start"},
	{"upload-max", OPTION_BIG, AT(upload_max), 0, 9e18, "N",
		"refuse larger uploads with 413 (k, M, G; 0: none)"},
	{"die-with-parent", OPTION_FLAG, AT(die_with_parent), 0, 0, NULL,
		"end when the parent process ends"},
	{"help", OPTION_FLAG, AT(help), 0, 0, NULL, "show this and exit"},
	{"version", OPTION_FLAG, AT(version), 0, 0, NULL, "show the version and exit"},
};

#define ENTRY_COUNT (sizeof(entries) / sizeof(entries[0]))

void options_help(FILE *file)
{
	fputs("usage: kiefs-sim [options]\n\nSimulates the KIE API. See kiefs-sim(1).\n\n", file);
	for (size_t i = 0; i < ENTRY_COUNT; i++) {
		char name[40];

		snprintf(name, sizeof(name), "--%s %s", entries[i].name,
			entries[i].value ? entries[i].value : "");
		fprintf(file, "  %-20s %s\n", name, entries[i].help);
	}
}

static int set_number(const struct option_entry *entry, const char *text, void *at)
{
	uint64_t size = 0;
	char *end;
	double number = strtod(text, &end);

	if (*end || end == text) {
		if (!fault_parse_size(text, &size))
			return -EINVAL;
		number = (double)size;
	}
	if (isnan(number) || number < entry->min || number > entry->max)
		return -EINVAL;
	if (entry->kind != OPTION_NUMBER && number != floor(number))
		return -EINVAL;
	switch (entry->kind) {
	case OPTION_NUMBER:
		*(double *)at = number;
		return 0;
	case OPTION_UNSIGNED:
		*(unsigned *)at = (unsigned)number;
		return 0;
	case OPTION_INT:
		*(int *)at = (int)number;
		return 0;
	case OPTION_LONG:
		*(long *)at = (long)number;
		return 0;
	case OPTION_BIG:
		*(uint64_t *)at = (uint64_t)number;
		return 0;
	case OPTION_BIG_SIGNED:
		*(int64_t *)at = (int64_t)number;
		return 0;
	default:
		return -EINVAL;
	}
}

static int set_value(
	const struct option_entry *entry, const char *text, struct options *out, struct error *err)
{
	void *at = (char *)out + entry->offset;

	if (entry->kind == OPTION_TEXT) {
		*(const char **)at = text;
		return 0;
	}
	if (set_number(entry, text, at) < 0)
		return error_set(err, -EINVAL, "--%s: %s is no number from %.0f to %.0f",
			entry->name, text, ceil(entry->min), entry->max);
	return 0;
}

static const struct option_entry *find_entry(const char *name, size_t len)
{
	for (size_t i = 0; i < ENTRY_COUNT; i++) {
		if (strlen(entries[i].name) == len && strncmp(entries[i].name, name, len) == 0)
			return &entries[i];
	}
	return NULL;
}

int options_parse(int argc, char **argv, struct options *out, struct error *err)
{
	struct options options = {.listen = "127.0.0.1",
		.ready_fd = -1,
		.task_ms = -1,
		.speed = 1,
		.credits = 10000,
		.rate = 20,
		.max_tasks = 1000000,
		.link_ms = (int64_t)24 * 3600 * 1000};

	if (getrandom(&options.seed, sizeof(options.seed), 0) != sizeof(options.seed))
		return error_set(err, -EINVAL, "The system gives no random numbers; use --seed");
	for (int i = 1; i < argc; i++) {
		const char *name = strncmp(argv[i], "--", 2) == 0 ? argv[i] + 2 : "";
		const char *value = strchr(name, '=');
		size_t len = value ? (size_t)(value - name) : strlen(name);
		const struct option_entry *entry = find_entry(name, len);
		int r = 0;

		if (!entry)
			return error_set(err, -EINVAL,
				"%s: no such option; kiefs-sim --help lists them", argv[i]);
		if (entry->kind == OPTION_FLAG) {
			if (value)
				return error_set(err, -EINVAL, "--%s takes no value", entry->name);
			*(bool *)((char *)&options + entry->offset) = true;
			continue;
		}
		value = value ? value + 1 : argv[++i];
		if (!value)
			return error_set(err, -EINVAL, "--%s needs a value", entry->name);
		r = set_value(entry, value, &options, err);
		if (r < 0)
			return r;
	}
	*out = options;
	return 0;
}
