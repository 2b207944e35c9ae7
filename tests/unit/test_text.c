// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * text.c: numbers, addresses and times against what libc writes, the escapers
 * against every kind of bytes that a name can be made of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "text.h"

#define ASSERT_TEXT(text, expected)                          \
	do {                                                 \
		text_char(text, '\0');                       \
		assert_false((text)->failed);                \
		assert_string_equal((text)->data, expected); \
		text_clear(text);                            \
	} while (0)

#define BAD "\xef\xbf\xbd" /* U+FFFD */

static int setup(void **state)
{
	static struct text text;

	text = (struct text){ 0 };
	*state = &text;
	return 0;
}

static int teardown(void **state)
{
	text_free(*state);
	return 0;
}

static void appends(void **state)
{
	struct text *text = *state;

	text_string(text, "");
	text_bytes(text, NULL, 0);
	assert_int_equal(text->len, 0);
	TEXT_LITERAL(text, "ab");
	text_char(text, 'c');
	text_string(text, "def");
	ASSERT_TEXT(text, "abcdef");

	for (int i = 0; i < 100000; i++)
		text_char(text, (char)('a' + i % 26));
	assert_false(text->failed);
	assert_int_equal(text->len, 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(text->data[i], 'a' + i % 26);
	text_free(NULL);
}

static void pads(void **state)
{
	struct text *text = *state;

	TEXT_LITERAL(text, "xx");
	text_string(text, "ab");
	text_pad(text, 2, 4);
	text_pad(text, 2, 3);
	text_pad(text, 2, 0);
	ASSERT_TEXT(text, "xxab  ");
}

/* After a failure nothing comes through, however short; clearing heals. */
static void fails(void **state)
{
	volatile size_t too_much = SIZE_MAX / 2; /* the compiler would warn, rightly */
	struct text *text = *state;

	text_string(text, "kept");
	text_bytes(text, "x", too_much);
	assert_true(text->failed);
	text_char(text, 'y');
	text_number(text, 7);
	text_json(text, "z", 1);
	text_pad(text, 0, 10);
	text_rfc3339(text, 0, 9);
	assert_true(text->failed);
	assert_int_equal(text->len, 4);
	text_clear(text);
	text_string(text, "again, and longer than what there was");
	ASSERT_TEXT(text, "again, and longer than what there was");
}

static void check_number(struct text *text, uint64_t number)
{
	char expected[32];

	snprintf(expected, sizeof(expected), "%" PRIu64, number);
	text_number(text, number);
	ASSERT_TEXT(text, expected);
	snprintf(expected, sizeof(expected), "%" PRIx64, number);
	text_hex(text, number);
	ASSERT_TEXT(text, expected);
}

static void numbers(void **state)
{
	uint64_t power = 1;

	check_number(*state, 0);
	check_number(*state, UINT64_MAX);
	for (int i = 0; i < 20; i++, power *= 10) {
		check_number(*state, power - 1);
		check_number(*state, power);
		check_number(*state, power + 1);
		check_number(*state, power * 7 + power / 3);
	}
}

static void check_ip(struct text *text, const char *written, const char *expected)
{
	uint8_t ip[16];

	assert_int_equal(inet_pton(AF_INET6, written, ip), 1);
	text_ip(text, ip);
	ASSERT_TEXT(text, expected);
}

static void addresses(void **state)
{
	check_ip(*state, "::", "::");
	check_ip(*state, "::1", "::1");
	check_ip(*state, "1::", "1::");
	check_ip(*state, "2001:db8::1", "2001:db8::1");
	check_ip(*state, "2001:0db8:0:0:0:0:0:000a", "2001:db8::a");
	check_ip(*state, "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1");
	check_ip(*state, "2001:0:0:1:0:0:0:1", "2001:0:0:1::1");
	check_ip(*state, "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");
	check_ip(*state, "1:2:3:4:5:6:0:0", "1:2:3:4:5:6::");
	check_ip(*state, "0:0:3:4:5:6:7:8", "::3:4:5:6:7:8");
	check_ip(*state, "0:2:3:4:5:6:7:0", "0:2:3:4:5:6:7:0");
	check_ip(*state, "FFFF:0fff:00ff:000f:1000:100:10:1", "ffff:fff:ff:f:1000:100:10:1");
	check_ip(*state, "::ffff:127.0.0.1", "127.0.0.1");
	check_ip(*state, "::ffff:0.0.0.0", "0.0.0.0");
	check_ip(*state, "::ffff:255.10.100.9", "255.10.100.9");
	check_ip(*state, "::127.0.0.1", "::7f00:1");
	check_ip(*state, "64:ff9b::192.0.2.33", "64:ff9b::c000:221");
}

/* libc differs only where it writes an IPv4 tail. */
static void addresses_like_libc(void **state)
{
	char expected[INET6_ADDRSTRLEN];
	uint8_t ip[16];

	srand(1);
	for (int i = 0; i < 20000; i++) {
		for (int j = 0; j < 16; j += 2) {
			unsigned int group = rand() % 2 ? 0 : (unsigned int)rand() >> rand() % 16;

			ip[j] = (uint8_t)(group >> 8);
			ip[j + 1] = (uint8_t)group;
		}
		ip[0] |= 0x20;
		inet_ntop(AF_INET6, ip, expected, sizeof(expected));
		text_ip(*state, ip);
		ASSERT_TEXT((struct text *)*state, expected);
	}
}

static void ports(void **state)
{
	static const uint8_t ipv4[16] = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 1 };
	static const uint8_t ipv6[16] = { [15] = 1 };

	text_address(*state, ipv4, 80);
	ASSERT_TEXT((struct text *)*state, "10.0.0.1:80");
	text_address(*state, ipv6, 65535);
	ASSERT_TEXT((struct text *)*state, "[::1]:65535");
	text_address(*state, ipv6, 0);
	ASSERT_TEXT((struct text *)*state, "::1");
	text_address(*state, ipv4, 0);
	ASSERT_TEXT((struct text *)*state, "10.0.0.1");
}

static void errors(void **state)
{
	text_error_code(*state, ECONNREFUSED);
	ASSERT_TEXT((struct text *)*state, "ECONNREFUSED");
	text_error_code(*state, 4000);
	ASSERT_TEXT((struct text *)*state, "E4000");
	text_error_meaning(*state, EADDRINUSE);
	ASSERT_TEXT((struct text *)*state, "Address already in use");
	text_error_meaning(*state, 4000);
	ASSERT_TEXT((struct text *)*state, "Error 4000");
}

static const struct name {
	const char *bytes;
	size_t len;
	const char *json;
	const char *printable;
} names[] = {
#define NAME(bytes, json, printable)                      \
	{                                                 \
		bytes, sizeof(bytes) - 1, json, printable \
	}
	NAME("", "", ""),
	NAME("python3", "python3", "python3"),
	NAME("exactly eight or more than that", "exactly eight or more than that",
	     "exactly eight or more than that"),
	NAME("\"a\\b\"", "\\\"a\\\\b\\\"", "\"a\\b\""),
	NAME("long enough \" for a word", "long enough \\\" for a word",
	     "long enough \" for a word"),
	NAME("\x1b[31mred", "\\u001b[31mred", "\\x1b[31mred"),
	NAME("a\nb\r\tc", "a\\u000ab\\u000d\\u0009c", "a\\x0ab\\x0d\\x09c"),
	NAME("a\0b", "a\\u0000b", "a\\x00b"),
	NAME("\x7f", "\\u007f", "\\x7f"),
	NAME("1234567\x7f", "1234567\\u007f", "1234567\\x7f"),
	NAME("\302\23331m", "\\u009b31m", "\\x9b31m"), /* CSI as UTF-8 */
	NAME("\xc2\xa0", "\xc2\xa0", "\xc2\xa0"),
	NAME("caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80",
	     "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80",
	     "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80"),
	/* The ends of each range of lead bytes. */
	NAME("\xc2\x80", "\\u0080", "\\x80"),
	NAME("\xdf\xbf", "\xdf\xbf", "\xdf\xbf"),
	NAME("\xe0\xa0\x80", "\xe0\xa0\x80", "\xe0\xa0\x80"),
	NAME("\xed\x9f\xbf", "\xed\x9f\xbf", "\xed\x9f\xbf"),
	NAME("\xef\xbf\xbf", "\xef\xbf\xbf", "\xef\xbf\xbf"),
	NAME("\xf0\x90\x80\x80", "\xf0\x90\x80\x80", "\xf0\x90\x80\x80"),
	NAME("\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"),
	/* Not UTF-8: one U+FFFD for each maximal subpart. */
	NAME("a\233b", "a" BAD "b", "a" BAD "b"),
	NAME("\xff\xfe", BAD BAD, BAD BAD),
	NAME("\xc3", BAD, BAD),
	NAME("\xc3(", BAD "(", BAD "("),
	NAME("\xc0\xaf", BAD BAD, BAD BAD),             /* overlong / */
	NAME("\xe0\x80\xaf", BAD BAD BAD, BAD BAD BAD), /* overlong / */
	NAME("\xf0\x80\x80\xaf", BAD BAD BAD BAD, BAD BAD BAD BAD),
	NAME("\xed\xa0\x80", BAD BAD BAD, BAD BAD BAD),             /* a surrogate */
	NAME("\xf4\x90\x80\x80", BAD BAD BAD BAD, BAD BAD BAD BAD), /* U+110000 */
	NAME("\xf5\x80", BAD BAD, BAD BAD),
	NAME("\xe6\x97", BAD, BAD), /* cut, as names of 15 bytes are */
	NAME("\xe6\x97x", BAD "x", BAD "x"),
	NAME("\xf0\x9f\x98", BAD, BAD),
	NAME("\xf0\x9f\x98\xf0\x9f\x98\x80", BAD "\xf0\x9f\x98\x80", BAD "\xf0\x9f\x98\x80"),
	/* What turns the text around, and lines that are none of ours. */
	NAME("a\342\200\256b", "a\342\200\256b", "a\\u202eb"),
	NAME("\xe2\x81\xa6\xe2\x81\xa9\xd8\x9c", "\xe2\x81\xa6\xe2\x81\xa9\xd8\x9c",
	     "\\u2066\\u2069\\u061c"),
	NAME("\xe2\x80\xa8\xe2\x80\xa9", "\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029"),
#undef NAME
};

static void escapes(void **state)
{
	struct text *text = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		text_json(text, names[i].bytes, names[i].len);
		ASSERT_TEXT(text, names[i].json);
		text_printable(text, names[i].bytes, names[i].len);
		ASSERT_TEXT(text, names[i].printable);
	}
}

/* The fast path looks at eight bytes at once: each byte at each place of a word. */
static void escapes_everywhere(void **state)
{
	struct text *text = *state;
	char bytes[19], expected[64];

	for (unsigned int c = 0; c < 0x80; c++) {
		for (size_t place = 0; place < sizeof(bytes); place++) {
			const char *format = c < ' ' || c == 0x7f    ? "%.*s\\u%04x%.*s"
					     : c == '"' || c == '\\' ? "%.*s\\%c%.*s"
								     : "%.*s%c%.*s";

			memset(bytes, 'm', sizeof(bytes));
			snprintf(expected, sizeof(expected), format, (int)place, bytes, c,
				 (int)(sizeof(bytes) - place - 1), bytes);
			bytes[place] = (char)c;
			text_json(text, bytes, sizeof(bytes));
			ASSERT_TEXT(text, expected);
		}
	}
}

static void times(void **state)
{
	struct text *text = *state;

	text_rfc3339(text, 0, 0);
	ASSERT_TEXT(text, "1970-01-01T00:00:00Z");
	text_rfc3339(text, 1795183388011203944ull, 9);
	ASSERT_TEXT(text, "2026-11-20T14:03:08.011203944Z");
	text_rfc3339(text, 1795183388011203944ull, 3);
	ASSERT_TEXT(text, "2026-11-20T14:03:08.011Z");
	text_rfc3339(text, 1795183388011203944ull, 1);
	ASSERT_TEXT(text, "2026-11-20T14:03:08.0Z");
	text_rfc3339(text, 951782399999999999ull, 9);
	ASSERT_TEXT(text, "2000-02-28T23:59:59.999999999Z");
	text_rfc3339(text, UINT64_MAX, 9);
	ASSERT_TEXT(text, "2554-07-21T23:34:33.709551615Z");
	text_date(text, 951782400000000000ull);
	ASSERT_TEXT(text, "2000-02-29");
	text_clock(text, 951782400000000000ull, 0);
	ASSERT_TEXT(text, "00:00:00");
}

/* Every day until 2262, at a time of day that wanders. */
static void times_like_libc(void **state)
{
	char expected[32];
	struct tm tm;

	for (time_t day = 0; day < 106000; day++) {
		time_t time = day * 86400 + day * 7919 % 86400;

		gmtime_r(&time, &tm);
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%SZ", &tm);
		text_rfc3339(*state, (uint64_t)time * 1000000000u + 999999999, 0);
		ASSERT_TEXT((struct text *)*state, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(appends, setup, teardown),
		cmocka_unit_test_setup_teardown(pads, setup, teardown),
		cmocka_unit_test_setup_teardown(fails, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(addresses_like_libc, setup, teardown),
		cmocka_unit_test_setup_teardown(ports, setup, teardown),
		cmocka_unit_test_setup_teardown(errors, setup, teardown),
		cmocka_unit_test_setup_teardown(escapes, setup, teardown),
		cmocka_unit_test_setup_teardown(escapes_everywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(times, setup, teardown),
		cmocka_unit_test_setup_teardown(times_like_libc, setup, teardown),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
