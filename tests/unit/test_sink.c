// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sink.c: what is no place for a log, and an output that fails in the middle of a
 * line.  The failure is RLIMIT_FSIZE: write(2) writes what fits, and then EFBIG.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sink.h"

#define BACKLOG_MAX (16 << 20) /* as in sink.c */

struct fixture {
	char dir[32];
	char path[64];  /* in dir; nothing is there yet */
	char other[64]; /* another one */
	struct sink *sink;
	struct rows rows;
	struct rlimit limit; /* as it was */
	uint64_t lost;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/test_sink.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/log", f->dir);
	(void)snprintf(f->other, sizeof(f->other), "%s/other", f->dir);
	(void)getrlimit(RLIMIT_FSIZE, &f->limit);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	(void)setrlimit(RLIMIT_FSIZE, &f->limit);
	sink_free(f->sink);
	rows_free(&f->rows);
	(void)remove(f->path); /* a folder too */
	(void)remove(f->other);
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

/* Files may not become larger than that any more. */
static void limit_files(const struct fixture *f, size_t bytes)
{
	struct rlimit limit = f->limit;

	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void no_limit(const struct fixture *f)
{
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &f->limit), 0);
}

static void touch(const char *path, const char *content)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(content, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* To be freed. */
static char *content(const char *path)
{
	FILE *file = fopen(path, "r");
	struct stat st;
	char *data;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	data = calloc(1, (size_t)st.st_size + 1);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, (size_t)st.st_size, file), st.st_size);
	(void)fclose(file);
	return data;
}

static void check_content(const char *path, const char *expected)
{
	char *data = content(path);

	assert_string_equal(data, expected);
	free(data);
}

/* Each line is a row. */
static void add_text(struct fixture *f, const char *string)
{
	for (const char *c = string; *c; c++) {
		text_char(&f->rows.text, *c);
		if (*c == '\n')
			assert_true(rows_end(&f->rows));
	}
}

static int write_text(struct fixture *f, const char *string)
{
	int err;

	add_text(f, string);
	err = sink_write(f->sink, &f->rows, &f->lost);
	assert_int_equal(f->rows.text.len, 0);
	assert_int_equal(rows_count(&f->rows), 0);
	return err;
}

/* Refused, and what the caller has stays what it was. */
static void refuse(struct fixture *f, int err)
{
	struct sink *sink = (struct sink *)f;

	assert_int_equal(sink_open(&sink, f->path), err);
	assert_ptr_equal(sink, f);
}

/* --- what is opened ------------------------------------------------------------- */

static void test_new_file(void **state)
{
	struct fixture *f = *state;
	mode_t before = umask(0);
	struct stat st;

	assert_int_equal(sink_open(&f->sink, f->path), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	sink_free(f->sink);
	f->sink = NULL;
	assert_int_equal(unlink(f->path), 0);
	/* The umask may take more away. */
	umask(077);
	assert_int_equal(sink_open(&f->sink, f->path), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	umask(before);
}

static void test_append(void **state)
{
	struct fixture *f = *state;

	touch(f->path, "before\n");
	assert_int_equal(chmod(f->path, 0600), 0);
	assert_int_equal(sink_open(&f->sink, f->path), 0);
	assert_int_equal(write_text(f, "one\ntwo\n"), 0);
	/* Whoever else appends or cuts: nothing is overwritten, no hole is made. */
	assert_int_equal(truncate(f->path, 0), 0);
	assert_int_equal(write_text(f, "three\n"), 0);
	check_content(f->path, "three\n");
	assert_int_equal(f->lost, 0);
	assert_int_equal(sink_waiting(f->sink), 0);
}

static void test_nothing(void **state)
{
	struct fixture *f = *state;

	sink_free(NULL);
	assert_int_equal(sink_open(&f->sink, f->path), 0);
	assert_int_equal(sink_write(f->sink, &f->rows, &f->lost), 0);
	assert_int_equal(f->lost, 0);
	check_content(f->path, "");
}

static void test_symlink(void **state)
{
	struct fixture *f = *state;

	touch(f->other, "precious");
	assert_int_equal(symlink(f->other, f->path), 0);
	refuse(f, -ELOOP);
	check_content(f->other, "precious");
	/* One that leads nowhere must not make a file there. */
	assert_int_equal(unlink(f->other), 0);
	refuse(f, -ELOOP);
	assert_int_equal(access(f->other, F_OK), -1);
}

static void test_hard_link(void **state)
{
	struct fixture *f = *state;

	touch(f->other, "precious");
	assert_int_equal(link(f->other, f->path), 0);
	refuse(f, -EMLINK);
	check_content(f->other, "precious");
	assert_int_equal(unlink(f->other), 0);
	assert_int_equal(sink_open(&f->sink, f->path), 0);
}

static void test_fifo(void **state)
{
	struct fixture *f = *state;
	int reader;

	assert_int_equal(mkfifo(f->path, 0600), 0);
	refuse(f, -EINVAL); /* and does not wait for a reader */
	reader = open(f->path, O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	refuse(f, -EINVAL);
	close(reader);
}

static void test_socket(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", f->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	refuse(f, -EINVAL);
	close(fd);
}

static void test_directory(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(f->path, 0700), 0);
	refuse(f, -EINVAL);
}

static void test_device(void **state)
{
	struct fixture *f = *state;

	(void)snprintf(f->path, sizeof(f->path), "/dev/null");
	refuse(f, -EINVAL);
	(void)snprintf(f->path, sizeof(f->path), "%s/log", f->dir); /* for teardown */
}

static void test_no_directory(void **state)
{
	struct fixture *f = *state;

	(void)snprintf(f->path, sizeof(f->path), "%s/none/log", f->dir);
	refuse(f, -ENOENT);
	f->path[0] = 0;
	refuse(f, -ENOENT);
}

/* Others could put their own file in the place of ours. */
static void test_open_directory(void **state)
{
	struct fixture *f = *state;

	touch(f->path, "");
	assert_int_equal(chmod(f->dir, 0777), 0);
	refuse(f, -EPERM);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(chmod(f->dir, 0702), 0);
	refuse(f, -EPERM);
	assert_int_equal(access(f->path, F_OK), -1); /* none is made either */
	/* Not in a sticky one. */
	assert_int_equal(chmod(f->dir, 01777), 0);
	assert_int_equal(sink_open(&f->sink, f->path), 0);
	sink_free(f->sink);
	f->sink = NULL;
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(sink_open(&f->sink, f->path), 0);
}

static void test_group_directory(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(stat(f->dir, &st), 0);
	assert_int_equal(chmod(f->dir, 0770), 0);
	if (st.st_gid == 0) { /* root's own group is root; another one, if we may */
		assert_int_equal(sink_open(&f->sink, f->path), 0);
		if (chown(f->dir, (uid_t)-1, 1))
			return;
		assert_int_equal(chmod(f->dir, 0770), 0);
	}
	refuse(f, -EPERM);
}

/* A file that another user made in a sticky directory is a trap. */
static void test_foreign_file(void **state)
{
	struct fixture *f = *state;

	touch(f->path, "");
	if (chown(f->path, 1, 1))
		skip();
	assert_int_equal(chmod(f->dir, 01777), 0);
	/* The kernel may refuse by itself: fs.protected_regular. */
	if (sink_open(&f->sink, f->path) != -EACCES)
		refuse(f, -EPERM);
	assert_null(f->sink);
	assert_int_equal(chmod(f->dir, 0755), 0);
	assert_int_equal(sink_open(&f->sink, f->path), 0);
}

/* The owner of a directory can put there what he likes. */
static void test_foreign_directory(void **state)
{
	struct fixture *f = *state;

	if (chown(f->dir, 1000, 0))
		skip();
	refuse(f, -EPERM);
	assert_int_equal(access(f->path, F_OK), -1);
	/* But he who calls sudo can do so anyway. */
	assert_int_equal(setenv("SUDO_UID", "1001", 1), 0);
	refuse(f, -EPERM);
	assert_int_equal(setenv("SUDO_UID", "1000", 1), 0);
	assert_int_equal(sink_open(&f->sink, f->path), 0);
	assert_int_equal(unsetenv("SUDO_UID"), 0);
	assert_int_equal(chmod(f->dir, 01777), 0);
	assert_int_equal(sink_reopen(f->sink), -EPERM);
}

static void test_relative(void **state)
{
	struct fixture *f = *state;
	char before[4096];

	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(f->dir), 0);
	assert_int_equal(sink_open(&f->sink, "log"), 0);
	assert_int_equal(chdir(before), 0);
	assert_int_equal(write_text(f, "here\n"), 0);
	check_content(f->path, "here\n");
}

/* --- rotation ---------------------------------------------------------------------- */

static void test_reopen(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sink_open(&f->sink, f->path), 0);
	assert_int_equal(write_text(f, "one\n"), 0);
	assert_int_equal(rename(f->path, f->other), 0);
	assert_int_equal(write_text(f, "two\n"), 0); /* still there */
	assert_int_equal(sink_reopen(f->sink), 0);
	assert_int_equal(write_text(f, "three\n"), 0);
	check_content(f->other, "one\ntwo\n");
	check_content(f->path, "three\n");
}

static void test_reopen_fails(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sink_open(&f->sink, f->path), 0);
	assert_int_equal(rename(f->path, f->other), 0);
	assert_int_equal(symlink(f->other, f->path), 0);
	assert_int_equal(sink_reopen(f->sink), -ELOOP);
	assert_int_equal(write_text(f, "one\n"), 0);
	check_content(f->other, "one\n");
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(sink_reopen(f->sink), 0);
	assert_int_equal(write_text(f, "two\n"), 0);
	check_content(f->path, "two\n");
}

/* A crash in the middle of a line: it is ended, and so is the one that another crash left. */
static void test_torn_by_a_crash(void **state)
{
	struct fixture *f = *state;

	touch(f->path, "whole\nhal");
	assert_int_equal(sink_open(&f->sink, f->path), 0);
	check_content(f->path, "whole\nhal"); /* not before there is something to tell */
	assert_int_equal(write_text(f, "one\n"), 0);
	assert_int_equal(write_text(f, "two\n"), 0);
	check_content(f->path, "whole\nhal\none\ntwo\n");
	touch(f->path, "x");
	assert_int_equal(sink_reopen(f->sink), 0);
	assert_int_equal(write_text(f, "three\n"), 0);
	check_content(f->path, "x\nthree\n");
	assert_int_equal(sink_written(f->sink), 3);
}

/* Somebody removes the log: it is made again, and nothing goes where nobody can read it. */
static void test_removed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sink_open(&f->sink, f->path), 0);
	assert_int_equal(write_text(f, "one\n"), 0);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(write_text(f, "two\n"), 0);
	check_content(f->path, "two\n");
	/* And its folder with it. */
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(rmdir(f->dir), 0);
	assert_int_equal(write_text(f, "three\n"), -ENOENT);
	assert_int_equal(mkdir(f->dir, 0777), 0); /* with a umask that allows it: a trap */
	assert_int_equal(chmod(f->dir, 0777), 0);
	assert_int_equal(write_text(f, "four\n"), -EPERM);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(chmod(f->dir, 0755), 0);
	assert_int_equal(write_text(f, "five\n"), 0);
	check_content(f->path, "three\nfour\nfive\n");
	assert_int_equal(f->lost, 0);
}

static char *numbered(const struct fixture *f, unsigned int number, char *path, size_t size)
{
	(void)snprintf(path, size, number ? "%s.%u" : "%s", f->path, number);
	return path;
}

/* Files of whole rows, none larger than it may be, the oldest ones go. */
static void test_rotate(void **state)
{
	struct fixture *f = *state;
	char path[80];

	assert_int_equal(sink_open(&f->sink, f->path), 0);
	sink_set_rotation(f->sink, 12, 2);
	assert_int_equal(write_text(f, "one\ntwo\n"), 0);
	assert_int_equal(write_text(f, "four\nfive\nsix\n"), 0);
	check_content(f->path, "six\n");
	check_content(numbered(f, 1, path, sizeof(path)), "four\nfive\n");
	check_content(numbered(f, 2, path, sizeof(path)), "one\ntwo\n");
	/* A row that is larger than a file may be has one for itself. */
	assert_int_equal(write_text(f, "a long row of text\nseven\n"), 0);
	check_content(f->path, "seven\n");
	check_content(numbered(f, 1, path, sizeof(path)), "a long row of text\n");
	check_content(numbered(f, 2, path, sizeof(path)), "six\n");
	assert_int_equal(access(numbered(f, 3, path, sizeof(path)), F_OK), -1);
	/* After the first gap nothing has to move. */
	assert_int_equal(unlink(numbered(f, 1, path, sizeof(path))), 0);
	assert_int_equal(write_text(f, "eight\nnine\n"), 0);
	check_content(f->path, "nine\n");
	check_content(numbered(f, 1, path, sizeof(path)), "seven\neight\n");
	check_content(numbered(f, 2, path, sizeof(path)), "six\n");
	assert_int_equal(sink_rotation_error(f->sink), 0);
	for (unsigned int i = 1; i <= 2; i++)
		(void)unlink(numbered(f, i, path, sizeof(path)));
}

static void test_rotate_keeps_none(void **state)
{
	struct fixture *f = *state;
	char path[80];

	assert_int_equal(sink_open(&f->sink, f->path), 0);
	sink_set_rotation(f->sink, 8, 0);
	assert_int_equal(write_text(f, "one\ntwo\nfour\n"), 0);
	check_content(f->path, "four\n");
	assert_int_equal(access(numbered(f, 1, path, sizeof(path)), F_OK), -1);
}

/* What can't be moved grows, and says so, and is moved when that works again. */
static void test_rotate_fails(void **state)
{
	struct fixture *f = *state;
	char path[80];

	assert_int_equal(sink_open(&f->sink, f->path), 0);
	sink_set_rotation(f->sink, 8, 1);
	assert_int_equal(mkdir(numbered(f, 1, path, sizeof(path)), 0755), 0);
	assert_int_equal(write_text(f, "one\ntwo\nthree\nfour\n"), 0);
	assert_int_equal(sink_rotation_error(f->sink), -EISDIR);
	check_content(f->path, "one\ntwo\nthree\nfour\n");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(write_text(f, "five\n"), 0);
	assert_int_equal(sink_rotation_error(f->sink), 0);
	check_content(path, "one\ntwo\nthree\nfour\n");
	check_content(f->path, "five\n");
	assert_int_equal(unlink(path), 0);
}

/* Two that write and rotate the same file: one of them moves it, the other one follows. */
static void test_rotate_together(void **state)
{
	struct fixture *f = *state;
	struct sink *first;
	char path[80];

	assert_int_equal(sink_open(&first, f->path), 0);
	assert_int_equal(sink_open(&f->sink, f->path), 0);
	sink_set_rotation(first, 8, 1);
	sink_set_rotation(f->sink, 8, 1);
	assert_int_equal(write_text(f, "one\ntwo\nsix\n"), 0); /* it may not move it */
	check_content(f->path, "one\ntwo\nsix\n");
	add_text(f, "ten\n");
	assert_int_equal(sink_write(first, &f->rows, &f->lost), 0);
	check_content(f->path, "ten\n");
	assert_int_equal(write_text(f, "red\n"), 0);
	check_content(f->path, "ten\nred\n");
	check_content(numbered(f, 1, path, sizeof(path)), "one\ntwo\nsix\n");
	/* The first one ends: now it is the other one's. */
	sink_free(first);
	assert_int_equal(write_text(f, "sun\n"), 0);
	check_content(f->path, "sun\n");
	check_content(numbered(f, 1, path, sizeof(path)), "ten\nred\n");
	assert_int_equal(unlink(path), 0);
}

/* A row of which a part was written goes whole into the next file, and the part goes. */
static void test_torn_and_moved(void **state)
{
	struct fixture *f = *state;

	for (int removed = 0; removed < 2; removed++) {
		assert_int_equal(sink_open(&f->sink, f->path), 0);
		limit_files(f, 7);
		assert_int_equal(write_text(f, "aaaa\nbbbb\ncccc\n"), -EFBIG);
		check_content(f->path, "aaaa\nbb");
		no_limit(f);
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

/* The end of a run whose output never worked again: whole rows stay. */
static void test_abandon(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sink_open(&f->sink, f->path), 0);
	limit_files(f, 7);
	assert_int_equal(write_text(f, "aaaa\nbbbb\ncccc\n"), -EFBIG);
	assert_int_equal(sink_abandon(f->sink), 2);
	assert_int_equal(sink_waiting(f->sink), 0);
	assert_int_equal(sink_written(f->sink), 1);
	check_content(f->path, "aaaa\n");
	/* With another writer behind it, its bytes can't be taken back. */
	assert_int_equal(write_text(f, "dddd\n"), -EFBIG);
	no_limit(f);
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

/* --- an output that fails ------------------------------------------------------------ */

/* Wherever it is torn, the line is finished first when the output works again. */
static void test_torn(void **state)
{
	static const char first[] = "aaaa\nbbbb\ncccc\n";
	struct fixture *f = *state;

	for (size_t fits = 0; fits < sizeof(first) - 1; fits++) {
		assert_int_equal(sink_open(&f->sink, f->path), 0);
		limit_files(f, fits);
		assert_int_equal(write_text(f, first), -EFBIG);
		assert_int_equal(sink_waiting(f->sink), 3 - fits / 5);
		assert_int_equal(write_text(f, "dddd\n"), -EFBIG);
		assert_int_equal(sink_waiting(f->sink), 4 - fits / 5);
		limit_files(f, fits + 3); /* a little more room */
		assert_int_equal(write_text(f, "eeee\n"), -EFBIG);
		no_limit(f);
		assert_int_equal(write_text(f, "ffff\n"), 0);
		assert_int_equal(sink_waiting(f->sink), 0);
		assert_int_equal(f->lost, 0);
		check_content(f->path, "aaaa\nbbbb\ncccc\ndddd\neeee\nffff\n");
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
	limit_files(f, 2);
	assert_int_equal(write_text(f, "aaaa\n"), -EFBIG);
	assert_int_equal(sink_write(f->sink, &f->rows, &f->lost), -EFBIG);
	no_limit(f);
	assert_int_equal(sink_write(f->sink, &f->rows, &f->lost), 0);
	check_content(f->path, "aaaa\n");
}

/* Numbered lines of 16 bytes, with their newline. */
static void add_lines(struct fixture *f, unsigned int *number, size_t count)
{
	while (count--) {
		char line[32];

		(void)snprintf(line, sizeof(line), "%015u\n", (*number)++);
		add_text(f, line);
	}
}

/* Every line of the file is whole, none comes twice, and the rest was counted. */
static void check_lines(struct fixture *f, unsigned int all)
{
	char *data = content(f->path);
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
		limit_files(f, fits);
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
		no_limit(f);
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
	limit_files(f, 20); /* a line and a quarter */
	add_lines(f, &number, BACKLOG_MAX / 16 + 100);
	assert_int_equal(sink_write(f->sink, &f->rows, &f->lost), -EFBIG);
	assert_int_equal(sink_waiting(f->sink) + f->lost + 1, number);
	assert_true(sink_waiting(f->sink) >= 1);
	no_limit(f);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_new_file),
		TEST(test_append),
		TEST(test_nothing),
		TEST(test_symlink),
		TEST(test_hard_link),
		TEST(test_fifo),
		TEST(test_socket),
		TEST(test_directory),
		TEST(test_device),
		TEST(test_no_directory),
		TEST(test_open_directory),
		TEST(test_group_directory),
		TEST(test_foreign_file),
		TEST(test_relative),
		TEST(test_reopen),
		TEST(test_reopen_fails),
		TEST(test_torn),
		TEST(test_try_again),
		TEST(test_overflow),
		TEST(test_large_write),
		TEST(test_stdout),
		TEST(test_slow_pipe),
		TEST(test_slow_socket),
		TEST(test_torn_by_a_crash),
		TEST(test_removed),
		TEST(test_rotate),
		TEST(test_rotate_keeps_none),
		TEST(test_rotate_fails),
		TEST(test_rotate_together),
		TEST(test_torn_and_moved),
		TEST(test_abandon),
		TEST(test_foreign_directory),
	};

	(void)signal(SIGXFSZ, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
