/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Opens and closes connections without a pause until its stdin ends, a few of them open
 * at any time, and writes all of it down (say.h), at its end.
 *
 *     churn IP PORT OPEN
 *
 * OPEN connections are open at once; each step closes the oldest and makes a new one.
 * Prints a line when the first OPEN are there.
 */
#include <poll.h>

#include "say.h"

#define LINES 200000
#define LINE 480

static char (*lines)[LINE];
static int written;

struct pair {
	int ours, theirs;
};

static void note(const char *what, long long began, const struct ends *ends)
{
	if (written < LINES)
		say_text(lines[written++], LINE, what, 0, began, ends);
}

static struct pair open_pair(int listener, const struct sockaddr_in *address)
{
	struct pair pair = { .ours = socket(AF_INET, SOCK_STREAM, 0) };
	long long began = now();
	struct ends ends;

	if (connect(pair.ours, (const struct sockaddr *)address, sizeof(*address)))
		die("connect");
	ends = ends_of(pair.ours);
	note("connect", began, &ends);
	began = now();
	pair.theirs = accept(listener, NULL, NULL);
	if (pair.theirs < 0)
		die("accept");
	ends = ends_of(pair.theirs);
	note("accept", began, &ends);
	return pair;
}

static void close_pair(const struct pair *pair)
{
	struct ends ours = ends_of(pair->ours), theirs = ends_of(pair->theirs);
	long long began = now();

	close(pair->ours);
	close(pair->theirs);
	note("close", began, &ours);
	note("close", began, &theirs);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct pollfd input = { .events = POLLIN };
	int listener = socket(AF_INET, SOCK_STREAM, 0), count, step = 0;
	struct pair *pairs;
	struct ends ends;

	if (argc != 4 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1)
		return 2;
	address.sin_port = htons((unsigned short)atoi(argv[2]));
	count = atoi(argv[3]);
	lines = calloc(LINES, LINE);
	pairs = calloc(count, sizeof(*pairs));
	if (!lines || !pairs)
		die("calloc");
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 16))
		die("listen");
	ends = ends_of(listener);
	note("listen", now(), &ends);
	for (int i = 0; i < count; i++)
		pairs[i] = open_pair(listener, &address);
	puts("open");
	fflush(stdout);
	while (poll(&input, 1, 0) == 0 && written < LINES - 4 * count - 4) {
		close_pair(&pairs[step % count]);
		pairs[step % count] = open_pair(listener, &address);
		step++;
	}
	for (int i = 0; i < count; i++)
		close_pair(&pairs[i]);
	for (int i = 0; i < written; i++)
		if (write(say_file(), lines[i], strlen(lines[i])) < 0)
			die("write");
	return 0;
}
