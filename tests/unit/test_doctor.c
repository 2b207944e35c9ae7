// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * doctor.c: what it reads from a machine's files, here a folder made for the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"

static char root[] = "/tmp/porttrace-doctor-XXXXXX";

static void make_file(const char *path, const char *text)
{
	char name[256];
	FILE *file;

	(void)snprintf(name, sizeof(name), "%s%s", root, path);
	for (char *slash = name + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		assert_true(!mkdir(name, 0755) || errno == EEXIST);
		*slash = '/';
	}
	file = fopen(name, "we");
	assert_non_null(file);
	assert_int_equal(fputs(text, file) < 0, 0);
	assert_int_equal(fclose(file), 0);
}

static struct doctor_check look(const char *name)
{
	struct doctor_check checks[DOCTOR_CHECKS];

	assert_int_equal(doctor_examine(checks, root), DOCTOR_CHECKS);
	for (size_t i = 0; i < DOCTOR_CHECKS; i++)
		if (!strcmp(checks[i].name, name))
			return checks[i];
	fail_msg("no check %s", name);
	return checks[0];
}

static void expect(const char *name, enum doctor_verdict verdict, const char *value)
{
	struct doctor_check check = look(name);

	assert_string_equal(check.value, value);
	assert_int_equal(check.verdict, verdict);
	/* Whatever is not good says what to do. */
	assert_int_equal(check.advice != NULL, verdict != DOCTOR_GOOD);
}

static void test_lockdown(void **state)
{
	(void)state;
	expect("lockdown", DOCTOR_GOOD, "none"); /* there is no such file */
	make_file("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	expect("lockdown", DOCTOR_GOOD, "none");
	make_file("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	expect("lockdown", DOCTOR_GOOD, "integrity");
	make_file("/sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
	expect("lockdown", DOCTOR_KERNEL, "confidentiality");
	make_file("/sys/kernel/security/lockdown", "what [is\n");
	expect("lockdown", DOCTOR_GOOD, "not known: Input/output error");
}

static void test_btf(void **state)
{
	(void)state;
	expect("BTF", DOCTOR_KERNEL, "none");
	make_file("/sys/kernel/btf/vmlinux", "x");
	expect("BTF", DOCTOR_GOOD, "/sys/kernel/btf/vmlinux");
}

static void test_mounts(void **state)
{
	(void)state;
	expect("cgroups", DOCTOR_GOOD, "not mounted");
	expect("tracefs", DOCTOR_GOOD, "not mounted; opened without that where it is needed");
	make_file("/proc/self/mounts", "tracefs /t tracefs rw 0 0\ncgroup2 /c cgroup2 rw 0 0\n");
	expect("cgroups", DOCTOR_GOOD, "version 2 at /c");
	expect("tracefs", DOCTOR_GOOD, "at /t");
	make_file("/proc/self/mounts", "x /m cgroup rw,memory 0 0\ncgroup2 /c cgroup2 rw 0 0\n");
	expect("cgroups", DOCTOR_GOOD, "version 1, and 2 at /c");
	make_file("/proc/self/mounts", "x /m cgroup rw,memory 0 0\ntorn");
	expect("cgroups", DOCTOR_GOOD, "version 1");
}

static void test_pid_namespace(void **state)
{
	char name[256];

	(void)state;
	expect("pid namespace", DOCTOR_GOOD, "initial"); /* no such link */
	make_file("/proc/self/ns/net", "");
	(void)snprintf(name, sizeof(name), "%s/proc/self/ns/pid", root);
	assert_int_equal(symlink("pid:[4026531836]", name), 0);
	expect("pid namespace", DOCTOR_GOOD, "initial");
	assert_int_equal(unlink(name), 0);
	assert_int_equal(symlink("pid:[4026532001]", name), 0);
	expect("pid namespace", DOCTOR_NOTE, "another one (pid:[4026532001])");
}

static int set_up(void **state)
{
	(void)state;
	memcpy(root + strlen(root) - 6, "XXXXXX", 6);
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lockdown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_btf, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_mounts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pid_namespace, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
