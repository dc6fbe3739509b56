/* The HTTP module and where it may go: redirects, the key, private addresses, proxies. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kiefs/error.h"

#include "http_case.h"

static void test_the_key_stays_with_its_host(void **state)
{
	struct tiny_server *server = tiny_start(by_path, NULL);
	struct tiny_server *other = tiny_start(by_path, NULL);
	struct got got;
	char url[64], path[160];
	struct http *http = new_http_at(server, &got, url);

	snprintf(path, sizeof(path), "%s/to//echo", url);
	run(http, (struct http_request){.url = path, .authorized = true, .fd = -1});
	assert_string_equal(got.body, "GET|Bearer *******************|");
	snprintf(path, sizeof(path), "%s/to/http://127.0.0.1:%d/echo", url, tiny_port(other));
	run(http, (struct http_request){.url = path, .authorized = true, .fd = -1});
	expect(&got, HTTP_ANSWERED, 200);
	assert_string_equal(got.body, "GET||");
	assert_int_equal(tiny_requests(other), 1);
	/* Nor is it given to another host in the first place. */
	snprintf(path, sizeof(path), "http://127.0.0.1:%d/echo", tiny_port(other));
	run(http, (struct http_request){.url = path, .authorized = true, .fd = -1});
	expect(&got, HTTP_REFUSED, 0);
	snprintf(path, sizeof(path), "http://localhost:%d/echo", tiny_port(server));
	run(http, (struct http_request){.url = path, .authorized = true, .fd = -1});
	expect(&got, HTTP_REFUSED, 0);
	assert_int_equal(tiny_requests(other), 1);
	http_destroy(http);
	tiny_stop(server);
	tiny_stop(other);
}

static void test_redirects_that_are_refused(void **state)
{
	static const char *const targets[] = {
		"http://example.invalid/",
		"ftp://127.0.0.1/",
		"file:///etc/passwd",
		"/to//to//to//hello",
		"http://user:word@127.0.0.1/",
	};
	struct tiny_server *server = tiny_start(by_path, NULL);
	struct got got;
	char url[64], path[160];
	struct http *http = new_http_at(server, &got, url);

	for (size_t i = 0; i < COUNT(targets); i++) {
		snprintf(path, sizeof(path), "%s/to/%s", url, targets[i]);
		run(http, (struct http_request){.url = path, .fd = -1});
		expect(&got, HTTP_REFUSED, 0);
	}
	/* A POST is not sent elsewhere. */
	snprintf(path, sizeof(path), "%s/to//hello", url);
	run(http, (struct http_request){
			  .method = "POST", .url = path, .body = "x", .body_len = 1, .fd = -1});
	expect(&got, HTTP_ANSWERED, 302);
	http_destroy(http);
	tiny_stop(server);
}

static void test_private_addresses_are_refused(void **state)
{
	static const char *const hosts[] = {"http://127.0.0.1:%d/", "https://127.0.0.1:%d/",
		"https://localhost:%d/", "https://a.localhost.:%d/", "https://2130706433:%d/",
		"https://0x7f.1:%d/", "https://[::1]:%d/", "https://[::ffff:127.0.0.1]:%d/",
		"https://[::ffff:a00:1]:%d/", "https://[fe80::1]:%d/", "https://[fd00::1]:%d/",
		"https://[ff02::1]:%d/", "https://[64:ff9b::7f00:1]:%d/",
		"https://[2002:7f00:1::]:%d/", "https://[::]:%d/", "https://0.0.0.0:%d/",
		"https://10.1.2.3:%d/", "https://172.31.0.1:%d/", "https://192.168.1.1:%d/",
		"https://169.254.169.254:%d/", "https://100.64.0.1:%d/", "https://224.0.0.1:%d/",
		"https://255.255.255.255:%d/", "ftp://example.invalid:%d/",
		"https://user@example.invalid:%d/", "nonsense %d", ""};
	struct tiny_server *server = tiny_start(by_path, NULL);
	struct got got;
	struct http *http = new_http("https://example.invalid", &got);

	for (size_t i = 0; i < COUNT(hosts); i++) {
		char url[128];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(url, sizeof(url), hosts[i], tiny_port(server));
#pragma GCC diagnostic pop
		run(http, (struct http_request){.url = url, .fd = -1});
		if (got.answer.outcome != HTTP_REFUSED)
			fail_msg("%s: outcome %d: %s", url, got.answer.outcome, got.detail);
	}
	assert_int_equal(got.count, COUNT(hosts));
	assert_int_equal(tiny_connections(server), 0);
	http_destroy(http);
	tiny_stop(server);
}

/* Names of this machine's own table that lead to its own addresses: no literal gives them away. */
static void test_names_that_lead_to_private_addresses(void **state)
{
	FILE *table = fopen("/etc/hosts", "re");
	struct got got;
	struct http *http = new_http("https://example.invalid", &got);
	char line[512], address[64], name[128], url[160];

	while (table && fgets(line, sizeof(line), table)) {
		bool is_own = sscanf(line, "%63s %127s", address, name) == 2 &&
			      (strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0);
		if (!is_own || strchr(name, '#'))
			continue;
		snprintf(url, sizeof(url), "https://%s:9/", name);
		run(http, (struct http_request){.url = url, .fd = -1});
		/* This one is spelled out; where the others lead may change. */
		expect(&got, strcmp(name, "localhost") == 0 ? HTTP_REFUSED : HTTP_NOT_SENT, 0);
	}
	if (table)
		fclose(table);
	http_destroy(http);
}

static void test_addresses_of_the_api(void **state)
{
	static const struct {
		const char *url;
		int want;
	} cases[] = {
		{"https://api.example.org", 0},
		{"https://10.0.0.1:8443", 0},
		{"http://127.0.0.1:80", 0},
		{"http://localhost:1", 0},
		{"http://[::1]:1", 0},
		{"http://api.example.org", -EINVAL},
		{"http://10.0.0.1", -EINVAL},
		{"http://localhost.example.org", -EINVAL},
		{"ftp://localhost", -EINVAL},
		{"https://user:word@example.org", -EINVAL},
		{"api.example.org", -EINVAL},
		{"", -EINVAL},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_options options = {.api_url = cases[i].url, .done = keep};
		struct http *http = NULL;
		struct error err = {0};
		int r = http_create(&options, &http, &err);
		if (r != cases[i].want)
			fail_msg("%s: %d", cases[i].url, r);
		if (r < 0)
			assert_non_null(strstr(error_text(&err), "neither https nor"));
		http_destroy(http);
		error_finish(&err);
	}
}

/* A proxy that lets nobody through, and remembers the last it was asked. */
static bool refuse_tunnel(int fd, const struct tiny_request *request, void *context)
{
	*(struct tiny_request *)context = *request;
	tiny_sendf(fd, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
	return false;
}

static void test_a_proxy_learns_no_key_and_no_way_around(void **state)
{
	struct tiny_request asked = {0};
	struct tiny_server *proxy = tiny_start(refuse_tunnel, &asked);
	struct got got;
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d", tiny_port(proxy));
	setenv("https_proxy", url, 1);
	setenv("no_proxy", "result.invalid", 1);
	struct http *http = new_http("https://api.invalid", &got);
	run(http, (struct http_request){.method = "POST",
			  .url = "https://api.invalid/submit",
			  .body = "x",
			  .body_len = 1,
			  .once = true,
			  .authorized = true,
			  .fd = -1});
	/* What went to the proxy was not the request. */
	expect(&got, HTTP_NOT_SENT, 0);
	assert_int_equal(tiny_requests(proxy), 1);
	assert_string_equal(asked.method, "CONNECT");
	assert_null(strstr(asked.head, KEY));
	run(http, (struct http_request){.url = "https://result.invalid/a.png", .fd = -1});
	assert_int_equal(tiny_requests(proxy), 2);
	assert_string_equal(asked.path, "result.invalid:443");
	run(http, (struct http_request){.url = "https://10.0.0.1/a.png", .fd = -1});
	expect(&got, HTTP_REFUSED, 0);
	assert_int_equal(tiny_requests(proxy), 2);
	http_destroy(http);
	unsetenv("https_proxy");
	unsetenv("no_proxy");
	tiny_stop(proxy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_key_stays_with_its_host),
		cmocka_unit_test(test_redirects_that_are_refused),
		cmocka_unit_test(test_private_addresses_are_refused),
		cmocka_unit_test(test_names_that_lead_to_private_addresses),
		cmocka_unit_test(test_addresses_of_the_api),
		cmocka_unit_test(test_a_proxy_learns_no_key_and_no_way_around),
	};

	return cmocka_run_group_tests_name("http_address", tests, NULL, NULL);
}
