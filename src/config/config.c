#include "kiefs/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "kiefs/error.h"
#include "kiefs/utf8.h"
#include "option.h"

static const char *env_value(const struct config_input *input, const char *name)
{
	const char *value = input->env(name, input->context);

	return value && *value ? value : NULL;
}

static const char *home_of(const struct config_input *input)
{
	const char *home = env_value(input, "HOME");

	return home && home[0] == '/' ? home : input->home;
}

int option_expand(const struct config_input *input, const char *text, bool demo, char **out)
{
	static const struct {
		const char *variable, *below_home;
	} bases[] = {
		{"XDG_CONFIG_HOME", ".config"},
		{"XDG_STATE_HOME", ".local/state"},
		{"XDG_DATA_HOME", ".local/share"},
	};
	const char *rest = strchr(text, '/');
	const char *home = home_of(input);
	int n = 0;

	*out = NULL;
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		size_t len = strlen(bases[i].variable);
		if ((size_t)(rest - text) != len + 1 ||
			strncmp(text + 1, bases[i].variable, len) != 0)
			continue;
		const char *base = env_value(input, bases[i].variable);
		const char *tail = rest + strlen("/kiefs");
		const char *own = demo ? "/kiefs-demo" : "/kiefs";
		if (base && base[0] == '/')
			n = asprintf(out, "%s%s%s", base, own, tail);
		else if (home)
			n = asprintf(out, "%s/%s%s%s", home, bases[i].below_home, own, tail);
	}
	return n < 0 ? -ENOMEM : 0;
}

static void set_default(const struct config_input *input, const struct config_option *option,
	struct config *config, struct error *err)
{
	const struct option_place place = {.source = "the defaults"};
	const char *text = option->initial;
	char *expanded = NULL;
	int r = 0;

	if (text && text[0] == '$') {
		r = option_expand(input, text, config->demo, &expanded);
		text = expanded;
	}
	if (config->demo && option->type == CONFIG_URL)
		text = NULL;
	if (r < 0)
		error_add(err, r, "Out of memory.");
	else if (text)
		option_set(config, option, text, &place, err);
	free(expanded);
}

/* Keeps `name` or `name=value` for libfuse, commas and backslashes escaped. */
static int keep_for_fuse(struct config *config, const char *name, const char *value)
{
	size_t len = strlen(name) + (value ? strlen(value) : 0);
	char *text = malloc(2 * len + 2);
	char **list = realloc(config->fuse_options,
		(config->fuse_option_count + 1) * sizeof(*config->fuse_options));
	char *at = text;

	if (list)
		config->fuse_options = list;
	if (!list || !text) {
		free(text);
		return -ENOMEM;
	}
	at = stpcpy(at, name);
	if (value)
		*at++ = '=';
	for (; value && *value; value++) {
		if (*value == ',' || *value == '\\')
			*at++ = '\\';
		*at++ = *value;
	}
	*at = '\0';
	list[config->fuse_option_count++] = text;
	return 0;
}

static void refuse_unknown(const char *name, const struct option_place *place, struct error *err)
{
	const char *nearest = option_nearest(name);

	if (nearest)
		error_add(err, -EINVAL, "%s: there is no option \"%s\"; did you mean %s?",
			place->source, name, nearest);
	else
		error_add(err, -EINVAL, "%s: there is no option \"%s\"; kiefs --help lists all.",
			place->source, name);
}

static void set_generic(struct config *config, const char *name, const char *value,
	const struct option_place *place, struct error *err)
{
	switch (option_generic(name, value)) {
	case GENERIC_KEEP:
		if (keep_for_fuse(config, name, value) < 0)
			error_add(err, -ENOMEM, "Out of memory.");
		break;
	case GENERIC_DROP:
		break;
	case GENERIC_REFUSE:
		error_add(err, -EINVAL, "%s: %s is not possible: a request is a file written here.",
			place->source, name);
		break;
	case GENERIC_FLAG:
		error_add(err, -EINVAL, "%s: %s takes no value.", place->source, name);
		break;
	case GENERIC_VALUE:
		error_add(err, -EINVAL, "%s: %s needs a value: %s=...", place->source, name, name);
		break;
	case GENERIC_UNKNOWN:
		refuse_unknown(name, place, err);
		break;
	}
}

/* `value` NULL: the name stands alone. */
static void set_one(struct config *config, const char *name, const char *value,
	const struct option_place *place, struct error *err)
{
	const struct config_option *option = option_find(name);

	if (!option)
		set_generic(config, name, value, place, err);
	else if (!value)
		error_add(err, -EINVAL, "%s: %s needs a value: %s=...", place->source, name, name);
	else if (config->demo && option->type == CONFIG_URL)
		error_add(err, -EINVAL,
			"%s: %s cannot be set with --demo, which brings its own API.",
			place->source, name);
	else
		option_set(config, option, value, place, err);
}

/* Cuts white space at both ends, in place. */
static char *trim(char *text)
{
	static const char white[] = " \t\r\n";
	char *end;

	text += strspn(text, white);
	end = text + strlen(text);
	while (end > text && strchr(white, end[-1]))
		end--;
	*end = '\0';
	return text;
}

static void set_line(
	struct config *config, char *line, const struct option_place *place, struct error *err)
{
	char *name = trim(line);
	char *value = strchr(name, '=');

	if (!*name || *name == '#')
		return;
	for (const char *at = name; *at; at++) {
		if ((unsigned char)*at < ' ' && *at != '\t') {
			error_add(err, -EINVAL, "%s: there is a control character.", place->source);
			return;
		}
	}
	if (value) {
		*value = '\0';
		value = trim(value + 1);
	}
	set_one(config, trim(name), value, place, err);
}

static void set_text(struct config *config, const struct config_input *input, struct error *err)
{
	char source[32];
	const struct option_place place = {.source = source, .home = home_of(input)};
	char *copy = strdup(input->text);
	char *next = copy;

	if (!copy) {
		error_add(err, -ENOMEM, "Out of memory.");
	} else if (!utf8_is_valid(copy, strlen(copy))) {
		error_add(err, -EINVAL, "config: the file is not UTF-8 text.");
		next = NULL;
	}
	for (int number = 1; next; number++) {
		char *line = strsep(&next, "\n");
		snprintf(source, sizeof(source), "config:%d", number);
		set_line(config, line, &place, err);
	}
	free(copy);
}

/* The value of one -o: `name[=value]` between commas; a backslash takes the next character as it
 * is. */
static void set_list(struct config *config, const char *list, const struct option_place *place,
	struct error *err)
{
	char *item = malloc(strlen(list) + 1);

	if (!item) {
		error_add(err, -ENOMEM, "Out of memory.");
		return;
	}
	while (*list) {
		size_t len = 0;
		for (; *list && *list != ','; list++) {
			if (*list == '\\' && (list[1] == ',' || list[1] == '\\'))
				list++;
			item[len++] = *list;
		}
		item[len] = '\0';
		if (*list)
			list++;
		char *value = strchr(item, '=');
		if (value)
			*value++ = '\0';
		if (*item)
			set_one(config, item, value, place, err);
		else if (value)
			error_add(err, -EINVAL, "%s: \"=%s\" has no name.", place->source, value);
	}
	free(item);
}

static void set_environment(
	struct config *config, const struct config_input *input, struct error *err)
{
	size_t count;
	const struct config_option *options = config_options(&count);

	for (size_t i = 0; i < count; i++) {
		const char *value = options[i].env ? env_value(input, options[i].env) : NULL;
		char source[64];
		const struct option_place place = {
			.source = source, .cwd = input->cwd, .home = home_of(input)};
		if (!value)
			continue;
		snprintf(source, sizeof(source), "$%s", options[i].env);
		option_set(config, &options[i], value, &place, err);
	}
}

static void check_paths(const struct config *config, struct error *err)
{
	if (!config->state || !config->store)
		error_add(err, -EINVAL,
			"There is no home directory to keep things in: set $HOME, or -o "
			"state=PATH,store=PATH.");
}

static void set_names(
	struct config *config, const struct command *command, const char *cwd, struct error *err)
{
	const char *name = command->names[command->name_count - 1];
	char *whole = NULL;

	/* A "~" that the shell left alone is part of the name. */
	if (!*name || (*name != '/' && !cwd))
		error_add(err, -EINVAL, "\"%s\" is no path for a mount point.", name);
	else if (asprintf(&whole, "%s%s%s", *name == '/' ? "" : cwd, *name == '/' ? "" : "/",
			 name) < 0)
		error_add(err, -ENOMEM, "Out of memory.");
	else
		config->mountpoint = whole;
	if (command->name_count < 2)
		return;
	config->source = strdup(command->names[0]);
	if (!config->source)
		error_add(err, -ENOMEM, "Out of memory.");
}

/* Files, and the key with them, do not go to the service's own host when the API is elsewhere. */
static void follow_base_url(struct config *config, struct error *err)
{
	const char *base = option_find("base_url")->initial;

	if (config->upload_url || !config->base_url)
		return;
	config->upload_url =
		strdup(strcmp(config->base_url, base) == 0 ? option_find("upload_url")->initial
							   : config->base_url);
	if (!config->upload_url)
		error_add(err, -ENOMEM, "Out of memory.");
}

static void apply(const struct config_input *input, const struct command *command,
	struct config *config, struct error *err)
{
	const struct option_place place = {
		.source = "-o", .cwd = input->cwd, .home = home_of(input)};
	size_t count;
	const struct config_option *options = config_options(&count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(options[i].name, "upload_url") != 0)
			set_default(input, &options[i], config, err);
	if (!config->demo && input->text)
		set_text(config, input, err);
	if (!config->demo)
		set_environment(config, input, err);
	for (size_t i = 0; i < command->list_count; i++)
		set_list(config, command->lists[i], &place, err);
	follow_base_url(config, err);
	check_paths(config, err);
	set_names(config, command, input->cwd, err);
}

int config_parse(const struct config_input *input, struct config *out, struct error *err)
{
	struct command command;
	struct error wrong = {0};
	struct config config = {
		.ready_fd = -1, .umask = -1, .limit_per_task = -1, .limit_per_day = -1};
	int r = command_read(input, &command, err);

	if (r < 0)
		goto out;
	config.action = command.action;
	config.debug = command.debug;
	config.foreground = command.foreground || command.debug;
	config.demo = command.demo;
	if (config.action == CONFIG_MOUNT)
		apply(input, &command, &config, &wrong);
	r = wrong.code;
	if (r < 0)
		error_add(err, r, "%s", error_text(&wrong));
	else
		*out = config;
out:
	if (r < 0)
		config_finish(&config);
	error_finish(&wrong);
	command_finish(&command);
	return r;
}

void config_finish(struct config *config)
{
	size_t count;
	const struct config_option *options = config_options(&count);

	if (!config)
		return;
	for (size_t i = 0; i < count; i++) {
		if (options[i].type <= CONFIG_NAME)
			free(*(char **)((char *)config + options[i].offset));
	}
	for (size_t i = 0; i < config->fuse_option_count; i++)
		free(config->fuse_options[i]);
	free(config->fuse_options);
	users_finish(&config->users);
	free(config->source);
	free(config->mountpoint);
	*config = (struct config){0};
}
