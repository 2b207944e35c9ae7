// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sink.c and logfile.c: a log that is moved away, by others or by size, that was removed,
 * or that ends in the middle of a line.
 */
#include "sink_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reopen),       TEST(test_reopen_fails),    TEST(test_torn_by_a_crash),
		TEST(test_removed),      TEST(test_rotate),          TEST(test_rotate_keeps_none),
		TEST(test_rotate_fails), TEST(test_rotate_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
