// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Bytes, numbers, addresses, times and names of unknown origin into a buffer.
 * Nothing here allocates but text_grow(), and nothing asks the locale or the
 * time zone.  What may not reach a JSON string or a terminal is decided here and
 * nowhere else: formatters send every name through text_json() or
 * text_printable().
 */
#include "text.h"

#include <stdlib.h>

#include "clock.h"

#define S_PER_DAY 86400u

static const char hex_digits[] = "0123456789abcdef";

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
				  "25262728293031323334353637383940414243444546474849"
				  "50515253545556575859606162636465666768697071727374"
				  "75767778798081828384858687888990919293949596979899";

/* The two digits of a number below 100. */
static inline const char *pair_of(uint64_t number)
{
	return digit_pairs + 2 * (size_t)number;
}

void text_free(struct text *text)
{
	if (!text)
		return;
	free(text->data);
	*text = (struct text){ 0 };
}

void text_clear(struct text *text)
{
	text->len = 0;
	text->failed = false;
}

bool text_grow(struct text *text, size_t more)
{
	size_t cap = text->cap < 256 ? 256 : text->cap;
	char *data = NULL;

	if (text->failed)
		return false;
	if (more <= SIZE_MAX / 4 - text->len) {
		while (cap - text->len < more)
			cap *= 2;
		data = realloc(text->data, cap);
	}
	if (!data) {
		/* No room at all from here on, so that no later, shorter piece gets in. */
		text->cap = text->len;
		text->failed = true;
		return false;
	}
	text->data = data;
	text->cap = cap;
	return true;
}

void text_string(struct text *text, const char *string)
{
	text_bytes(text, string, strlen(string));
}

static unsigned int count_digits(uint64_t number)
{
	unsigned int digits = 1;

	for (; number >= 10000; number /= 10000)
		digits += 4;
	return digits + (number >= 10) + (number >= 100) + (number >= 1000);
}

void text_number(struct text *text, uint64_t number)
{
	unsigned int digits = count_digits(number);
	char *end;

	if (!text_reserve(text, digits))
		return;
	text->len += digits;
	end = text->data + text->len;
	while (number >= 100) {
		end -= 2;
		memcpy(end, pair_of(number % 100), 2);
		number /= 100;
	}
	if (number >= 10)
		memcpy(end - 2, pair_of(number), 2);
	else
		end[-1] = (char)('0' + number);
}

void text_hex(struct text *text, uint64_t number)
{
	char digits[16];
	char *end = digits + sizeof(digits);
	char *begin = end;

	do {
		*--begin = hex_digits[number & 15];
		number >>= 4;
	} while (number);
	text_bytes(text, begin, (size_t)(end - begin));
}

void text_pad(struct text *text, size_t from, size_t width)
{
	size_t used = text->len - from;

	if (used >= width || !text_reserve(text, width - used))
		return;
	memset(text->data + text->len, ' ', width - used);
	text->len = from + width;
}

static char *put_byte(char *p, uint8_t byte)
{
	if (byte >= 100) {
		*p++ = (char)('0' + byte / 100);
		memcpy(p, pair_of(byte % 100), 2);
		return p + 2;
	}
	if (byte >= 10) {
		memcpy(p, pair_of(byte), 2);
		return p + 2;
	}
	*p++ = (char)('0' + byte);
	return p;
}

static char *put_ipv4(char *p, const uint8_t ip[4])
{
	p = put_byte(p, ip[0]);
	*p++ = '.';
	p = put_byte(p, ip[1]);
	*p++ = '.';
	p = put_byte(p, ip[2]);
	*p++ = '.';
	return put_byte(p, ip[3]);
}

static char *put_group(char *p, unsigned int group)
{
	if (group > 0xfff)
		*p++ = hex_digits[group >> 12];
	if (group > 0xff)
		*p++ = hex_digits[group >> 8 & 15];
	if (group > 0xf)
		*p++ = hex_digits[group >> 4 & 15];
	*p++ = hex_digits[group & 15];
	return p;
}

/*
 * The first of the longest runs of zero groups; RFC 5952 writes it as "::" if it
 * has two groups or more.  Returns the index behind it, and its beginning.
 */
static int zero_run(const unsigned int groups[8], int *begin)
{
	int best = 1, end = -1, run = 0;

	*begin = -1;
	for (int i = 0; i < 8; i++) {
		run = groups[i] ? 0 : run + 1;
		if (run > best) {
			best = run;
			end = i + 1;
			*begin = end - run;
		}
	}
	return end;
}

static char *put_ipv6(char *p, const uint8_t ip[16])
{
	unsigned int groups[8];
	int begin, end;

	for (size_t i = 0; i < 8; i++)
		groups[i] = (unsigned int)ip[2 * i] << 8 | ip[2 * i + 1];
	end = zero_run(groups, &begin);

	for (int i = 0; i < 8;) {
		if (i == begin) {
			*p++ = ':';
			*p++ = ':';
			i = end;
			continue;
		}
		if (i && i != end)
			*p++ = ':';
		p = put_group(p, groups[i++]);
	}
	return p;
}

static bool is_ipv4(const uint8_t ip[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(ip, mapped, sizeof(mapped)) == 0;
}

/* Longer than any address, the brackets and the port of text_address() included. */
#define ADDRESS_ROOM 64

void text_ip(struct text *text, const uint8_t ip[16])
{
	char *p;

	if (!text_reserve(text, ADDRESS_ROOM))
		return;
	p = text->data + text->len;
	p = is_ipv4(ip) ? put_ipv4(p, ip + 12) : put_ipv6(p, ip);
	text->len = (size_t)(p - text->data);
}

void text_address(struct text *text, const uint8_t ip[16], uint16_t port)
{
	bool brackets = port && !is_ipv4(ip);

	if (brackets)
		text_char(text, '[');
	text_ip(text, ip);
	if (brackets)
		text_char(text, ']');
	if (port) {
		text_char(text, ':');
		text_number(text, port);
	}
}

/* glibc 2.32 has both without a locale. */
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
#define ERROR_NAME(error) strerrorname_np(error)
#define ERROR_MEANING(error) strerrordesc_np(error)
#else
#define ERROR_NAME(error) ((void)(error), (const char *)NULL)
#define ERROR_MEANING(error) strerror(error)
#endif

void text_error_code(struct text *text, int error)
{
	const char *name = ERROR_NAME(error);

	if (name) {
		text_string(text, name);
	} else {
		text_char(text, 'E');
		text_number(text, (uint64_t)error);
	}
}

void text_error_meaning(struct text *text, int error)
{
	const char *meaning = ERROR_MEANING(error);

	if (meaning) {
		text_string(text, meaning);
	} else {
		TEXT_LITERAL(text, "Error ");
		text_number(text, (uint64_t)error);
	}
}

#define NOT_UTF8 UINT32_MAX

/*
 * The character at the beginning of data (len > 0), or NOT_UTF8; returns its
 * bytes, or those that no character can begin with or go on with (the "maximal
 * subpart" of the Unicode standard, 3.9).  The bounds of the second byte (table
 * 3-7 there) exclude overlong forms, surrogates and all beyond U+10FFFF.
 */
static size_t utf8_next(const unsigned char *data, size_t len, uint32_t *character)
{
	unsigned char lead = data[0], low = 0x80, high = 0xbf;
	size_t need;
	uint32_t c;

	*character = NOT_UTF8;
	if (lead < 0x80) {
		*character = lead;
		return 1;
	}
	if (lead < 0xc2 || lead > 0xf4)
		return 1;
	need = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	c = lead & (0x7fu >> need);
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;

	for (size_t i = 1; i < need; i++) {
		if (i == len || data[i] < low || data[i] > high)
			return i;
		c = c << 6 | (data[i] & 0x3f);
		low = 0x80;
		high = 0xbf;
	}
	*character = c;
	return need;
}

/* Bytes that neither escaper looks at twice: printable ASCII but " and \. */
#define PLAIN(c) ((c) >= ' ' && (c) < 0x7f && (c) != '"' && (c) != '\\')

/* The same byte in each of the eight of a word. */
#define EACH(byte) (0x0101010101010101ull * (byte))

static uint64_t has_less(uint64_t word, unsigned char byte)
{
	return (word - EACH(byte)) & ~word & EACH(0x80);
}

static uint64_t has(uint64_t word, unsigned char byte)
{
	return has_less(word ^ EACH(byte), 1);
}

/* PLAIN() of eight bytes at once; false may be wrong, true never is. */
static bool plain_word(uint64_t word)
{
	return !((word & EACH(0x80)) | has_less(word, ' ') | has(word, 0x7f) | has(word, '"') |
		 has(word, '\\'));
}

/* Copies plain bytes up to the first other one; returns how many. */
static size_t copy_plain(char *to, const char *from, size_t len)
{
	uint64_t word;
	size_t n = 0;

	for (; len - n >= sizeof(word); n += sizeof(word)) {
		memcpy(&word, from + n, sizeof(word));
		if (!plain_word(word))
			break;
		memcpy(to + n, &word, sizeof(word));
	}
	for (; n < len && PLAIN(from[n]); n++)
		to[n] = from[n];
	return n;
}

static bool is_control(uint32_t c)
{
	return c < ' ' || (c >= 0x7f && c <= 0x9f);
}

/* Unicode's Bidi_Control characters, and its line and paragraph separators. */
static bool is_treacherous(uint32_t c)
{
	return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/* prefix and the number in so many hex digits. */
static void put_escape(struct text *text, const char *prefix, uint32_t c, int digits)
{
	text_string(text, prefix);
	while (digits--)
		text_char(text, hex_digits[c >> 4 * digits & 15]);
}

static void json_character(struct text *text, uint32_t c, const char *bytes, size_t len)
{
	if (c == NOT_UTF8) {
		TEXT_LITERAL(text, "\xef\xbf\xbd");
	} else if (is_control(c)) {
		put_escape(text, "\\u", c, 4);
	} else {
		if (c == '"' || c == '\\')
			text_char(text, '\\');
		text_bytes(text, bytes, len);
	}
}

static void printable_character(struct text *text, uint32_t c, const char *bytes, size_t len)
{
	if (c == NOT_UTF8)
		TEXT_LITERAL(text, "\xef\xbf\xbd");
	else if (is_control(c))
		put_escape(text, "\\x", c, 2);
	else if (is_treacherous(c))
		put_escape(text, "\\u", c, 4);
	else
		text_bytes(text, bytes, len);
}

/* Plain bytes in one piece, the others one by one through put(). */
static inline void put_escaped(struct text *text, const char *data, size_t len,
			       void (*put)(struct text *, uint32_t, const char *, size_t))
{
	uint32_t c;
	size_t n;

	while (len && text_reserve(text, len)) {
		n = copy_plain(text->data + text->len, data, len);
		text->len += n;
		data += n;
		len -= n;
		if (!len)
			return;
		n = utf8_next((const unsigned char *)data, len, &c);
		put(text, c, data, n);
		data += n;
		len -= n;
	}
}

void text_json(struct text *text, const char *data, size_t len)
{
	put_escaped(text, data, len, json_character);
}

void text_printable(struct text *text, const char *data, size_t len)
{
	put_escaped(text, data, len, printable_character);
}

/*
 * Days since 1970-01-01 to a date of the Gregorian calendar, by counting years
 * from March: leap days are then last (Howard Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms").
 */
static void civil_from_days(unsigned int days, unsigned int *year, unsigned int *month,
			    unsigned int *day)
{
	unsigned int from_0000 = days + 719468;
	unsigned int era = from_0000 / 146097;
	unsigned int of_era = from_0000 % 146097;
	unsigned int y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	unsigned int of_year = of_era - (365 * y + y / 4 - y / 100);
	unsigned int from_march = (5 * of_year + 2) / 153;

	*day = of_year - (153 * from_march + 2) / 5 + 1;
	*month = from_march < 10 ? from_march + 3 : from_march - 9;
	*year = y + era * 400 + (*month <= 2);
}

static char *put_pair(char *p, unsigned int number)
{
	memcpy(p, pair_of(number), 2);
	return p + 2;
}

void text_date(struct text *text, uint64_t time)
{
	unsigned int year, month, day;
	char date[10], *p = date;

	/* 64 bits of nanoseconds end in the year 2554: four digits. */
	civil_from_days((unsigned int)(time / NS_PER_S / S_PER_DAY), &year, &month, &day);
	p = put_pair(p, year / 100);
	p = put_pair(p, year % 100);
	*p++ = '-';
	p = put_pair(p, month);
	*p++ = '-';
	put_pair(p, day);
	text_bytes(text, date, sizeof(date));
}

void text_clock(struct text *text, uint64_t time, unsigned int digits)
{
	unsigned int second = (unsigned int)(time / NS_PER_S % S_PER_DAY);
	unsigned int fraction = (unsigned int)(time % NS_PER_S);
	char clock[18], *p = clock;

	p = put_pair(p, second / 3600);
	*p++ = ':';
	p = put_pair(p, second / 60 % 60);
	*p++ = ':';
	p = put_pair(p, second % 60);
	*p++ = '.';
	*p++ = (char)('0' + fraction / 100000000);
	p = put_pair(p, fraction / 1000000 % 100);
	p = put_pair(p, fraction / 10000 % 100);
	p = put_pair(p, fraction / 100 % 100);
	put_pair(p, fraction % 100);
	text_bytes(text, clock, digits ? sizeof("HH:MM:SS") + digits : sizeof("HH:MM:SS") - 1);
}

void text_rfc3339(struct text *text, uint64_t time, unsigned int digits)
{
	text_date(text, time);
	text_char(text, 'T');
	text_clock(text, time, digits);
	text_char(text, 'Z');
}
