/* Tables for src/config: command line, environment, file, and what is said when they are wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kiefs/buf.h"
#include "kiefs/config.h"
#include "kiefs/error.h"

#define ARGS_MAX 8

/* `context` is "NAME=value\n..." */
static const char *fake_env(const char *name, void *context)
{
	static char values[16][256];
	static size_t next;
	char *value = values[next++ % 16];
	size_t len = strlen(name);

	for (const char *at = context; at && *at; at = strchr(at, '\n') + 1) {
		if (strncmp(at, name, len) == 0 && at[len] == '=') {
			snprintf(value, sizeof(values[0]), "%.*s", (int)strcspn(at + len + 1, "\n"),
				at + len + 1);
			return value;
		}
	}
	return NULL;
}

static int parse(const char *const *args, const char *env, const char *text, struct config *out,
	struct error *err)
{
	char *argv[ARGS_MAX + 2] = {(char[]){"kiefs"}};
	int argc = 1;

	while (args[argc - 1]) {
		argv[argc] = strdup(args[argc - 1]);
		assert_non_null(argv[argc]);
		argc++;
	}
	const struct config_input input = {
		.argc = argc,
		.argv = argv,
		.env = fake_env,
		.context = (void *)(uintptr_t)env,
		.home = "/home/fallback",
		.cwd = "/work",
		.text = text,
	};
	int r = config_parse(&input, out, err);
	for (int i = 1; i < argc; i++)
		free(argv[i]);
	return r;
}

static void parse_ok(const char *const *args, const char *env, const char *text, struct config *out)
{
	struct error err = {0};

	if (parse(args, env, text, out, &err) < 0)
		fail_msg("%s", error_text(&err));
	assert_int_equal(err.code, 0);
}

static void test_defaults(void **state)
{
	static const struct {
		const char *env, *state, *store, *catalogues;
	} cases[] = {
		{"HOME=/home/u\n", "/home/u/.local/state/kiefs", "/home/u/.local/share/kiefs",
			"/home/u/.config/kiefs/catalog.d"},
		{"", "/home/fallback/.local/state/kiefs", "/home/fallback/.local/share/kiefs",
			"/home/fallback/.config/kiefs/catalog.d"},
		{"HOME=/h\nXDG_STATE_HOME=/s\nXDG_DATA_HOME=/d\nXDG_CONFIG_HOME=/c\n", "/s/kiefs",
			"/d/kiefs", "/c/kiefs/catalog.d"},
		{"HOME=/h\nXDG_STATE_HOME=relative\nXDG_DATA_HOME=\n", "/h/.local/state/kiefs",
			"/h/.local/share/kiefs", "/h/.config/kiefs/catalog.d"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config config;
		parse_ok((const char *[]){"/mnt", NULL}, cases[i].env, NULL, &config);
		assert_string_equal(config.state, cases[i].state);
		assert_string_equal(config.store, cases[i].store);
		assert_string_equal(config.catalog_dir, cases[i].catalogues);
		assert_string_equal(config.mountpoint, "/mnt");
		assert_string_equal(config.base_url, "https://api.kie.ai");
		assert_string_equal(config.upload_url, "https://kieai.redpandaai.co");
		assert_null(config.api_key_file);
		assert_null(config.source);
		assert_int_equal(config.validate, VALIDATE_STRICT);
		assert_int_equal(config.submit_rate, 20);
		assert_int_equal(config.max_running, 100);
		assert_int_equal(config.poll_rate, 10);
		assert_int_equal(config.max_downloads, 8);
		assert_int_equal(config.ready_fd, -1);
		assert_true(config.max_result_size == INT64_C(16) << 30);
		assert_false(config.foreground);
		config_finish(&config);
	}
}

static void test_later_wins(void **state)
{
	static const char text[] = "# a comment\n"
				   "\n"
				   "  submit_rate = 5\r\n"
				   "submit_rate=6\n"
				   "base_url = https://file.example/\n"
				   "upload_url = https://file.example/up//\n"
				   "store = ~/films, and songs\n"
				   "api_key_command = pass show \"kie = key\" # 1\n"
				   "fsname = a,b\\c\n"
				   "allow_other";
	static const char env[] = "HOME=/home/u\nKIE_BASE_URL=http://localhost:8080\n";
	struct config config;

	parse_ok((const char *[]){"m", NULL}, env, text, &config);
	assert_int_equal(config.submit_rate, 6);
	assert_string_equal(config.base_url, "http://localhost:8080");
	assert_string_equal(config.upload_url, "https://file.example/up");
	assert_string_equal(config.store, "/home/u/films, and songs");
	assert_string_equal(config.api_key_command, "pass show \"kie = key\" # 1");
	assert_string_equal(config.mountpoint, "/work/m");
	assert_int_equal(config.fuse_option_count, 2);
	assert_string_equal(config.fuse_options[0], "fsname=a\\,b\\\\c");
	assert_string_equal(config.fuse_options[1], "allow_other");
	config_finish(&config);

	parse_ok((const char *[]){"-o", "submit_rate=7,base_url=https://o.example", "m",
			 "-osubmit_rate=8,store=a\\,b", NULL},
		env, text, &config);
	assert_int_equal(config.submit_rate, 8);
	assert_string_equal(config.base_url, "https://o.example");
	assert_string_equal(config.store, "/work/a,b");
	config_finish(&config);
}

static void test_as_mount_calls_it(void **state)
{
	struct config config;

	parse_ok((const char *[]){"kiefs", "/home/u/kie", "-o",
			 "rw,nosuid,nodev,noexec,user=u,noauto,_netdev,nofail,x-systemd.automount,"
			 "X-y=z,"
			 "fsname=kie,subtype=kiefs,auto_unmount,max_running=3",
			 NULL},
		"HOME=/home/u\n", NULL, &config);
	assert_string_equal(config.source, "kiefs");
	assert_string_equal(config.mountpoint, "/home/u/kie");
	assert_int_equal(config.max_running, 3);
	static const char *const kept[] = {
		"nosuid", "nodev", "noexec", "fsname=kie", "subtype=kiefs", "auto_unmount"};
	assert_int_equal(config.fuse_option_count, 6);
	for (size_t i = 0; i < 6; i++)
		assert_string_equal(config.fuse_options[i], kept[i]);
	config_finish(&config);
}

static void test_flags(void **state)
{
	struct config config;

	parse_ok((const char *[]){"-fd", "--", "-m", NULL}, "HOME=/h\n", NULL, &config);
	assert_true(config.foreground && config.debug);
	assert_string_equal(config.mountpoint, "/work/-m");
	config_finish(&config);
	parse_ok((const char *[]){"~m", NULL}, "HOME=/h\n", NULL, &config);
	assert_string_equal(config.mountpoint, "/work/~m");
	config_finish(&config);
	parse_ok((const char *[]){"-x", "--help", NULL}, "", NULL, &config);
	assert_int_equal(config.action, CONFIG_HELP);
	config_finish(&config);
	parse_ok((const char *[]){"-V", NULL}, "", "nonsense = 1\n", &config);
	assert_int_equal(config.action, CONFIG_VERSION);
	config_finish(&config);
}

static void test_uploads_follow_the_api(void **state)
{
	static const struct {
		const char *option, *upload;
	} cases[] = {
		{"base_url=https://api.kie.ai", "https://kieai.redpandaai.co"},
		{"base_url=https://a.example/b", "https://a.example/b"},
		{"upload_url=https://u.example", "https://u.example"},
		{"base_url=https://a.example,upload_url=https://kieai.redpandaai.co",
			"https://kieai.redpandaai.co"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config config;

		parse_ok((const char *[]){"-o", cases[i].option, "/m", NULL}, "HOME=/h\n", NULL,
			&config);
		assert_string_equal(config.upload_url, cases[i].upload);
		config_finish(&config);
	}
}

static void test_demo_is_apart(void **state)
{
	struct config config;
	struct error err = {0};

	parse_ok((const char *[]){"--demo", "/m", NULL},
		"HOME=/h\nXDG_DATA_HOME=/d\nKIE_BASE_URL=https://real.example\n",
		"store = /precious\nnonsense = 1\n", &config);
	assert_true(config.demo);
	assert_null(config.base_url);
	assert_null(config.upload_url);
	assert_string_equal(config.store, "/d/kiefs-demo");
	assert_string_equal(config.state, "/h/.local/state/kiefs-demo");
	config_finish(&config);
	assert_int_equal(
		parse((const char *[]){"--demo", "-o", "base_url=https://real.example", "/m", NULL},
			"HOME=/h\n", NULL, &config, &err),
		-EINVAL);
	assert_non_null(strstr(error_text(&err), "base_url cannot be set with --demo"));
	error_finish(&err);
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {
		{"max_result_size=1", 1},
		{"max_result_size=4K", 4096},
		{"max_result_size=3m", 3 << 20},
		{"max_result_size=2G", INT64_C(2) << 30},
		{"max_result_size=1T", INT64_C(1) << 40},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config config;
		parse_ok((const char *[]){"-o", cases[i].text, "/m", NULL}, "HOME=/h\n", NULL,
			&config);
		assert_true(config.max_result_size == cases[i].want);
		config_finish(&config);
	}
}

static void test_addresses(void **state)
{
	static const struct {
		const char *url;
		int want;
	} cases[] = {
		{"https://api.kie.ai", 0},
		{"HTTPS://h:65535/a/b", 0},
		{"https://[2001:db8::1]:443", 0},
		{"http://localhost", 0},
		{"http://LOCALHOST:1/x", 0},
		{"http://127.0.0.1:8080", 0},
		{"http://127.255.1.2", 0},
		{"http://[::1]:80", 0},
		{"http://api.kie.ai", -EINVAL},
		{"http://127.0.0.1.example.com", -EINVAL},
		{"http://localhost.example.com", -EINVAL},
		{"http://128.0.0.1", -EINVAL},
		{"http://127.1", -EINVAL},
		{"http://0x7f.0.0.1", -EINVAL},
		{"http://[::2]", -EINVAL},
		{"http://localhost@example.com", -EINVAL},
		{"https://user:secret@h", -EINVAL},
		{"https://h?key=secret", -EINVAL},
		{"https://h#x", -EINVAL},
		{"https://h:0", -EINVAL},
		{"https://h:65536", -EINVAL},
		{"https://h:8x", -EINVAL},
		{"https://h:", -EINVAL},
		{"https://", -EINVAL},
		{"https://:80", -EINVAL},
		{"https://[::1", -EINVAL},
		{"https://a b", -EINVAL},
		{"https:/h", -EINVAL},
		{"ftp://h", -EINVAL},
		{"", -EINVAL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char option[128];
		struct config config = {0};
		struct error err = {0};
		snprintf(option, sizeof(option), "base_url=%s", cases[i].url);
		int r = parse((const char *[]){"-o", option, "/m", NULL}, "HOME=/h\n", NULL,
			&config, &err);
		if (r != cases[i].want)
			fail_msg("%s: %d %s", cases[i].url, r, error_text(&err));
		assert_null(strstr(error_text(&err), "user:secret"));
		error_finish(&err);
		config_finish(&config);
	}
}

static void test_what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *args[4];
		const char *env, *text, *want;
	} cases[] = {
		{{NULL}, "HOME=/h\n", NULL, "The mount point is missing"},
		{{"a", "b", "c", NULL}, "HOME=/h\n", NULL, "c is one argument too many"},
		{{"-x", "m", NULL}, "HOME=/h\n", NULL, "no option -x"},
		{{"--nope", "m", NULL}, "HOME=/h\n", NULL, "no option --nope"},
		{{"m", "-o", NULL}, "HOME=/h\n", NULL, "-o needs options"},
		{{"", NULL}, "HOME=/h\n", NULL, "no path for a mount point"},
		{{"-o", "sumbit_rate=3", "m", NULL}, "HOME=/h\n", NULL,
			"-o: there is no option \"sumbit_rate\"; did you mean submit_rate?"},
		{{"-o", "allow-other", "m", NULL}, "HOME=/h\n", NULL, "did you mean allow_other?"},
		{{"-o", "quux=3", "m", NULL}, "HOME=/h\n", NULL, "\"quux\"; kiefs --help"},
		{{"-o", "ro", "m", NULL}, "HOME=/h\n", NULL, "-o: ro is not possible"},
		{{"-o", "=3", "m", NULL}, "HOME=/h\n", NULL, "no name"},
		{{"-o", "store", "m", NULL}, "HOME=/h\n", NULL, "-o: store needs a value"},
		{{"-o", "fsname", "m", NULL}, "HOME=/h\n", NULL, "-o: fsname needs a value"},
		{{"-o", "allow_other=1", "m", NULL}, "HOME=/h\n", NULL,
			"allow_other takes no value"},
		{{"-o", "submit_rate=0", "m", NULL}, "HOME=/h\n", NULL,
			"-o: submit_rate=0 is not allowed; it must be a whole number from 1 to "
			"256."},
		{{"-o", "poll_rate=-1", "m", NULL}, "HOME=/h\n", NULL,
			"poll_rate=-1 is not allowed"},
		{{"-o", "poll_rate=10x", "m", NULL}, "HOME=/h\n", NULL, "poll_rate=10x"},
		{{"-o", "poll_rate=99999999999999999999", "m", NULL}, "HOME=/h\n", NULL,
			"from 1 to 1000"},
		{{"-o", "max_result_size=16Q", "m", NULL}, "HOME=/h\n", NULL, "K, M, G and T"},
		{{"-o", "max_result_size=9999999T", "m", NULL}, "HOME=/h\n", NULL,
			"number of bytes"},
		{{"-o", "max_result_size=1GG", "m", NULL}, "HOME=/h\n", NULL, "number of bytes"},
		{{"-o", "validate=maybe", "m", NULL}, "HOME=/h\n", NULL,
			"validate=maybe is not allowed; it must be one of strict, warn."},
		{{"-o", "umask=100", "m", NULL}, "HOME=/h\n", NULL, "from 000 to 077"},
		{{"-o", "umask=9", "m", NULL}, "HOME=/h\n", NULL, "three octal digits"},
		{{"-o", "uid=", "m", NULL}, "HOME=/h\n", NULL, "it must be a name or a number"},
		{{"-o", "spenders=a b", "m", NULL}, "HOME=/h\n", NULL, "without blanks"},
		{{"-o", "api_key_command=", "m", NULL}, "HOME=/h\n", NULL, "must not be empty"},
		{{"-o", "store=", "m", NULL}, "HOME=/h\n", NULL, "it must be a path"},
		{{"m", NULL}, "HOME=/h\n", "\n\nvalidate = loud\n",
			"config:3: validate=loud is not allowed; it must be one of strict, warn."},
		{{"m", NULL}, "HOME=/h\n", "store = films\n", "config:1: store=films"},
		{{"m", NULL}, "HOME=/h\n", "what is this\n", "config:1: there is no option"},
		{{"m", NULL}, "HOME=/h\n", "store = /a\x01\n",
			"config:1: there is a control character"},
		{{"m", NULL}, "HOME=/h\n", "store = /\xff\n", "not UTF-8"},
		{{"m", NULL}, "HOME=/h\nKIE_BASE_URL=http://h\n", NULL,
			"$KIE_BASE_URL: base_url=http://h"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config config;
		struct error err = {0};
		int r = parse(cases[i].args, cases[i].env, cases[i].text, &config, &err);
		if (r != -EINVAL || err.code != r || !strstr(error_text(&err), cases[i].want))
			fail_msg("wanted \"%s\": %d %s", cases[i].want, r, error_text(&err));
		error_finish(&err);
	}
}

static void test_everything_wrong_is_said_at_once(void **state)
{
	struct config config;
	struct error err = {0};

	assert_int_equal(parse((const char *[]){"-o", "poll_rate=0,nope", "m", NULL}, "HOME=/h\n",
				 "validate = 1\nmax_running = x\n", &config, &err),
		-EINVAL);
	assert_non_null(strstr(error_text(&err), "config:1: validate"));
	assert_non_null(strstr(error_text(&err), "config:2: max_running"));
	assert_non_null(strstr(error_text(&err), "poll_rate=0"));
	assert_non_null(strstr(error_text(&err), "\"nope\""));
	error_finish(&err);
}

static void test_print_can_be_read_back(void **state)
{
	struct config config, again;
	struct buf buf;

	buf_init(&buf, 1 << 16);
	parse_ok((const char *[]){"-o",
			 "api_key_command=echo "
			 "sk-secret,submit_rate=3,max_result_size=1536M,store=/a b,"
			 "catalog=/c.json,validate=warn,allow_other,umask=007,"
			 "spenders=bob:@family",
			 "m", NULL},
		"HOME=/h\n", NULL, &config);
	assert_int_equal(config_print(&config, &buf), 0);
	assert_null(strstr(buf.data, "sk-secret"));
	assert_non_null(strstr(buf.data, "\n# api_key_command is set\n"));
	assert_non_null(strstr(buf.data, "\nmax_result_size = 1536M\n"));
	assert_non_null(strstr(buf.data, "\n# ready_fd is not set\n"));
	parse_ok((const char *[]){"m", NULL}, "HOME=/other\n", buf.data, &again);
	assert_string_equal(again.store, "/a b");
	assert_string_equal(again.state, config.state);
	assert_string_equal(again.catalog, "/c.json");
	assert_int_equal(again.submit_rate, 3);
	assert_int_equal(again.validate, VALIDATE_WARN);
	assert_true(again.max_result_size == config.max_result_size);
	assert_int_equal(again.umask, 007);
	assert_string_equal(again.spenders, "bob:@family");
	assert_int_equal(again.fuse_option_count, 1);
	config_finish(&again);
	config_finish(&config);
	buf_finish(&buf);
}

static void test_every_option_is_in_help_and_manual(void **state)
{
	struct buf help;
	size_t count;
	const struct config_option *options = config_options(&count);
	static char manual[1 << 18];
	FILE *file = fopen(KIEFS_SOURCE "/man/kiefs.5.scd", "r");

	assert_non_null(file);
	manual[fread(manual, 1, sizeof(manual) - 1, file)] = '\0';
	fclose(file);
	buf_init(&help, 1 << 16);
	assert_int_equal(config_help(&help), 0);
	for (size_t i = 0; i < count; i++) {
		char name[64], heading[64];
		snprintf(name, sizeof(name), "\n  %s=", options[i].name);
		snprintf(heading, sizeof(heading), "\n*%s*=", options[i].name);
		if (!strstr(help.data, name))
			fail_msg("--help lacks %s", options[i].name);
		if (!strstr(manual, heading))
			fail_msg("man/kiefs.5.scd lacks %s", options[i].name);
		if (options[i].initial && !strstr(manual, options[i].initial))
			fail_msg("man/kiefs.5.scd lacks the default of %s", options[i].name);
		if (options[i].env && !strstr(manual, options[i].env))
			fail_msg("man/kiefs.5.scd lacks $%s", options[i].env);
	}
	buf_finish(&help);
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void remove_file(const char *dir, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(remove(path), 0);
}

static void test_load_reads_file_and_catalogues(void **state)
{
	char home[] = "/tmp/kiefs-config-XXXXXX";
	char sub[64], name[] = "kiefs", mount[] = "m", demo[] = "--demo";
	char *args[] = {name, mount, NULL};
	char *demo_args[] = {name, demo, mount, NULL};
	struct config config;
	struct error err = {0};
	char **paths;
	size_t count;

	assert_non_null(mkdtemp(home));
	assert_int_equal(setenv("XDG_CONFIG_HOME", home, 1), 0);
	snprintf(sub, sizeof(sub), "%s/kiefs", home);
	assert_int_equal(config_load(2, args, &config, &err), 0);
	assert_int_equal(config_catalogues(&config, &paths, &count, &err), 0);
	assert_int_equal(count, 0);
	config_catalogues_free(paths, count);
	config_finish(&config);

	assert_int_equal(mkdir(sub, 0700), 0);
	write_file(sub, "config", "submit_rate = 4\ncatalog_dir = /\n");
	assert_int_equal(config_load(2, args, &config, &err), 0);
	assert_int_equal(config.submit_rate, 4);
	config_finish(&config);

	write_file(sub, "b.json", "");
	write_file(sub, "a.json", "");
	write_file(sub, ".c.json", "");
	write_file(sub, "d.txt", "");
	char text[128];
	snprintf(text, sizeof(text), "catalog_dir = %s\n", sub);
	write_file(sub, "config", text);
	assert_int_equal(config_load(2, args, &config, &err), 0);
	assert_int_equal(config_catalogues(&config, &paths, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_string_equal(strrchr(paths[0], '/'), "/a.json");
	assert_string_equal(strrchr(paths[1], '/'), "/b.json");
	config_catalogues_free(paths, count);
	config_finish(&config);

	write_file(sub, "config", "submit_rate = x\n");
	assert_int_equal(config_load(2, args, &config, &err), -EINVAL);
	assert_non_null(strstr(error_text(&err), "config:1: submit_rate=x"));
	error_finish(&err);
	assert_int_equal(config_load(3, demo_args, &config, &err), 0);
	config_finish(&config);

	remove_file(sub, "config");
	assert_int_equal(mkdir(strcat(strcpy(text, sub), "/config"), 0700), 0);
	assert_int_equal(config_load(2, args, &config, &err), -EISDIR);
	assert_non_null(strstr(error_text(&err), "cannot be read"));
	error_finish(&err);

	static const char *const names[] = {"config", "a.json", "b.json", ".c.json", "d.txt"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		remove_file(sub, names[i]);
	remove_file(home, "kiefs");
	assert_int_equal(rmdir(home), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_later_wins),
		cmocka_unit_test(test_as_mount_calls_it),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_uploads_follow_the_api),
		cmocka_unit_test(test_demo_is_apart),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_what_is_wrong_is_said),
		cmocka_unit_test(test_everything_wrong_is_said_at_once),
		cmocka_unit_test(test_print_can_be_read_back),
		cmocka_unit_test(test_every_option_is_in_help_and_manual),
		cmocka_unit_test(test_load_reads_file_and_catalogues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
