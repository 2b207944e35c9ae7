// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sink.c and safefile.c: what is a place for a log, and what is none.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include "sink_fixture.h"

/* Refused, and what the caller has stays what it was. */
static void refuse(struct fixture *f, int err)
{
	struct sink *sink = (struct sink *)f;

	assert_int_equal(sink_open(&sink, f->path), err);
	assert_ptr_equal(sink, f);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_new_file),       TEST(test_append),
		TEST(test_nothing),        TEST(test_symlink),
		TEST(test_hard_link),      TEST(test_fifo),
		TEST(test_socket),         TEST(test_directory),
		TEST(test_device),         TEST(test_no_directory),
		TEST(test_open_directory), TEST(test_group_directory),
		TEST(test_foreign_file),   TEST(test_foreign_directory),
		TEST(test_relative),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
