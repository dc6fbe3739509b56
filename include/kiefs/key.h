/*
 * The API key: where it comes from. It is in no message, no file below the mount, no process list.
 */
#pragma once

#include "kiefs/config.h"

struct error;

/* Longest key, in bytes. */
#define KEY_MAX 1024
/* How long api_key_command may take. */
#define KEY_COMMAND_MS 10000

/*
 * The first that is set of: api_key_file, api_key_command, the file kie-api-key in
 * $CREDENTIALS_DIRECTORY, $KIE_API_KEY. A set one that fails is an error: the next is not tried.
 * With --demo it is "demo". White space around it is cut.
 * Returns a heap string for key_destroy(), or NULL with `err` (one sentence): -ENOKEY when none
 * is set, -EACCES for a file that others can read or own, -EINVAL for what cannot be a key,
 * -ETIMEDOUT, -EIO for a failed command, -errno of the file, -ENOMEM.
 * May wait for the command: never call it on the FUSE side.
 */
char *key_read(const struct config *config, config_env_fn *env, void *context, struct error *err);

/* The pieces of key_read(), with the same errors. `name` is the option that has the command, whose
 * whole process group is killed after `timeout_ms`. */
char *key_from_file(const char *path, struct error *err);
char *key_from_command(const char *name, const char *command, int timeout_ms, struct error *err);

/* The key that callbacks are signed with: callback_key_file, callback_key_command or
 * $KIE_CALLBACK_KEY. Like key_read(). */
char *key_read_callback(
	const struct config *config, config_env_fn *env, void *context, struct error *err);

/* Wipes and frees; accepts NULL. */
void key_destroy(char *key);
