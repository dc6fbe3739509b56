/* The parts of the configuration that look at this machine. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "kiefs/buf.h"
#include "kiefs/error.h"
#include "option.h"

#define FILE_MAX (1 << 20)

/* A $HOME that the user may not enter is another's: mount(8) clears it, and its helper mount.fuse3
 * then says /root to everybody. */
static const char *process_env(const char *name, void *context)
{
	const char *value = getenv(name);
	bool foreign =
		value && strcmp(name, "HOME") == 0 && access(value, X_OK) < 0 && errno == EACCES;

	return foreign ? NULL : value;
}

/* A missing file leaves `buf` untouched and `*found` false. */
static int read_file(const char *path, struct buf *buf, bool *found, struct error *err)
{
	char piece[4096];
	ssize_t n = 0;
	int r = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*found = false;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return error_set(err, -errno, "%s cannot be read: %s.", path, strerror(errno));
	while (r == 0 && (n = read(fd, piece, sizeof(piece))) > 0)
		r = buf_add(buf, piece, (size_t)n);
	if (n < 0)
		r = error_set(err, -errno, "%s cannot be read: %s.", path, strerror(errno));
	else if (r == -EFBIG)
		error_set(err, r, "%s is larger than %d bytes.", path, FILE_MAX);
	else if (r == 0 && buf->data && strlen(buf->data) != buf->len)
		r = error_set(err, -EINVAL, "%s is not text.", path);
	else if (r == 0)
		r = buf_adds(buf, "");
	close(fd);
	*found = r == 0;
	return r;
}

static int read_text(
	const struct config_input *input, struct buf *buf, bool *found, struct error *err)
{
	char *path;
	int r = option_expand(input, "$XDG_CONFIG_HOME/kiefs/config", false, &path);

	*found = false;
	if (r < 0)
		return error_set(err, r, "Out of memory.");
	if (path)
		r = read_file(path, buf, found, err);
	free(path);
	return r;
}

int config_load(int argc, char *const *argv, struct config *out, struct error *err)
{
	char cwd[PATH_MAX];
	const struct passwd *user = getpwuid(getuid());
	struct config_input input = {
		.argc = argc,
		.argv = argv,
		.env = process_env,
		.home = user ? user->pw_dir : NULL,
		.cwd = getcwd(cwd, sizeof(cwd)),
	};
	struct command command;
	struct config config = {0};
	struct buf text;
	bool found = false;
	int r = command_read(&input, &command, err);

	buf_init(&text, FILE_MAX);
	if (r == 0 && command.action == CONFIG_MOUNT && !command.demo)
		r = read_text(&input, &text, &found, err);
	if (found)
		input.text = text.data;
	if (r == 0)
		r = config_parse(&input, &config, err);
	if (r == 0)
		r = users_find(&config, &config.users, err);
	if (r == 0)
		*out = config;
	else
		config_finish(&config);
	command_finish(&command);
	buf_finish(&text);
	return r;
}

static int is_catalogue(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int config_catalogues(const struct config *config, char ***out, size_t *count, struct error *err)
{
	struct dirent **entries = NULL;
	char **paths = NULL;
	int n = config->catalog_dir ? scandir(config->catalog_dir, &entries, is_catalogue, by_name)
				    : 0;
	int r = 0;

	if (n < 0 && errno == ENOENT)
		n = 0;
	if (n < 0)
		return error_set(err, -errno, "%s cannot be read: %s.", config->catalog_dir,
			strerror(errno));
	if (n > 0)
		paths = calloc((size_t)n, sizeof(*paths));
	for (int i = 0; i < n; i++) {
		if (!paths ||
			asprintf(&paths[i], "%s/%s", config->catalog_dir, entries[i]->d_name) < 0) {
			if (paths)
				paths[i] = NULL;
			r = -ENOMEM;
		}
		free(entries[i]);
	}
	free(entries);
	if (r < 0) {
		config_catalogues_free(paths, (size_t)n);
		return error_set(err, r, "Out of memory.");
	}
	*out = paths;
	*count = (size_t)n;
	return 0;
}

void config_catalogues_free(char **paths, size_t count)
{
	for (size_t i = 0; paths && i < count; i++)
		free(paths[i]);
	free(paths);
}
