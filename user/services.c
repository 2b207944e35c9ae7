// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * /etc/services in memory: the file's own bytes, cut into strings in place, with
 * an array by port for the formatters and a hash by name for options.c.
 *
 * The file may hold anything: what is no line of "name port/transport alias..."
 * is skipped.  As in getservbyname(3), the first line that fits wins.
 */
#include "services.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Fedora's file, the longest in use, has 0.7 MB. */
#define FILE_LIMIT (4U << 20)
#define PORTS 65536

struct slot {
	uint32_t name; /* offset in text; 0: free */
	uint16_t port;
	uint16_t transport;
};

struct services {
	char *text; /* from 1 on, so that offset 0 means none; NUL at its end */
	size_t len;
	struct slot *slots; /* open addressing, at most half full */
	size_t mask;
	uint32_t names[TRANSPORTS][PORTS]; /* offsets of the official names */
};

struct token {
	char *start;
	size_t len;
};

/* All of fd after text[0].  On failure text is still freed by services_free(). */
static int read_all(struct services *services, int fd)
{
	size_t room = 0;
	ssize_t got;

	services->len = 1;
	do {
		if (services->len + 1 >= room) {
			char *text;

			room = room ? 2 * room : 32768;
			text = realloc(services->text, room);
			if (!text)
				return -ENOMEM;
			services->text = text;
		}
		got = read(fd, services->text + services->len, room - services->len - 1);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0)
			services->len += (size_t)got;
		if (services->len > FILE_LIMIT)
			return -EFBIG;
	} while (got);
	services->text[0] = '\0';
	services->text[services->len] = '\0';
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* No line has more names than the file has words, so the hash never has to grow. */
static int make_hash(struct services *services)
{
	size_t words = 0, slots = 16;

	for (size_t i = 1; i < services->len; i++)
		words += !is_blank(services->text[i]) &&
			 (i == 1 || is_blank(services->text[i - 1]));
	while (slots < 2 * words)
		slots *= 2;
	services->slots = calloc(slots, sizeof(*services->slots));
	if (!services->slots)
		return -ENOMEM;
	services->mask = slots - 1;
	return 0;
}

/* The slot that holds the name, or the free one where it belongs.  FNV-1a. */
static struct slot *find_slot(const struct services *services, enum transport transport,
			      const char *name)
{
	uint64_t hash = 0xcbf29ce484222325 ^ transport;

	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
	for (size_t i = (size_t)(hash ^ hash >> 32);; i++) {
		struct slot *slot = &services->slots[i & services->mask];

		if (!slot->name ||
		    (slot->transport == transport && !strcmp(services->text + slot->name, name)))
			return slot;
	}
}

static void add_name(struct services *services, enum transport transport, const char *name,
		     uint16_t port)
{
	struct slot *slot = find_slot(services, transport, name);

	if (slot->name)
		return;
	slot->name = (uint32_t)(name - services->text);
	slot->port = port;
	slot->transport = (uint16_t)transport;
}

/*
 * Takes a word off the front of *rest and puts a NUL behind it, at *end too: that
 * byte (a newline, a '#', the NUL of the whole text) belongs to the line.
 */
static struct token next_token(char **rest, char *end)
{
	struct token token;

	while (*rest < end && is_blank(**rest))
		(*rest)++;
	token.start = *rest;
	while (*rest < end && !is_blank(**rest))
		(*rest)++;
	token.len = (size_t)(*rest - token.start);
	**rest = '\0';
	if (*rest < end)
		(*rest)++;
	return token;
}

/* Visible ASCII only: a name from here may go to a terminal. */
static bool is_name(struct token token)
{
	for (size_t i = 0; i < token.len; i++)
		if (token.start[i] <= ' ' || token.start[i] > '~')
			return false;
	return token.len > 0;
}

/* "80/tcp" */
static bool parse_port(struct token token, uint16_t *port, enum transport *transport)
{
	uint32_t number = 0;
	size_t i;

	for (i = 0; i < token.len && token.start[i] >= '0' && token.start[i] <= '9'; i++) {
		number = number * 10 + (uint32_t)(token.start[i] - '0');
		if (number >= PORTS)
			return false;
	}
	if (!number || token.len - i != 4)
		return false;
	if (!memcmp(token.start + i, "/tcp", 4))
		*transport = TRANSPORT_TCP;
	else if (!memcmp(token.start + i, "/udp", 4))
		*transport = TRANSPORT_UDP;
	else
		return false;
	*port = (uint16_t)number;
	return true;
}

static void parse_line(struct services *services, char *line, char *end)
{
	struct token name = next_token(&line, end);
	struct token number = next_token(&line, end);
	enum transport transport;
	uint16_t port;

	if (!is_name(name) || !parse_port(number, &port, &transport))
		return;
	if (!services->names[transport][port])
		services->names[transport][port] = (uint32_t)(name.start - services->text);
	add_name(services, transport, name.start, port);
	for (name = next_token(&line, end); name.len; name = next_token(&line, end))
		if (is_name(name))
			add_name(services, transport, name.start, port);
}

static void parse_lines(struct services *services)
{
	char *line = services->text + 1, *end = services->text + services->len;

	while (line < end) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		char *next = newline ? newline : end;
		char *comment = memchr(line, '#', (size_t)(next - line));

		parse_line(services, line, comment ? comment : next);
		line = next + 1;
	}
}

int services_load(struct services **services, const char *path)
{
	struct services *new;
	int fd = -1, err = -ENOMEM;

	new = calloc(1, sizeof(*new));
	if (!new)
		goto out;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	err = fd >= 0 ? read_all(new, fd) : -errno;
	if (err && err != -ENOENT)
		goto out;
	err = make_hash(new);
	if (err)
		goto out;
	if (new->text)
		parse_lines(new);
	*services = new;
	new = NULL;
out:
	services_free(new);
	if (fd >= 0)
		(void)close(fd);
	return err;
}

void services_free(struct services *services)
{
	if (!services)
		return;
	free(services->slots);
	free(services->text);
	free(services);
}

const char *services_name(const struct services *services, enum transport transport, uint16_t port)
{
	uint32_t name;

	if (!services || transport >= TRANSPORTS)
		return NULL;
	name = services->names[transport][port];
	return name ? services->text + name : NULL;
}

uint16_t services_port(const struct services *services, enum transport transport, const char *name)
{
	if (!services || transport >= TRANSPORTS)
		return 0;
	return find_slot(services, transport, name)->port;
}
