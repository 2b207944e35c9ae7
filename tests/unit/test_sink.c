// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sink.c: an output that fails in the middle of a line, and stdout, whose reader may be
 * slow or go away.
 */
#include <sys/socket.h>

#include "sink_fixture.h"

#define BACKLOG_MAX (16 << 20) /* as in sink.c */

/* --- an output that fails ------------------------------------------------------------ */

/* Wherever it is torn, the line is finished first when the output works again. */
static void test_torn(void **state)
{
	static const char first[] = "aaaa\nbbbb\ncccc\n";
	struct fixture *f = *state;

	for (size_t fits = 0; fits < sizeof(first) - 1; fits++) {
		assert_int_equal(sink_open(&f->sink, f->path), 0);
		limit_files(fits);
		assert_int_equal(write_text(f, first), -EFBIG);
		assert_int_equal(sink_waiting(f->sink), 3 - fits / 5);
		assert_int_equal(write_text(f, "dddd\n"), -EFBIG);
		assert_int_equal(sink_waiting(f->sink), 4 - fits / 5);
		limit_files(fits + 3); /* a little more room */
		assert_int_equal(write_text(f, "eeee\n"), -EFBIG);
		no_limit();
		assert_int_equal(write_text(f, "ffff\n"), 0);
		assert_int_equal(sink_waiting(f->sink), 0);
		assert_int_equal(f->lost, 0);
		check_content(f->path, "aaaa\nbbbb\ncccc\ndddd\neeee\nffff\n");
		sink_free(f->sink);
		f->sink = NULL;
		assert_int_equal(unlink(f->path), 0);
	}
}

/* A row of which a part was written goes whole into the next file, and the part goes. */
static void test_torn_and_moved(void **state)
{
	struct fixture *f = *state;

	for (int removed = 0; removed < 2; removed++) {
		assert_int_equal(sink_open(&f->sink, f->path), 0);
		limit_files(7);
		assert_int_equal(write_text(f, "aaaa\nbbbb\ncccc\n"), -EFBIG);
		check_content(f->path, "aaaa\nbb");
		no_limit();
		assert_int_equal(rename(f->path, f->other), 0);
		if (removed)
			assert_int_equal(unlink(f->other), 0); /* noticed without SIGHUP */
		else
			assert_int_equal(sink_reopen(f->sink), 0);
		assert_int_equal(write_text(f, "dddd\n"), 0);
		if (!removed)
			check_content(f->other, "aaaa\n");
		check_content(f->path, "bbbb\ncccc\ndddd\n");
		assert_int_equal(f->lost, 0);
		sink_free(f->sink);
		f->sink = NULL;
		assert_int_equal(unlink(f->path), 0);
	}
}

/* Without new text the old is tried again. */
static void test_try_again(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sink_open(&f->sink, f->path), 0);
	limit_files(2);
	assert_int_equal(write_text(f, "aaaa\n"), -EFBIG);
	assert_int_equal(sink_write(f->sink, &f->rows, &f->lost), -EFBIG);
	no_limit();
	assert_int_equal(sink_write(f->sink, &f->rows, &f->lost), 0);
	check_content(f->path, "aaaa\n");
}

/* The end of a run whose output never worked again: whole rows stay. */
static void test_abandon(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sink_open(&f->sink, f->path), 0);
	limit_files(7);
	assert_int_equal(write_text(f, "aaaa\nbbbb\ncccc\n"), -EFBIG);
	assert_int_equal(sink_abandon(f->sink), 2);
	assert_int_equal(sink_waiting(f->sink), 0);
	assert_int_equal(sink_written(f->sink), 1);
	check_content(f->path, "aaaa\n");
	/* With another writer behind it, its bytes can't be taken back. */
	assert_int_equal(write_text(f, "dddd\n"), -EFBIG);
	no_limit();
	{
		FILE *file = fopen(f->path, "a");

		assert_non_null(file);
		assert_true(fputs("x", file) >= 0);
		assert_int_equal(fclose(file), 0);
	}
	assert_int_equal(sink_abandon(f->sink), 1);
	check_content(f->path, "aaaa\nddx");
	assert_int_equal(write_text(f, "eeee\n"), 0);
	check_content(f->path, "aaaa\nddx\neeee\n");
}

/* Every line of the file is whole, none comes twice, and the rest was counted. */
static void check_lines(struct fixture *f, unsigned int all)
{
	char *data = file_content(f->path);
	unsigned int lines = 0;
	long last = -1;

	for (const char *at = data; *at; at += 16) {
		char *end;
		long number = strtol(at, &end, 10);

		assert_int_equal(end - at, 15);
		assert_int_equal(*end, '\n');
		assert_true(number > last);
		last = number;
		lines++;
	}
	assert_int_equal(last, all - 1);
	assert_int_equal(lines + f->lost, all);
	free(data);
}

/* More than is kept: lines are lost, whole ones, and exactly as many as are counted. */
static void test_overflow(void **state)
{
	const size_t batch = 1000, batches = 3 * BACKLOG_MAX / 16 / batch;
	struct fixture *f = *state;

	for (size_t fits = 0; fits < 40; fits += 7) {
		unsigned int number = 0;

		f->lost = 0;
		assert_int_equal(sink_open(&f->sink, f->path), 0);
		limit_files(fits);
		for (size_t i = 0; i < batches; i++) {
			add_lines(f, &number, batch);
			assert_int_equal(sink_write(f->sink, &f->rows, &f->lost), -EFBIG);
			assert_int_equal(f->rows.text.len, 0);
			assert_true(sink_waiting(f->sink) <= BACKLOG_MAX / 16 + 1);
			assert_int_equal(fits / 16 + sink_waiting(f->sink) + f->lost, number);
		}
		assert_true(f->lost > 0);
		/* Not less is kept than was promised. */
		assert_true(sink_waiting(f->sink) > (BACKLOG_MAX - 2 * batch * 16) / 16);
		no_limit();
		add_lines(f, &number, 1);
		assert_int_equal(sink_write(f->sink, &f->rows, &f->lost), 0);
		check_lines(f, number);
		sink_free(f->sink);
		f->sink = NULL;
		assert_int_equal(unlink(f->path), 0);
	}
}

/* One write that is larger than all that is kept: its torn line is finished nevertheless. */
static void test_large_write(void **state)
{
	struct fixture *f = *state;
	unsigned int number = 0;

	assert_int_equal(sink_open(&f->sink, f->path), 0);
	limit_files(20); /* a line and a quarter */
	add_lines(f, &number, BACKLOG_MAX / 16 + 100);
	assert_int_equal(sink_write(f->sink, &f->rows, &f->lost), -EFBIG);
	assert_int_equal(sink_waiting(f->sink) + f->lost + 1, number);
	assert_true(sink_waiting(f->sink) >= 1);
	no_limit();
	add_lines(f, &number, 1);
	assert_int_equal(sink_write(f->sink, &f->rows, &f->lost), 0);
	check_lines(f, number);
}

/* --- stdout --------------------------------------------------------------------------- */

static void test_stdout(void **state)
{
	struct fixture *f = *state;
	char got[16];
	int fds[2], before = dup(STDOUT_FILENO), opened, reopened, err, gone;
	ssize_t len;

	(void)fflush(stdout);
	assert_true(before >= 0);
	assert_int_equal(pipe(fds), 0);
	/* Until the end of this no assertion: it would be written there. */
	dup2(fds[1], STDOUT_FILENO);
	close(fds[1]);
	opened = sink_open(&f->sink, NULL);
	add_text(f, "one\n");
	err = sink_write(f->sink, &f->rows, &f->lost);
	reopened = sink_reopen(f->sink);
	len = read(fds[0], got, sizeof(got));
	close(fds[0]);
	add_text(f, "two\n");
	gone = sink_write(f->sink, &f->rows, &f->lost);
	sink_free(f->sink); /* does not close it */
	f->sink = NULL;
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
		err = -1;
	dup2(before, STDOUT_FILENO);
	close(before);

	assert_int_equal(opened, 0);
	assert_int_equal(err, 0);
	assert_int_equal(reopened, 0);
	assert_int_equal(len, 4);
	assert_memory_equal(got, "one\n", 4);
	assert_int_equal(gone, -EPIPE);
	assert_int_equal(f->lost, 1);
	f->lost = 0;
}

/* How stdout may be made for a reader that is slow: none of them may be waited for. */
enum pipe_kind {
	PIPE_OF_OURS, /* can be opened anew */
	PIPE_SOCKET,
};

static void check_slow_reader(struct fixture *f, enum pipe_kind kind)
{
	enum {
		ALL = 60000
	}; /* more than a pipe holds, less than is kept */
	unsigned int number = 0;
	int fds[2], before = dup(STDOUT_FILENO), flags, errors[2];
	size_t len = 0, room = 16 * (ALL + 1);
	char *got = malloc(room);

	(void)fflush(stdout);
	assert_non_null(got);
	assert_int_equal(kind == PIPE_SOCKET ? socketpair(AF_UNIX, SOCK_STREAM, 0, fds) : pipe(fds),
			 0);
	dup2(fds[1], STDOUT_FILENO);
	close(fds[1]);
	errors[0] = sink_open(&f->sink, NULL);
	add_lines(f, &number, ALL);
	errors[0] = errors[0] ?: sink_write(f->sink, &f->rows, &f->lost);
	flags = fcntl(STDOUT_FILENO, F_GETFL);
	do {
		ssize_t part = read(fds[0], got + len, room - len);

		len += part > 0 ? (size_t)part : 0;
		errors[1] = sink_write(f->sink, &f->rows, &f->lost);
	} while (errors[1] == -EAGAIN);
	sink_free(f->sink);
	f->sink = NULL;
	dup2(before, STDOUT_FILENO);
	close(before);
	for (ssize_t part; (part = read(fds[0], got + len, room - len)) > 0;)
		len += (size_t)part;
	close(fds[0]);

	assert_int_equal(errors[0], -EAGAIN);
	assert_int_equal(errors[1], 0);
	assert_false(flags & O_NONBLOCK); /* others may share it */
	assert_int_equal(f->lost, 0);
	assert_int_equal(len, 16 * ALL);
	number = 0;
	add_lines(f, &number, ALL);
	assert_memory_equal(got, f->rows.text.data, len);
	free(got);
}

static void test_slow_pipe(void **state)
{
	check_slow_reader(*state, PIPE_OF_OURS);
}

static void test_slow_socket(void **state)
{
	check_slow_reader(*state, PIPE_SOCKET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_torn),    TEST(test_torn_and_moved), TEST(test_try_again),
		TEST(test_abandon), TEST(test_overflow),       TEST(test_large_write),
		TEST(test_stdout),  TEST(test_slow_pipe),      TEST(test_slow_socket),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
