/* connection_http.c - which addresses are the internet's, and what of a URL is shown */
#include "tests/unit/connection_test.h"
#include "vm/connection/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static bool is_public(const char *text)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		return http_address_is_public((const struct sockaddr *)&four);
	if (inet_pton(AF_INET6, text, &six.sin6_addr) != 1)
		fail_msg("%s is no address", text);
	return http_address_is_public((const struct sockaddr *)&six);
}

static void addresses_of_the_internet_are_public(void **state UNUSED)
{
	static const char *const all[] = {
		"1.1.1.1",	   "9.255.255.255",  "11.0.0.0",     "100.63.255.255",
		"100.128.0.0",	   "128.0.0.1",	     "169.253.0.1",  "172.15.255.255",
		"172.32.0.0",	   "192.0.1.1",	     "192.167.0.1",  "192.169.0.0",
		"198.17.255.255",  "198.20.0.0",     "223.255.1.1",  "2606:4700::1111",
		"2a00:1450::1",	   "2001:4860::8888", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
		"2002:808:808::1", "2001:200::1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (!is_public(all[i]))
			fail_msg("%s is public", all[i]);
}

static void addresses_of_machines_and_networks_are_not(void **state UNUSED)
{
	static const char *const all[] = {
		"0.0.0.0",	   "0.1.2.3",		 "10.0.0.1",	    "10.255.255.255",
		"100.64.0.1",	   "100.127.255.255",	 "127.0.0.1",	    "127.255.255.254",
		"169.254.169.254", "172.16.0.1",	 "172.31.255.255",  "192.0.0.170",
		"192.0.2.1",	   "192.168.0.1",	 "192.168.255.255", "198.18.0.1",
		"198.19.255.255",  "203.0.113.9",	 "224.0.0.1",	    "240.0.0.1",
		"255.255.255.255", "::",		 "::1",		    "::127.0.0.1",
		"::ffff:127.0.0.1", "::ffff:10.1.1.1",	 "::ffff:a9fe:a9fe", "::ffff:0:127.0.0.1",
		"64:ff9b::10.0.0.1", "64:ff9b:1::1",	 "2002:7f00:1::",   "2002:a00:1::1",
		"2001::1",	   "2001:db8::1",	 "fc00::1",	    "fd12:3456::1",
		"fe80::1",	   "febf::1",		 "fec0::1",	    "ff02::1",
		"100::1",	   "3fff::1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (is_public(all[i]))
			fail_msg("%s is not public", all[i]);
}

static void a_family_that_is_not_the_internets_is_not_public(void **state UNUSED)
{
	struct sockaddr local = { .sa_family = AF_UNIX };

	assert_false(http_address_is_public(&local));
}

static void what_is_shown_of_a_url_has_no_secret(void **state UNUSED)
{
	static const struct {
		const char *url, *shown;
	} all[] = {
		{ "https://a.example/x/y", "https://a.example/x/y" },
		{ "https://a.example", "https://a.example/" },
		{ "http://a.example:8080/x?token=1#part", "http://a.example:8080/x?…" },
		{ "https://me:secret@a.example/x", "https://a.example/x" },
		{ "http://[::1]:80/", "http://[::1]:80/" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct http_url u;

		assert_true(http_url_read(&u, all[i].url));
		assert_string_equal(u.shown, all[i].shown);
		assert_null(strstr(u.url, "secret"));
		assert_null(strchr(u.url, '#'));
		http_url_clear(&u);
	}
}

static void what_is_no_url_of_http_is_refused(void **state UNUSED)
{
	static const char *const all[] = { "",	    "x",	  "/x",		   "ftp://a/x",
					   "file:///etc/passwd", "http://", "http://a b/",
					   "http://a/\r\nx: y", "gopher://a/x" };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct http_url u;
		bool good = http_url_read(&u, all[i]);

		/* a name without a scheme is http's: nothing is sent elsewhere by it */
		if (good && strcmp(all[i], "x") != 0)
			fail_msg("\"%s\" is taken for a URL", all[i]);
		http_url_clear(&u);
	}
}

static void secrets_are_masked_in_others_words(void **state UNUSED)
{
	static const struct {
		const char *text, *some, *all;
	} cases[] = {
		{ "no token=abcd here", "no … here", "no … here" },
		{ "what is abcd?", "what is …?", "what is …?" },
		{ "user name1 with passw0rd", "user … with …", "user … with …" },
		{ "no /hook/path", "no /hook/path", "no …" },
		{ "no hook", "no hook", "no …" },
		{ "", "", "" },
	};
	struct http_url u;

	assert_true(http_url_read(&u, "http://name1:passw0rd@h/hook/path?token=abcd"));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf some = { 0 };

		http_url_mask(&u, false, str_c(cases[i].text), &some);
		assert_string_equal(some.ptr ? some.ptr : "", cases[i].some);
		buf_reset(&some);
		http_url_mask(&u, true, str_c(cases[i].text), &some);
		assert_string_equal(some.ptr ? some.ptr : "", cases[i].all);
		buf_clear(&some);
	}
	http_url_clear(&u);
}

static void a_list_names_hosts_with_or_without_port(void **state UNUSED)
{
	struct http_url u;

	assert_true(http_url_read(&u, "http://Hooks.example:8080/x"));
	assert_true(http_url_is_listed(&u, "hooks.example"));
	assert_true(http_url_is_listed(&u, "a, HOOKS.example:8080 ,b"));
	assert_false(http_url_is_listed(&u, "hooks.example:80"));
	assert_false(http_url_is_listed(&u, "ooks.example,hooks.exampl,*"));
	assert_false(http_url_is_listed(&u, NULL));
	assert_false(http_url_is_listed(&u, ""));
	http_url_clear(&u);
}

static void a_site_is_scheme_host_and_port(void **state UNUSED)
{
	static const struct {
		const char *from, *to;
		bool same;
	} cases[] = {
		{ "http://a/x", "http://a/y", true },
		{ "http://a/x", "http://A:80/y", true },
		{ "http://a/x", "https://a/y", true },
		{ "https://a/x", "http://a/y", false },
		{ "http://a:81/x", "https://a/y", false },
		{ "http://a/x", "http://a:81/y", false },
		{ "http://a/x", "http://b/y", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct http_url from, to;

		assert_true(http_url_read(&from, cases[i].from));
		assert_true(http_url_read(&to, cases[i].to));
		if (http_url_is_same_site(&from, &to) != cases[i].same)
			fail_msg("%s to %s", cases[i].from, cases[i].to);
		http_url_clear(&from);
		http_url_clear(&to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_the_internet_are_public),
		cmocka_unit_test(addresses_of_machines_and_networks_are_not),
		cmocka_unit_test(a_family_that_is_not_the_internets_is_not_public),
		cmocka_unit_test(what_is_shown_of_a_url_has_no_secret),
		cmocka_unit_test(what_is_no_url_of_http_is_refused),
		cmocka_unit_test(secrets_are_masked_in_others_words),
		cmocka_unit_test(a_list_names_hosts_with_or_without_port),
		cmocka_unit_test(a_site_is_scheme_host_and_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
