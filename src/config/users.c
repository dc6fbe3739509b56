#include "kiefs/users.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kiefs/config.h"
#include "kiefs/error.h"

#define DEFAULT_UMASK 022

/* -EINVAL: no number of a user or group. (uid_t)-1 means "none" to the kernel. */
static int parse_id(const char *text, id_t *out)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (errno || *end || value >= UINT32_MAX)
		return -EINVAL;
	*out = (id_t)value;
	return 0;
}

static int find_id(const char *option, const char *name, bool group, id_t *out, struct error *err)
{
	if (parse_id(name, out) == 0)
		return 0;
	const struct passwd *user = group ? NULL : getpwnam(name);
	const struct group *found = group ? getgrnam(name) : NULL;
	if (!user && !found)
		return error_add(err, -EINVAL,
			"%s: there is no %s \"%s\" on this machine. A number does as well.", option,
			group ? "group" : "user", name);
	*out = user ? user->pw_uid : found->gr_gid;
	return 0;
}

static int read_spenders(const char *text, struct users *out, struct error *err)
{
	char *copy = strdup(text), *rest = copy, *name;
	int r = 0;

	out->spenders = calloc(strlen(text) + 1, sizeof(*out->spenders));
	if (!copy || !out->spenders)
		r = -ENOMEM;
	while (r == 0 && (name = strsep(&rest, ":"))) {
		struct spender *spender = &out->spenders[out->count];
		if (!*name)
			continue;
		spender->is_group = *name == '@';
		r = find_id(
			"spenders", name + spender->is_group, spender->is_group, &spender->id, err);
		out->count += r == 0;
	}
	free(copy);
	return r;
}

static bool lets_in(const struct config *config)
{
	for (size_t i = 0; i < config->fuse_option_count; i++)
		if (strcmp(config->fuse_options[i], "allow_other") == 0 ||
			strcmp(config->fuse_options[i], "allow_root") == 0)
			return true;
	return false;
}

static int find_owner(const struct config *config, struct users *out, struct error *err)
{
	id_t id;
	int r = 0;

	if (config->uid && find_id("uid", config->uid, false, &id, err) == 0)
		out->uid = id;
	else if (config->uid)
		r = -EINVAL;
	if (config->gid && find_id("gid", config->gid, true, &id, err) == 0)
		out->gid = id;
	else if (config->gid)
		r = -EINVAL;
	/* The daemon itself could not write in directories of another user. */
	if (r == 0 && out->uid != out->mounter && out->mounter != 0)
		r = error_add(err, -EINVAL,
			"uid: only root can give the mount to another user. Let that user mount, "
			"or use spenders=.");
	return r;
}

int users_find(const struct config *config, struct users *out, struct error *err)
{
	struct users users = {
		.mounter = getuid(),
		.uid = getuid(),
		.gid = getgid(),
		.one_owner = config->uid != NULL,
		.one_group = config->gid != NULL,
		.is_masked = config->umask >= 0 || config->spenders,
		.has_list = config->spenders != NULL,
	};
	int r = find_owner(config, &users, err);

	if (config->umask >= 0)
		users.umask = (mode_t)config->umask;
	else
		users.umask = config->spenders ? 0 : DEFAULT_UMASK;
	if (config->spenders && !lets_in(config))
		r = error_add(err, -EINVAL,
			"spenders: nobody else is let in without allow_other. Add it, or leave "
			"spenders out.");
	if (r == 0 && config->spenders)
		r = read_spenders(config->spenders, &users, err);
	if (r < 0)
		users_finish(&users);
	else
		*out = users;
	return r;
}

void users_finish(struct users *users)
{
	free(users->spenders);
	*users = (struct users){0};
}

static bool is_among(gid_t gid, const gid_t *groups, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

static bool is_listed(const struct users *users, uid_t uid, const gid_t *groups, size_t count)
{
	for (size_t i = 0; i < users->count; i++) {
		const struct spender *spender = &users->spenders[i];
		if (spender->is_group ? is_among(spender->id, groups, count) : spender->id == uid)
			return true;
	}
	return false;
}

/* Root gets past every mode, so what the modes say of him is asked here as for anybody. */
bool users_may_spend(const struct users *users, uid_t uid, const gid_t *groups, size_t count)
{
	if (uid == users->mounter || uid == users->uid)
		return true;
	if (users->has_list)
		return is_listed(users, uid, groups, count);
	return is_among(users->gid, groups, count) ? !(users->umask & 020) : !(users->umask & 02);
}

mode_t users_control_mode(const struct users *users)
{
	mode_t mode = 0600;

	if (!(users->umask & 020))
		mode |= 060;
	if (!(users->umask & 02))
		mode |= 06;
	return mode;
}
