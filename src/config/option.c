#include "option.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kiefs/error.h"
#include "kiefs/word.h"

static const char *const validate_words[] = {"strict", "warn", NULL};
static const char *const unknown_words[] = {"hold", "allow", NULL};

/* More than anybody will spend, and whole numbers below it are exact. */
#define CREDITS_MAX 1e12

#define AT(member) offsetof(struct config, member)

static const struct config_option options[] = {
	{"api_key_file", CONFIG_PATH, AT(api_key_file), NULL, NULL,
		"file that holds the API key and that only you can read"},
	{"api_key_command", CONFIG_TEXT, AT(api_key_command), NULL, NULL,
		"shell command that prints the API key"},
	{"base_url", CONFIG_URL, AT(base_url), "https://api.kie.ai", "KIE_BASE_URL",
		"address of the API"},
	{"upload_url", CONFIG_URL, AT(upload_url), "https://kieai.redpandaai.co",
		"KIE_UPLOAD_BASE_URL", "address that files are uploaded to"},
	{"store", CONFIG_PATH, AT(store), "$XDG_DATA_HOME/kiefs", NULL,
		"directory of your files and the results"},
	{"state", CONFIG_PATH, AT(state), "$XDG_STATE_HOME/kiefs", NULL,
		"directory of the index, on a local disk"},
	{"catalog", CONFIG_PATH, AT(catalog), NULL, NULL,
		"file that replaces the built-in catalogue"},
	{"catalog_dir", CONFIG_PATH, AT(catalog_dir), "$XDG_CONFIG_HOME/kiefs/catalog.d", NULL,
		"directory whose *.json extend the catalogue"},
	{"mapping", CONFIG_PATH, AT(mapping), NULL, NULL,
		"mapping file of endpoints to import models from"},
	{"validate", CONFIG_CHOICE, AT(validate), "strict", NULL,
		"whether a value outside the catalogue's limits is refused",
		.choices = validate_words},
	{"submit_rate", CONFIG_COUNT, AT(submit_rate), "20", NULL, "submissions in any 10 seconds",
		.min = 1, .max = 256},
	{"max_running", CONFIG_COUNT, AT(max_running), "100", NULL, "tasks at the service at once",
		.min = 1, .max = 1000000},
	{"poll_rate", CONFIG_COUNT, AT(poll_rate), "10", NULL,
		"questions per second after running tasks", .min = 1, .max = 1000},
	{"max_downloads", CONFIG_COUNT, AT(max_downloads), "8", NULL, "downloads at once", .min = 1,
		.max = 256},
	{"max_result_size", CONFIG_SIZE, AT(max_result_size), "16G", NULL,
		"largest result, in bytes", .min = 1, .max = INT64_MAX},
	{"limit_per_task", CONFIG_CREDITS, AT(limit_per_task), NULL, NULL,
		"credits that one request may cost"},
	{"limit_per_day", CONFIG_CREDITS, AT(limit_per_day), NULL, NULL,
		"credits that may be spent on one day, UTC"},
	{"unknown_price", CONFIG_CHOICE, AT(unknown_price), "hold", NULL,
		"what becomes of requests of unknown price while a limit is set",
		.choices = unknown_words},
	{"callback_listen", CONFIG_LISTEN, AT(callback_listen), NULL, NULL,
		"port, or address:port, at which callbacks are taken"},
	{"callback_url", CONFIG_URL, AT(callback_url), NULL, NULL,
		"public address that leads there"},
	{"callback_key_file", CONFIG_PATH, AT(callback_key_file), NULL, NULL,
		"file that holds the key which callbacks are signed with"},
	{"callback_key_command", CONFIG_TEXT, AT(callback_key_command), NULL, NULL,
		"shell command that prints that key"},
	{"uid", CONFIG_NAME, AT(uid), NULL, NULL, "user whose the files are, by name or number"},
	{"gid", CONFIG_NAME, AT(gid), NULL, NULL, "group of the files"},
	{"umask", CONFIG_MODE, AT(umask), NULL, NULL,
		"rights of others that are taken from all files (022; 000 with spenders=)"},
	{"spenders", CONFIG_NAME, AT(spenders), NULL, NULL,
		"who may write and so spend beside you: USER:@GROUP:..."},
	{"ready_fd", CONFIG_COUNT, AT(ready_fd), NULL, NULL,
		"file descriptor that gets a line once the mount is ready", .max = INT_MAX},
};

/* Beside the program's own. */
static const struct {
	const char *name;
	enum option_generic what;
	bool value;
} generics[] = {
	{"allow_other", GENERIC_KEEP},
	{"allow_root", GENERIC_KEEP},
	{"auto_unmount", GENERIC_KEEP},
	{"default_permissions", GENERIC_KEEP},
	{"dirsync", GENERIC_KEEP},
	{"fsname", GENERIC_KEEP, true},
	{"max_read", GENERIC_KEEP, true},
	{"noatime", GENERIC_KEEP},
	{"nodev", GENERIC_KEEP},
	{"nodiratime", GENERIC_KEEP},
	{"noexec", GENERIC_KEEP},
	{"nosuid", GENERIC_KEEP},
	{"subtype", GENERIC_KEEP, true},
	{"sync", GENERIC_KEEP},
	{"_netdev", GENERIC_DROP},
	{"async", GENERIC_DROP},
	{"atime", GENERIC_DROP},
	{"auto", GENERIC_DROP},
	{"comment", GENERIC_DROP, true},
	{"defaults", GENERIC_DROP},
	{"dev", GENERIC_DROP},
	{"diratime", GENERIC_DROP},
	{"exec", GENERIC_DROP},
	{"group", GENERIC_DROP},
	{"noauto", GENERIC_DROP},
	{"nofail", GENERIC_DROP},
	{"nouser", GENERIC_DROP},
	{"owner", GENERIC_DROP},
	{"relatime", GENERIC_DROP},
	{"rw", GENERIC_DROP},
	{"suid", GENERIC_DROP},
	{"users", GENERIC_DROP},
	{"ro", GENERIC_REFUSE},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct config_option *config_options(size_t *count)
{
	*count = COUNT(options);
	return options;
}

const struct config_option *option_find(const char *name)
{
	for (size_t i = 0; i < COUNT(options); i++) {
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	}
	return NULL;
}

enum option_generic option_generic(const char *name, const char *value)
{
	if (strncasecmp(name, "x-", 2) == 0)
		return GENERIC_DROP;
	/* fstab says `user`, the helper of mount(8) says `user=NAME`. */
	if (strcmp(name, "user") == 0)
		return GENERIC_DROP;
	for (size_t i = 0; i < COUNT(generics); i++) {
		if (strcmp(generics[i].name, name) != 0)
			continue;
		if (generics[i].value && (!value || !*value))
			return GENERIC_VALUE;
		if (!generics[i].value && value)
			return GENERIC_FLAG;
		return generics[i].what;
	}
	return GENERIC_UNKNOWN;
}

const char *option_nearest(const char *name)
{
	const char *nearest = NULL;
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < COUNT(options) + COUNT(generics); i++) {
		const char *known =
			i < COUNT(options) ? options[i].name : generics[i - COUNT(options)].name;
		size_t far = word_distance(name, known);
		if (far < best) {
			best = far;
			nearest = known;
		}
	}
	return nearest;
}

int option_path(const char *path, const struct option_place *place, char **out)
{
	char *text;
	int n;

	if (path[0] == '/')
		n = asprintf(&text, "%s", path);
	else if (strncmp(path, "~/", 2) == 0 && place->home)
		n = asprintf(&text, "%s/%s", place->home, path + 2);
	else if (path[0] && path[0] != '~' && place->cwd)
		n = asprintf(&text, "%s/%s", strcmp(place->cwd, "/") == 0 ? "" : place->cwd, path);
	else
		return -EINVAL;
	if (n < 0)
		return -ENOMEM;
	*out = text;
	return 0;
}

static bool host_is_loopback(const char *host, size_t len)
{
	char text[INET6_ADDRSTRLEN];
	struct in_addr address;

	if (len == strlen("localhost") && strncasecmp(host, "localhost", len) == 0)
		return true;
	if (len == strlen("[::1]") && memcmp(host, "[::1]", len) == 0)
		return true;
	if (len >= sizeof(text))
		return false;
	memcpy(text, host, len);
	text[len] = '\0';
	return inet_pton(AF_INET, text, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

static bool port_is_valid(const char *port, size_t len)
{
	long value = 0;

	if (len == 0 || len > 5 || strspn(port, "0123456789") < len)
		return false;
	for (size_t i = 0; i < len; i++)
		value = value * 10 + (port[i] - '0');
	return value >= 1 && value <= 65535;
}

/* A user name or a query in the address could be a secret, and it is shown in .kiefs/config. */
static bool url_is_allowed(const char *url)
{
	bool secure = strncasecmp(url, "https://", 8) == 0;

	if (!secure && strncasecmp(url, "http://", 7) != 0)
		return false;
	for (const char *at = url; *at; at++) {
		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f || strchr("@?#\\", *at))
			return false;
	}
	const char *host = url + (secure ? 8 : 7);
	size_t len = strcspn(host, "/");
	size_t name_len = host[0] == '[' ? strcspn(host, "]/") + 1 : strcspn(host, ":/");

	if (name_len == 0 || name_len > len)
		return false;
	if (name_len < len &&
		(host[name_len] != ':' || !port_is_valid(host + name_len + 1, len - name_len - 1)))
		return false;
	return secure || host_is_loopback(host, name_len);
}

/* Digits and, for sizes, one suffix. */
static int parse_number(const char *text, bool suffix, int64_t *out)
{
	static const char units[] = "KMGT";
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno)
		return -ERANGE;
	if (suffix && *end) {
		const char *unit = strchr(units, *end >= 'a' ? *end - ('a' - 'A') : *end);
		if (!unit)
			return -EINVAL;
		int shift = 10 * (int)(unit - units + 1);
		if (value > INT64_MAX >> shift)
			return -ERANGE;
		value <<= shift;
		end++;
	}
	if (*end)
		return -EINVAL;
	*out = value;
	return 0;
}

static int set_credits(double *member, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	/* strtod() takes more: signs, white space, hexadecimal, "inf". */
	if (strspn(text, "0123456789.") != strlen(text) || end == text || *end)
		return -EINVAL;
	if (value > CREDITS_MAX)
		return -ERANGE;
	*member = value;
	return 0;
}

static int choice_of(const struct config_option *option, const char *text)
{
	for (int i = 0; option->choices[i]; i++) {
		if (strcmp(option->choices[i], text) == 0)
			return i;
	}
	return -EINVAL;
}

/* "one of strict, warn" */
static void describe_allowed(const struct config_option *option, const struct option_place *place,
	char *out, size_t size)
{
	size_t len = 0;

	switch (option->type) {
	case CONFIG_TEXT:
		snprintf(out, size, "it must not be empty");
		break;
	case CONFIG_PATH:
		snprintf(out, size, "%s",
			place->cwd ? "it must be a path"
				   : "it must be a path that begins with / or ~/");
		break;
	case CONFIG_LISTEN:
		snprintf(out, size,
			"it must be a port from 0 to 65535 (0: any free one), alone or after an "
			"address: 8080, 127.0.0.1:8080, [::1]:8080");
		break;
	case CONFIG_URL:
		snprintf(out, size,
			"it must be an https:// address, or http:// on this machine (localhost, "
			"127.x.x.x, "
			"[::1]), without user name or query");
		break;
	case CONFIG_NAME:
		snprintf(out, size, "it must be a name or a number, without blanks");
		break;
	case CONFIG_MODE:
		snprintf(out, size,
			"it must be three octal digits from 000 to 077: the first is yours, and "
			"nothing is taken from you");
		break;
	case CONFIG_COUNT:
		snprintf(out, size, "it must be a whole number from %lld to %lld",
			(long long)option->min, (long long)option->max);
		break;
	case CONFIG_SIZE:
		snprintf(out, size,
			"it must be a number of bytes from %lld to %lld; K, M, G and T after it "
			"count in "
			"powers of 1024",
			(long long)option->min, (long long)option->max);
		break;
	case CONFIG_CREDITS:
		snprintf(out, size, "it must be a number of credits, 0 or more, such as 12.5");
		break;
	case CONFIG_CHOICE:
		len = (size_t)snprintf(out, size, "it must be one of");
		for (int i = 0; option->choices[i] && len < size; i++)
			len += (size_t)snprintf(
				out + len, size - len, "%s %s", i ? "," : "", option->choices[i]);
		break;
	}
}

static int set_string(char **member, char *value)
{
	if (!value)
		return -ENOMEM;
	free(*member);
	*member = value;
	return 0;
}

static int set_url(char **member, const char *text)
{
	size_t len = strlen(text);

	if (!url_is_allowed(text))
		return -EINVAL;
	while (text[len - 1] == '/')
		len--;
	return set_string(member, strndup(text, len));
}

/* An address that is numeric, so that nobody has to be asked what it means. */
static bool host_is_numeric(const char *host, size_t len)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;
	bool six = len > 2 && host[0] == '[' && host[len - 1] == ']';

	if (len >= sizeof(text))
		return false;
	memcpy(text, host, len);
	text[len] = '\0';
	if (six)
		text[len - 1] = '\0';
	return inet_pton(six ? AF_INET6 : AF_INET, text + six, &address) == 1;
}

static int set_listen(char **member, const char *text)
{
	const char *colon = strrchr(text, ':');
	const char *port = colon ? colon + 1 : text;
	size_t len = strlen(port);
	char *whole;

	if (strcmp(port, "0") != 0 && !port_is_valid(port, len))
		return -EINVAL;
	if (colon && !host_is_numeric(text, (size_t)(colon - text)))
		return -EINVAL;
	if (asprintf(&whole, "%s%s", colon ? "" : "127.0.0.1:", text) < 0)
		return -ENOMEM;
	return set_string(member, whole);
}

static int set_number(void *member, const struct config_option *option, const char *text)
{
	bool size = option->type == CONFIG_SIZE;
	int64_t value;
	int r = parse_number(text, size, &value);

	if (r < 0)
		return r;
	if (value < option->min || value > option->max)
		return -ERANGE;
	if (size)
		*(int64_t *)member = value;
	else
		*(int *)member = (int)value;
	return 0;
}

static int set_mode(int *member, const char *text)
{
	size_t len = strspn(text, "01234567");

	if (len == 0 || len > 4 || text[len])
		return -EINVAL;
	long value = strtol(text, NULL, 8);
	if (value > 077)
		return -ERANGE;
	*member = (int)value;
	return 0;
}

static int set_value(struct config *config, const struct config_option *option, const char *text,
	const struct option_place *place)
{
	void *member = (char *)config + option->offset;
	char *path;
	int r;

	switch (option->type) {
	case CONFIG_TEXT:
		return *text ? set_string(member, strdup(text)) : -EINVAL;
	case CONFIG_PATH:
		r = option_path(text, place, &path);
		return r < 0 ? r : set_string(member, path);
	case CONFIG_LISTEN:
		return set_listen(member, text);
	case CONFIG_URL:
		return set_url(member, text);
	case CONFIG_NAME:
		return *text && !text[strcspn(text, " \t")] ? set_string(member, strdup(text))
							    : -EINVAL;
	case CONFIG_MODE:
		return set_mode(member, text);
	case CONFIG_COUNT:
	case CONFIG_SIZE:
		return set_number(member, option, text);
	case CONFIG_CREDITS:
		return set_credits(member, text);
	case CONFIG_CHOICE:
		r = choice_of(option, text);
		if (r >= 0)
			*(int *)member = r;
		return r < 0 ? r : 0;
	}
	return -EINVAL;
}

int option_set(struct config *config, const struct config_option *option, const char *text,
	const struct option_place *place, struct error *err)
{
	char allowed[256];
	int r = set_value(config, option, text, place);

	if (r == 0)
		return 0;
	if (r == -ENOMEM)
		return error_add(err, r, "Out of memory.");
	describe_allowed(option, place, allowed, sizeof(allowed));
	/* An address may hold a password, a command a key: neither is repeated. */
	if (option->type == CONFIG_URL && strchr(text, '@'))
		error_add(err, -EINVAL, "%s: %s has a user name in it; %s.", place->source,
			option->name, allowed);
	else
		error_add(err, -EINVAL, "%s: %s=%s is not allowed; %s.", place->source,
			option->name, text, allowed);
	return -EINVAL;
}
