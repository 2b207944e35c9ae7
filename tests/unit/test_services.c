// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * services.c: reading /etc/services, good, odd and hostile.  Each test writes its
 * own file.
 */
#include "services_fixture.h"

#include <errno.h>
#include <stdio.h>

static void test_lookups(void **state)
{
	struct services *s = services_from("# a comment\n"
					   "\n"
					   "http\t\t80/tcp\t\twww web # WWW\n"
					   "domain 53/tcp\n"
					   "domain 53/udp\n"
					   "  http-alt 8080/tcp webcache\n"
					   "syslog 514/udp\n"
					   "shell 514/tcp cmd syslog\n");

	(void)state;
	assert_string_equal(services_name(s, TRANSPORT_TCP, 80), "http");
	assert_null(services_name(s, TRANSPORT_UDP, 80));
	assert_string_equal(services_name(s, TRANSPORT_UDP, 53), "domain");
	assert_string_equal(services_name(s, TRANSPORT_TCP, 8080), "http-alt");
	assert_string_equal(services_name(s, TRANSPORT_UDP, 514), "syslog");
	assert_string_equal(services_name(s, TRANSPORT_TCP, 514), "shell");
	assert_null(services_name(s, TRANSPORT_TCP, 0));
	assert_null(services_name(s, TRANSPORT_TCP, 65535));

	assert_int_equal(services_port(s, TRANSPORT_TCP, "http"), 80);
	assert_int_equal(services_port(s, TRANSPORT_TCP, "www"), 80);
	assert_int_equal(services_port(s, TRANSPORT_TCP, "web"), 80);
	assert_int_equal(services_port(s, TRANSPORT_UDP, "www"), 0);
	assert_int_equal(services_port(s, TRANSPORT_TCP, "webcache"), 8080);
	assert_int_equal(services_port(s, TRANSPORT_TCP, "syslog"), 514);
	assert_int_equal(services_port(s, TRANSPORT_UDP, "cmd"), 0);
	assert_int_equal(services_port(s, TRANSPORT_TCP, "WWW"), 0);
	assert_int_equal(services_port(s, TRANSPORT_TCP, "htt"), 0);
	assert_int_equal(services_port(s, TRANSPORT_TCP, ""), 0);
	services_free(s);
}

static void test_first_line_wins(void **state)
{
	struct services *s = services_from("one 7/tcp same\ntwo 7/tcp\nsame 9/tcp\n");

	(void)state;
	assert_string_equal(services_name(s, TRANSPORT_TCP, 7), "one");
	assert_int_equal(services_port(s, TRANSPORT_TCP, "two"), 7);
	assert_int_equal(services_port(s, TRANSPORT_TCP, "same"), 7);
	assert_string_equal(services_name(s, TRANSPORT_TCP, 9), "same");
	services_free(s);
}

static void test_lines_without_sense(void **state)
{
	struct services *s = services_from("a\n"
					   "b 1\n"
					   "c 2/\n"
					   "d /tcp\n"
					   "e 3/sctp\n"
					   "f 4/tcpx\n"
					   "g 0/tcp\n"
					   "h 65536/tcp\n"
					   "i 99999999999999999999999999/tcp\n"
					   "j -5/tcp\n"
					   "k +6/tcp\n"
					   "l 7x/tcp\n"
					   "#m 8/tcp\n"
					   "n # 9/tcp\n"
					   "o 10 /tcp\n"
					   "\t \n"
					   "z 65535/tcp\n");

	(void)state;
	for (unsigned int port = 0; port < 65535; port++) {
		assert_null(services_name(s, TRANSPORT_TCP, (uint16_t)port));
		assert_null(services_name(s, TRANSPORT_UDP, (uint16_t)port));
	}
	assert_string_equal(services_name(s, TRANSPORT_TCP, 65535), "z");
	assert_int_equal(services_port(s, TRANSPORT_TCP, "a"), 0);
	assert_int_equal(services_port(s, TRANSPORT_TCP, "h"), 0);
	services_free(s);
}

static void test_ends_of_files(void **state)
{
	static const char *const texts[] = {
		"x 1/tcp",          "x 1/tcp y",      "x 1/tcp y#",  "x 1/tcp y ",
		"x 1/tcp y\r\n",    "x 1/tcp#z\n",    "x 1/tcp y#z", "\n\nx 1/tcp",
		"x\t1/tcp\ty\tz\n", "\f x 1/tcp\n\n", "x 1/tcp\nq",  "x 1/tcp\n#",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct services *s = services_from(texts[i]);

		assert_string_equal(services_name(s, TRANSPORT_TCP, 1), "x");
		assert_int_equal(services_port(s, TRANSPORT_TCP, "x"), 1);
		assert_int_equal(services_port(s, TRANSPORT_TCP, "y"),
				 strchr(texts[i], 'y') ? 1 : 0);
		assert_int_equal(services_port(s, TRANSPORT_TCP, "q"), 0);
		services_free(s);
	}
}

static void test_empty_and_missing(void **state)
{
	struct services *s = services_from("");

	(void)state;
	assert_null(services_name(s, TRANSPORT_TCP, 80));
	assert_int_equal(services_port(s, TRANSPORT_TCP, "http"), 0);
	services_free(s);

	s = NULL;
	assert_int_equal(services_load(&s, "/nonexistent/services"), 0);
	assert_non_null(s);
	assert_null(services_name(s, TRANSPORT_TCP, 80));
	assert_int_equal(services_port(s, TRANSPORT_TCP, "http"), 0);
	services_free(s);
}

static void test_null(void **state)
{
	struct services *s = services_from("x 1/tcp\n");

	(void)state;
	assert_null(services_name(NULL, TRANSPORT_TCP, 80));
	assert_int_equal(services_port(NULL, TRANSPORT_TCP, "http"), 0);
	assert_null(services_name(s, TRANSPORTS, 1));
	assert_int_equal(services_port(s, TRANSPORTS, "x"), 0);
	services_free(s);
	services_free(NULL);
}

/* What cannot be read is told, and *services stays as it was. */
static void test_unreadable(void **state)
{
	struct services *s = NULL;

	(void)state;
	assert_int_equal(services_load(&s, "/"), -EISDIR);
	assert_null(s);
	assert_int_equal(services_load(&s, "/dev/zero"), -EFBIG);
	assert_null(s);
}

static void test_binary(void **state)
{
	static const char text[] = "\0\0\0 1/tcp\n"
				   "\x1b[31m 2/tcp\n"
				   "caf\xc3\xa9 3/tcp\n"
				   "ok 4/tcp \x1b[0m fine \xff\xfe\n"
				   "nul\0x 5/tcp\n"
				   "y 6/tcp a\0b c\n"
				   "\x7f 7/tcp\n"
				   "last 8/tcp";
	struct services *s = services_from_bytes(text, sizeof(text) - 1);

	(void)state;
	assert_null(services_name(s, TRANSPORT_TCP, 1));
	assert_null(services_name(s, TRANSPORT_TCP, 2));
	assert_null(services_name(s, TRANSPORT_TCP, 3));
	assert_string_equal(services_name(s, TRANSPORT_TCP, 4), "ok");
	assert_int_equal(services_port(s, TRANSPORT_TCP, "fine"), 4);
	assert_int_equal(services_port(s, TRANSPORT_TCP, "\x1b[0m"), 0);
	assert_null(services_name(s, TRANSPORT_TCP, 5));
	assert_string_equal(services_name(s, TRANSPORT_TCP, 6), "y");
	assert_int_equal(services_port(s, TRANSPORT_TCP, "c"), 6);
	assert_int_equal(services_port(s, TRANSPORT_TCP, "a"), 0);
	assert_null(services_name(s, TRANSPORT_TCP, 7));
	assert_string_equal(services_name(s, TRANSPORT_TCP, 8), "last");
	services_free(s);
}

/* Bytes without a newline, in every length around a power of two. */
static void test_long_line(void **state)
{
	static const char tail[] = " 9/tcp alias\nnext 10/tcp\n";

	(void)state;
	for (size_t len = 32768 - 40; len < 32768 + 8; len++) {
		char *text = malloc(len + sizeof(tail));
		struct services *s;

		assert_non_null(text);
		memset(text, 'n', len);
		memcpy(text + len, tail, sizeof(tail));
		s = services_from(text);
		text[len] = '\0';
		assert_string_equal(services_name(s, TRANSPORT_TCP, 9), text);
		assert_int_equal(services_port(s, TRANSPORT_TCP, text), 9);
		assert_int_equal(services_port(s, TRANSPORT_TCP, "alias"), 9);
		assert_string_equal(services_name(s, TRANSPORT_TCP, 10), "next");
		services_free(s);
		free(text);
	}
}

/* Every port and transport has a line: nothing is lost in a full hash. */
static void test_every_port(void **state)
{
	size_t room = 65536 * 2 * 24, len = 0;
	char *text = malloc(room), name[16];
	struct services *s;

	(void)state;
	assert_non_null(text);
	for (unsigned int port = 1; port < 65536; port++)
		len += (size_t)snprintf(text + len, room - len, "t%u %u/tcp\nu%u %u/udp\n", port,
					port, port, port);
	s = services_from_bytes(text, len);
	for (unsigned int port = 1; port < 65536; port++) {
		(void)snprintf(name, sizeof(name), "t%u", port);
		assert_string_equal(services_name(s, TRANSPORT_TCP, (uint16_t)port), name);
		assert_int_equal(services_port(s, TRANSPORT_TCP, name), port);
		assert_int_equal(services_port(s, TRANSPORT_UDP, name), 0);
		name[0] = 'u';
		assert_string_equal(services_name(s, TRANSPORT_UDP, (uint16_t)port), name);
		assert_int_equal(services_port(s, TRANSPORT_UDP, name), port);
	}
	services_free(s);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_first_line_wins),
		cmocka_unit_test(test_lines_without_sense),
		cmocka_unit_test(test_ends_of_files),
		cmocka_unit_test(test_empty_and_missing),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_every_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
