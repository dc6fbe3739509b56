/* Where the key comes from, and what is said when it does not. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kiefs/error.h"
#include "kiefs/key.h"

struct place {
	char dir[32];
	char path[64]; /* dir/kie-api-key */
};

struct variables {
	const char *credentials, *key;
};

static const char *fake_env(const char *name, void *context)
{
	const struct variables *variables = context;

	if (strcmp(name, "CREDENTIALS_DIRECTORY") == 0)
		return variables->credentials;
	return strcmp(name, "KIE_API_KEY") == 0 ? variables->key : NULL;
}

static int make_place(void **state)
{
	static struct place place;

	strcpy(place.dir, "/tmp/kiefs-key-XXXXXX");
	if (!mkdtemp(place.dir))
		return -1;
	snprintf(place.path, sizeof(place.path), "%s/kie-api-key", place.dir);
	*state = &place;
	return 0;
}

static int remove_place(void **state)
{
	const struct place *place = *state;

	remove(place->path);
	return rmdir(place->dir);
}

static void write_key(const struct place *place, const char *text, mode_t mode)
{
	int fd = open(place->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void assert_key(char *key, const char *want, const struct error *err)
{
	if (!key)
		fail_msg("%s", error_text(err));
	assert_string_equal(key, want);
	key_destroy(key);
}

static void assert_refused(char *key, int code, const char *want, struct error *err)
{
	assert_null(key);
	if (err->code != code || !strstr(error_text(err), want))
		fail_msg("wanted %d \"%s\": %d %s", code, want, err->code, error_text(err));
	assert_null(strstr(error_text(err), "sk-"));
	error_finish(err);
}

static void test_file(void **state)
{
	const struct place *place = *state;
	struct error err = {0};
	char link[64];

	write_key(place, " \tsk-1\r\n\n", 0600);
	assert_key(key_from_file(place->path, &err), "sk-1", &err);
	write_key(place, "sk-2", 0400);
	assert_key(key_from_file(place->path, &err), "sk-2", &err);
	snprintf(link, sizeof(link), "%s/link", place->dir);
	assert_int_equal(symlink("kie-api-key", link), 0);
	assert_key(key_from_file(link, &err), "sk-2", &err);
	unlink(link);
}

static void test_file_refused(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		int code;
		const char *want;
	} cases[] = {
		{"sk-1", 0640, -EACCES, "open to others (mode 640); run: chmod 600"},
		{"sk-1", 0604, -EACCES, "open to others"},
		{"sk-1", 0620, -EACCES, "open to others"},
		{"", 0600, -EINVAL, "is empty"},
		{" \n", 0600, -EINVAL, "is empty"},
		{"sk-1\nsk-2\n", 0600, -EINVAL, "is no key"},
		{"sk-\x01", 0600, -EINVAL, "is no key"},
		{"sk-\xc3\xa4", 0600, -EINVAL, "is no key"},
	};
	const struct place *place = *state;
	struct error err = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_key(place, cases[i].text, cases[i].mode);
		assert_refused(
			key_from_file(place->path, &err), cases[i].code, cases[i].want, &err);
	}
	char longer[KEY_MAX + 2];
	memset(longer, 'k', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	write_key(place, longer, 0600);
	assert_refused(key_from_file(place->path, &err), -EINVAL, "longer than 1024", &err);
	assert_refused(key_from_file("/nonexistent/key", &err), -ENOENT, "/nonexistent/key", &err);
	assert_refused(key_from_file(place->dir, &err), -EINVAL, "not a regular file", &err);
	remove(place->path);
	assert_int_equal(mkfifo(place->path, 0600), 0);
	assert_refused(key_from_file(place->path, &err), -EINVAL, "not a regular file", &err);
}

static void test_file_of_another_user(void **state)
{
	const struct place *place = *state;
	struct error err = {0};

	write_key(place, "sk-1", 0600);
	if (geteuid() != 0) {
		/* Only root can give a file away; /etc/passwd shows that root's are looked at. */
		assert_refused(key_from_file("/etc/passwd", &err), -EACCES, "open to others", &err);
		return;
	}
	assert_int_equal(chown(place->path, 12345, 12345), 0);
	assert_refused(key_from_file(place->path, &err), -EACCES, "belongs to user 12345", &err);
}

static void test_command(void **state)
{
	static const struct {
		const char *command;
		int code; /* 0: `want` is the key */
		const char *want;
	} cases[] = {
		{"echo sk-1", 0, "sk-1"},
		{"printf ' sk-%s\\n\\n' 2", 0, "sk-2"},
		/* The shell ends, a child of it keeps the pipe. */
		{"echo sk-3; exec 2>&-; tail -f /dev/null & echo $! >&9; exit 0", 0, "sk-3"},
		{"echo sk-4; exit 3", -EIO, "failed with exit status 3"},
		{"kill -9 $$", -EIO, "ended by signal 9"},
		{"true", -EINVAL, "is empty"},
		{"head -c 5000 /dev/zero | tr '\\0' k", -EINVAL, "more than a key"},
		{"exec 2>/dev/null; /nonexistent/command", -EIO, "exit status 127"},
		{"cat; echo sk-5", 0, "sk-5"},
	};
	struct error err = {0};
	int fds[2];
	char child[16] = "";

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(dup2(fds[1], 9), 9);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *key = key_from_command("api_key_command", cases[i].command, 5000, &err);
		if (cases[i].code)
			assert_refused(key, cases[i].code, cases[i].want, &err);
		else
			assert_key(key, cases[i].want, &err);
	}
	assert_true(read(fds[0], child, sizeof(child) - 1) > 0);
	assert_int_equal(kill(atoi(child), SIGKILL), 0);
	close(fds[0]);
	close(fds[1]);
	close(9);
}

static void test_command_is_stopped(void **state)
{
	struct error err = {0};

	assert_refused(
		key_from_command("api_key_command", "echo sk-1; exec tail -f /dev/null", 100, &err),
		-ETIMEDOUT, "has not ended after 0.1 seconds", &err);
	assert_refused(key_from_command("api_key_command",
			       "exec >/dev/null; exec tail -f /dev/null", 100, &err),
		-ETIMEDOUT, "has not ended", &err);
}

static void test_order(void **state)
{
	const struct place *place = *state;
	char file[] = "/nonexistent/key", command[] = "echo sk-command";
	struct config config = {0};
	struct error err = {0};

	assert_refused(key_read(&config, fake_env, &(struct variables){NULL, NULL}, &err), -ENOKEY,
		"There is no API key", &err);
	assert_key(key_read(&config, fake_env, &(struct variables){NULL, "sk-env"}, &err), "sk-env",
		&err);
	assert_key(key_read(&config, fake_env, &(struct variables){place->dir, "sk-env"}, &err),
		"sk-env", &err);
	write_key(place, "sk-credential", 0440);
	assert_key(key_read(&config, fake_env, &(struct variables){place->dir, "sk-env"}, &err),
		"sk-credential", &err);
	config.api_key_command = command;
	assert_key(key_read(&config, fake_env, &(struct variables){place->dir, "sk-env"}, &err),
		"sk-command", &err);
	config.api_key_file = file;
	assert_refused(key_read(&config, fake_env, &(struct variables){place->dir, "sk-env"}, &err),
		-ENOENT, file, &err);
	config.demo = true;
	assert_key(key_read(&config, fake_env, &(struct variables){place->dir, "sk-env"}, &err),
		"demo", &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_file, make_place, remove_place),
		cmocka_unit_test_setup_teardown(test_file_refused, make_place, remove_place),
		cmocka_unit_test_setup_teardown(
			test_file_of_another_user, make_place, remove_place),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_command_is_stopped),
		cmocka_unit_test_setup_teardown(test_order, make_place, remove_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
