// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * procfs.c: texts of /proc/PID/stat with every kind of name, and the entry of this
 * process and of children that live, are zombies or run a deleted program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "procfs.h"

#include "proc_start.h"
#include "wire_records.h"

#define REST " 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25\n"
#define CHILD "--child" /* this program, as a child that waits for the end of stdin */

static void check_stat(const char *text, const char *name, uint32_t parent, uint64_t start)
{
	char got_name[PT_COMM_LEN], padded[PT_COMM_LEN] = "";
	uint32_t got_parent = 0;
	uint64_t got_start = 0;

	memset(got_name, 'x', sizeof(got_name));
	strncpy(padded, name, sizeof(padded) - 1);
	assert_int_equal(procfs_parse_stat(text, got_name, &got_parent, &got_start), 0);
	assert_memory_equal(got_name, padded, sizeof(padded)); /* no rest behind the NUL */
	assert_int_equal(got_parent, parent);
	assert_true(got_start == start);
}

static void test_stat(void **state)
{
	(void)state;
	check_stat("3 (init) S" REST, "init", 4, 22);
	check_stat("3 () S" REST, "", 4, 22);
	check_stat("3 (123456789012345) R" REST, "123456789012345", 4, 22);
	/* Threads of the kernel have longer names in /proc. */
	check_stat("3 (kworker/u16:3-events_unbound) I" REST, "kworker/u16:3-e", 4, 22);
	check_stat("3 (a b) S" REST, "a b", 4, 22);
	check_stat("3 (a) S 1) S" REST, "a) S 1", 4, 22);
	check_stat("3 (() S" REST, "(", 4, 22);
	check_stat("3 ()) S" REST, ")", 4, 22);
	check_stat("3 ((((()))) S" REST, "(((()))", 4, 22);
	check_stat("3 (a\nb) S" REST, "a\nb", 4, 22);
	check_stat("3 (\n\n) Z" REST, "\n\n", 4, 22);
	check_stat("3 (%n%s%d) S" REST, "%n%s%d", 4, 22);
	check_stat("3 (\xff\xfe\x01) S" REST, "\xff\xfe\x01", 4, 22);
	check_stat("3 (x) S 4294967295 -1 -1 0 -1 4194304 0 0 0 0 0 0 -1 -1 -20 -5 1 0 "
		   "18446744073709551615 0 0\n",
		   "x", UINT32_MAX, UINT64_MAX);
	check_stat("3 (x) S 0 0 0 0 -1 69238880 0 0 0 0 0 0 0 0 20 0 1 0 0", "x", 0, 0);
}

static void refuse_stat(const char *text)
{
	char name[PT_COMM_LEN] = "before";
	uint32_t parent = 77;
	uint64_t start = 88;

	assert_int_equal(procfs_parse_stat(text, name, &parent, &start), -EBADMSG);
	assert_string_equal(name, "before");
	assert_int_equal(parent, 77);
	assert_int_equal(start, 88);
}

static void test_bad_stat(void **state)
{
	static const char whole[] = "3 (init) S" REST;
	size_t enough = (size_t)(strstr(whole, " 22 ") - whole) + 2; /* a digit of the start */

	(void)state;
	refuse_stat("");
	refuse_stat("3");
	refuse_stat("3 init S" REST);
	refuse_stat("3 )init( S" REST);
	refuse_stat("3 (init S" REST);
	refuse_stat("3 init) S" REST);
	refuse_stat("(");
	refuse_stat(")");
	refuse_stat("()");
	refuse_stat("3 (init) S x 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22");
	refuse_stat("3 (init) S 4 5 6 7 8 9 10 x 12 13 14 15 16 17 18 19 20 21 22");
	refuse_stat("3 (init) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 x");
	for (size_t len = 0; len < enough; len++) {
		char *cut = strndup(whole, len);

		assert_non_null(cut);
		refuse_stat(cut);
		free(cut);
	}
}

static void test_own(void **state)
{
	uint64_t tick = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t start = start_of(getpid());
	uint32_t pid = (uint32_t)getpid();
	struct procfs proc;

	(void)state;
	assert_int_equal(prctl(PR_SET_NAME, "a) S 1 (\nb"), 0);
	assert_int_equal(procfs_open(&proc, pid, start), 0);
	assert_true(proc.fd >= 0);
	assert_true(fcntl(proc.fd, F_GETFD) & FD_CLOEXEC);
	assert_string_equal(proc.name, "a) S 1 (\nb");
	assert_int_equal(proc.parent_pid, getppid());
	assert_int_equal(proc.uid, geteuid());
	procfs_close(&proc);
	assert_int_equal(proc.fd, -1);
	procfs_close(&proc); /* a second time does no harm */

	/* The kernel side knows the nanoseconds, /proc only the ticks. */
	assert_int_equal(procfs_open(&proc, pid, start + tick - 1), 0);
	procfs_close(&proc);
	assert_int_equal(procfs_open(&proc, pid, start + tick), -ENOENT);
	assert_int_equal(proc.fd, -1);
	assert_int_equal(procfs_open(&proc, pid, start - 1), -ENOENT);
	assert_int_equal(procfs_open(&proc, pid, 0), -ENOENT);
	assert_int_equal(procfs_open(&proc, pid, UINT64_MAX), -ENOENT);
}

static void test_nobody(void **state)
{
	struct procfs proc;

	(void)state;
	assert_int_equal(procfs_open(&proc, WIRE_PID, 1), -ENOENT);
	procfs_close(&proc);
	assert_int_equal(procfs_open(&proc, UINT32_MAX, 1), -ENOENT);
	assert_int_equal(procfs_open(&proc, 0, 1), -ENOENT);
}

static void test_own_program(void **state)
{
	char path[PATH_MAX], cmdline[8192];
	/* By a directory: of whole paths valgrind has answers of its own. */
	int dir = open("/proc/self", O_PATH), fd = openat(dir, "cmdline", O_RDONLY);
	ssize_t path_len = readlinkat(dir, "exe", path, sizeof(path) - 1), len;
	struct procfs proc;
	char *string;
	size_t got = 0;

	(void)state;
	assert_true(fd >= 0 && path_len > 0);
	path[path_len] = 0;
	len = read(fd, cmdline, sizeof(cmdline));
	close(fd);
	close(dir);
	assert_true(len > 2);
	assert_int_equal(procfs_open(&proc, (uint32_t)getpid(), start_of(getpid())), 0);

	string = procfs_executable(&proc);
	assert_non_null(string);
	assert_string_equal(string, path);
	free(string);

	string = procfs_args(&proc, sizeof(cmdline), &got);
	assert_non_null(string);
	assert_int_equal(got, len);
	assert_memory_equal(string, cmdline, got);
	free(string);

	string = procfs_args(&proc, (size_t)len, &got);
	assert_non_null(string);
	assert_int_equal(got, len);
	free(string);

	string = procfs_args(&proc, 2, &got);
	assert_non_null(string);
	assert_int_equal(got, 2);
	assert_memory_equal(string, cmdline, 2);
	free(string);
	procfs_close(&proc);
}

static void test_own_cgroup(void **state)
{
	char expected[65536];
	int fd = open("/proc/self/cgroup", O_RDONLY);
	ssize_t len;
	struct procfs proc;
	char *text;

	(void)state;
	if (fd < 0)
		skip(); /* a kernel without control groups */
	len = read(fd, expected, sizeof(expected) - 1);
	close(fd);
	assert_true(len > 0);
	expected[len] = 0;
	assert_int_equal(procfs_open(&proc, (uint32_t)getpid(), start_of(getpid())), 0);
	text = procfs_cgroup(&proc);
	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
	procfs_close(&proc);
}

/* A zombie has a stat, but neither program nor arguments; when it is gone, nothing. */
static void test_zombie(void **state)
{
	struct procfs proc;
	siginfo_t info;
	uint64_t start;
	size_t len = 99;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (!pid)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	start = start_of(pid);
	assert_int_equal(procfs_open(&proc, (uint32_t)pid, start), 0);
	assert_null(procfs_executable(&proc));
	assert_null(procfs_args(&proc, 100, &len));
	assert_int_equal(len, 99);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* The descriptor is still that of the one that is gone. */
	assert_null(procfs_executable(&proc));
	assert_null(procfs_cgroup(&proc));
	assert_null(procfs_args(&proc, 100, &len));
	procfs_close(&proc);
	/* Its number is not used again so soon, and if it were the start would differ. */
	assert_int_equal(procfs_open(&proc, (uint32_t)pid, start), -ENOENT);
}

static bool copy_self(const char *path)
{
	int from = open("/proc/self/exe", O_RDONLY), to = open(path, O_WRONLY | O_TRUNC);
	char buffer[65536];
	ssize_t got = -1;

	while (from >= 0 && to >= 0 && (got = read(from, buffer, sizeof(buffer))) > 0) {
		if (write(to, buffer, (size_t)got) != got)
			break;
	}
	(void)fchmod(to, 0700);
	close(from);
	close(to);
	return got == 0;
}

/* Run the program at path; *in: closing it ends the child.  false: it can't be run there. */
static bool start_child(const char *path, pid_t *pid, int *in)
{
	int to[2], from[2];
	bool runs;
	char byte;

	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	*pid = fork();
	assert_true(*pid >= 0);
	if (!*pid) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		execl(path, "first", CHILD, "", "last one", (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	runs = read(from[0], &byte, 1) == 1; /* so exec is over */
	close(from[0]);
	*in = to[1];
	return runs;
}

static void test_deleted_program(void **state)
{
	static const char args[] = "first\0" CHILD "\0\0last one";
	char path[] = "/tmp/test_procfs.XXXXXX";
	struct procfs proc;
	char *string;
	size_t len = 0;
	pid_t pid = -1;
	int in = -1, fd = mkstemp(path);
	bool runs;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_true(copy_self(path));
	runs = start_child(path, &pid, &in);
	unlink(path);
	if (!runs) { /* /tmp is mounted noexec */
		close(in);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		skip();
	}
	assert_int_equal(procfs_open(&proc, (uint32_t)pid, start_of(pid)), 0);
	assert_int_equal(proc.parent_pid, getpid());
	string = procfs_executable(&proc);
	assert_non_null(string);
	assert_string_equal(string, path); /* without " (deleted)" */
	free(string);
	string = procfs_args(&proc, 4096, &len);
	assert_non_null(string);
	assert_int_equal(len, sizeof(args));
	assert_memory_equal(string, args, sizeof(args));
	free(string);
	procfs_close(&proc);
	close(in);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat),        cmocka_unit_test(test_bad_stat),
		cmocka_unit_test(test_own),         cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_own_program), cmocka_unit_test(test_own_cgroup),
		cmocka_unit_test(test_zombie),      cmocka_unit_test(test_deleted_program),
	};
	char byte = 0;

	if (argc > 1 && !strcmp(argv[1], CHILD)) {
		if (write(STDOUT_FILENO, &byte, 1) != 1)
			return 1;
		return read(STDIN_FILENO, &byte, 1) != 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
