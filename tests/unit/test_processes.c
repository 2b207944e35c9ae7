// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * processes.c: who is known, for how long, and that memory stays bounded.  A process
 * that was forgotten is seen by its name: found again it has none, because /proc
 * does not know its pid.
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
#include <unistd.h>

#include "processes.h"

#include "proc_start.h"
#include "wire_records.h"

#define GRAVES 1024 /* as in processes.c */
#define LITERAL(text) (text), sizeof(text)

/* Of the sanitizer's run-time library; not there without it. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static int setup(void **state)
{
	*state = processes_new(false);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	processes_free(*state);
	return 0;
}

static void tell(struct processes *processes, uint32_t pid)
{
	struct pt_process news = wire_process(pid, "program", LITERAL("program\0bin"));

	assert_int_equal(processes_update(processes, &news, 0), 0);
}

static struct process *find(struct processes *processes, uint32_t pid)
{
	struct pt_who who = wire_who(pid);
	struct process *process = processes_find(processes, &who, 0);

	assert_non_null(process);
	assert_int_equal(process->pid, pid);
	assert_int_equal(process->start, pid);
	return process;
}

static void end(struct processes *processes, uint32_t pid)
{
	struct pt_who who = wire_who(pid);

	processes_exit(processes, &who);
}

static bool is_known(struct processes *processes, uint32_t pid)
{
	return !strcmp(find(processes, pid)->name, "program");
}

/* Others begin, are told of, and end; each time new ones. */
static void bury_others(struct processes *processes, uint32_t count)
{
	static uint32_t pid = WIRE_PID + 1000000;

	while (count--) {
		tell(processes, pid);
		end(processes, pid++);
		processes_reap(processes);
	}
}

static void test_update(void **state)
{
	struct pt_process news = wire_process(WIRE_PID, "curl", LITERAL("curl\0bin\0usr"));
	struct process *process;

	news.args_len = 8;
	memcpy(news.args, "curl\0-s", 8);
	news.uid = 0;
	assert_int_equal(processes_update(*state, &news, 1000), 0);
	process = find(*state, WIRE_PID);
	assert_int_equal(process->started, WIRE_PID + 1000);
	assert_string_equal(process->name, "curl");
	assert_string_equal(process->executable, "/usr/bin/curl");
	assert_int_equal(process->args_len, 8);
	assert_memory_equal(process->args, "curl\0-s", 8);
	assert_int_equal(process->uid, 0);
	assert_string_equal(process->user, "root");
	assert_int_equal(process->parent_pid, WIRE_PID - 1);
	assert_string_equal(process->parent_name, "parent");
	assert_int_equal(processes_forked(process), 0);
}

/* exec: another program, but the same process, for everybody who points to it. */
static void test_exec(void **state)
{
	struct pt_process news = wire_process(WIRE_PID, "sh", LITERAL("sh\0bin"));
	struct process *process;

	news.args_len = 3;
	memcpy(news.args, "sh", 3);
	assert_int_equal(processes_update(*state, &news, 0), 0);
	process = processes_hold(find(*state, WIRE_PID));
	news = wire_process(WIRE_PID, "nginx", LITERAL("nginx\0sbin"));
	news.uid = 3999999999U;
	assert_int_equal(processes_update(*state, &news, 0), 0);
	assert_ptr_equal(find(*state, WIRE_PID), process);
	assert_string_equal(process->name, "nginx");
	assert_string_equal(process->executable, "/sbin/nginx");
	assert_null(process->args); /* not those of sh */
	assert_int_equal(process->args_len, 0);
	assert_int_equal(process->uid, 3999999999U);
	assert_null(process->user);

	news.exe_cut = 1;
	assert_int_equal(processes_update(*state, &news, 0), 0);
	assert_null(process->executable); /* nor an old path */
	processes_release(*state, process);
}

/* A name need not end with a NUL on the wire. */
static void test_long_names(void **state)
{
	struct pt_process news = wire_process(WIRE_PID, "", LITERAL("a"));
	const struct process *process;

	memset(news.name, 'n', sizeof(news.name));
	memset(news.parent_name, 'p', sizeof(news.parent_name));
	news.args_len = PT_ARGS_LEN;
	memset(news.args, 'a', PT_ARGS_LEN);
	assert_int_equal(processes_update(*state, &news, 0), 0);
	process = find(*state, WIRE_PID);
	assert_string_equal(process->name, "nnnnnnnnnnnnnnn");
	assert_string_equal(process->parent_name, "ppppppppppppppp");
	assert_int_equal(process->args_len, PT_ARGS_LEN);
}

static void test_unknown(void **state)
{
	struct pt_who nobody = { .start = 5 };
	const struct process *process;

	assert_null(processes_find(*state, &nobody, 0));
	process = find(*state, WIRE_PID);
	assert_string_equal(process->name, "");
	assert_null(process->executable);
	assert_null(process->args);
	assert_int_equal(process->uid, UINT32_MAX);
	assert_null(process->user);
	assert_int_equal(process->parent_pid, 0);
	assert_ptr_equal(find(*state, WIRE_PID), process);
	/* News come later: they are of the same. */
	tell(*state, WIRE_PID);
	assert_ptr_equal(find(*state, WIRE_PID), process);
	assert_string_equal(process->name, "program");
}

static void test_pid_reuse(void **state)
{
	struct pt_process news = wire_process(WIRE_PID, "old", LITERAL("old"));
	struct pt_who old = news.who, new = { .tgid = WIRE_PID, .start = news.who.start + 1 };
	struct process *before, *after;

	assert_int_equal(processes_update(*state, &news, 0), 0);
	before = processes_find(*state, &old, 0);
	news = wire_process(WIRE_PID, "new", LITERAL("new"));
	news.who = new;
	assert_int_equal(processes_update(*state, &news, 0), 0);
	after = processes_find(*state, &new, 0);
	assert_ptr_not_equal(before, after);
	assert_ptr_equal(processes_find(*state, &old, 0), before);
	assert_string_equal(before->name, "old");
	assert_string_equal(after->name, "new");
	/* The end of one is not the end of the other. */
	processes_exit(*state, &old);
	bury_others(*state, GRAVES + 1);
	assert_ptr_equal(processes_find(*state, &new, 0), after);
	assert_string_equal(after->name, "new");
	assert_string_equal(processes_find(*state, &old, 0)->name, "");
}

/* The end of the old one was not told, but its pid is another's now. */
static void test_pid_reuse_untold(void **state)
{
	struct pt_process news = wire_process(WIRE_PID, "old", LITERAL("old"));
	struct pt_who old = news.who;

	assert_int_equal(processes_update(*state, &news, 0), 0);
	news = wire_process(WIRE_PID, "new", LITERAL("new"));
	news.who.start++;
	assert_int_equal(processes_update(*state, &news, 0), 0);
	bury_others(*state, GRAVES);
	assert_string_equal(processes_find(*state, &old, 0)->name, "");
	assert_string_equal(processes_find(*state, &news.who, 0)->name, "new");
}

/* Its last records may still be on their way: the latest of those that ended are kept. */
static void test_graves(void **state)
{
	for (uint32_t i = 0; i < 3 * GRAVES; i++) {
		tell(*state, WIRE_PID + i);
		end(*state, WIRE_PID + i);
		processes_reap(*state);
	}
	for (uint32_t i = 2 * GRAVES; i < 3 * GRAVES; i++)
		assert_true(is_known(*state, WIRE_PID + i));
	for (uint32_t i = 0; i < 2 * GRAVES; i++)
		assert_false(is_known(*state, WIRE_PID + i));
}

static void test_reap_later(void **state)
{
	const struct process *first;

	tell(*state, WIRE_PID);
	first = find(*state, WIRE_PID);
	end(*state, WIRE_PID);
	end(*state, WIRE_PID); /* told twice, buried once */
	for (uint32_t i = 1; i < 2 * GRAVES; i++) {
		tell(*state, WIRE_PID + i);
		end(*state, WIRE_PID + i);
	}
	/* Nothing is freed until then, so that an event may point to it. */
	assert_string_equal(first->name, "program");
	processes_reap(*state);
	assert_true(is_known(*state, WIRE_PID + GRAVES));
	assert_false(is_known(*state, WIRE_PID + GRAVES - 1));
	assert_false(is_known(*state, WIRE_PID));
}

/* Told of first when it closes its files, after its end was told. */
static void test_exiting(void **state)
{
	struct pt_process news = wire_process(WIRE_PID, "program", LITERAL("program"));

	end(*state, WIRE_PID);
	news.exiting = 1;
	assert_int_equal(processes_update(*state, &news, 0), 0);
	assert_true(is_known(*state, WIRE_PID));
	bury_others(*state, GRAVES);
	assert_false(is_known(*state, WIRE_PID));
}

static void test_living_are_kept(void **state)
{
	const uint32_t living = 5000;

	for (uint32_t i = 0; i < living; i++)
		tell(*state, WIRE_PID + i);
	bury_others(*state, 3 * GRAVES);
	for (uint32_t i = 0; i < living; i++)
		assert_true(is_known(*state, WIRE_PID + i));
}

static void test_held(void **state)
{
	struct process *process;

	tell(*state, WIRE_PID);
	process = processes_hold(find(*state, WIRE_PID));
	assert_ptr_equal(processes_hold(process), process);
	end(*state, WIRE_PID);
	bury_others(*state, 2 * GRAVES);
	assert_ptr_equal(find(*state, WIRE_PID), process);
	processes_release(*state, process);
	bury_others(*state, 2 * GRAVES);
	assert_ptr_equal(find(*state, WIRE_PID), process);
	assert_string_equal(process->name, "program");
	/* Released it waits as those do that end now. */
	processes_release(*state, process);
	bury_others(*state, GRAVES - 1);
	assert_true(is_known(*state, WIRE_PID));
	bury_others(*state, 1);
	assert_false(is_known(*state, WIRE_PID));
}

/* Held again while it waits in its grave, and released after its turn to be forgotten. */
static void test_held_in_grave(void **state)
{
	struct process *process;

	tell(*state, WIRE_PID);
	end(*state, WIRE_PID);
	process = processes_hold(find(*state, WIRE_PID));
	bury_others(*state, 2 * GRAVES);
	assert_string_equal(process->name, "program");
	processes_release(*state, process);
	assert_ptr_equal(find(*state, WIRE_PID), process);
	bury_others(*state, 2 * GRAVES);
	assert_false(is_known(*state, WIRE_PID));

	/* Released before its turn: it is not buried twice. */
	tell(*state, WIRE_PID + 1);
	end(*state, WIRE_PID + 1);
	process = processes_hold(find(*state, WIRE_PID + 1));
	processes_release(*state, process);
	bury_others(*state, 2 * GRAVES);
	assert_false(is_known(*state, WIRE_PID + 1));
}

static void test_nobody(void **state)
{
	struct pt_who who = wire_who(WIRE_PID);

	assert_null(processes_hold(NULL));
	processes_release(*state, NULL);
	processes_exit(*state, &who); /* never heard of */
	processes_fork(*state, &who, 5);
	assert_int_equal(processes_forked(find(*state, WIRE_PID)), 0);
	processes_reap(*state);
	processes_free(NULL);
}

static void test_forked(void **state)
{
	struct pt_who who = wire_who(WIRE_PID), other = { .tgid = WIRE_PID, .start = 1 };
	const struct process *process;

	tell(*state, WIRE_PID);
	process = find(*state, WIRE_PID);
	processes_fork(*state, &who, 100);
	assert_int_equal(processes_forked(process), 100);
	processes_fork(*state, &who, 300);
	/* From another CPU, and so in the wrong order: the latest counts. */
	processes_fork(*state, &who, 200);
	assert_int_equal(processes_forked(process), 300);
	processes_fork(*state, &other, 400);
	assert_int_equal(processes_forked(process), 300);
	/* exec closes some descriptors, not all. */
	tell(*state, WIRE_PID);
	assert_int_equal(processes_forked(process), 300);
}

static size_t allocated(void)
{
	return __sanitizer_get_current_allocated_bytes();
}

static void test_memory(void **state)
{
	size_t before;

	if (!__sanitizer_get_current_allocated_bytes)
		skip();
	bury_others(*state, 2 * GRAVES);
	before = allocated();
	for (uint32_t i = 0; i < 50000; i++) {
		tell(*state, WIRE_PID + i);
		if (i % 2)
			processes_release(*state, processes_hold(find(*state, WIRE_PID + i)));
		end(*state, WIRE_PID + i);
		processes_reap(*state);
	}
	assert_true(allocated() <= before);
}

/*
 * A record that comes after its process has ended and was forgotten makes it anew, and
 * no end will be told any more.
 */
static void test_memory_of_the_gone(void **state)
{
	size_t before;

	if (!__sanitizer_get_current_allocated_bytes)
		skip();
	for (uint32_t i = 0; i < 2 * GRAVES; i++) {
		(void)find(*state, WIRE_PID + i);
		processes_reap(*state);
	}
	before = allocated();
	for (uint32_t i = 2 * GRAVES; i < 50000; i++) {
		(void)find(*state, WIRE_PID + i);
		processes_reap(*state);
	}
	assert_true(allocated() <= before + 4096);
}

static struct pt_who own(void)
{
	return (struct pt_who){ .tgid = (uint32_t)getpid(), .start = start_of(getpid()) };
}

/* What the kernel side did not tell, /proc does. */
static void test_proc_helps(void **state)
{
	struct pt_who who = own(), wrong = who;
	const struct process *process = processes_find(*state, &who, 0);

	assert_non_null(process);
	assert_true(process->name[0]);
	assert_non_null(process->executable);
	assert_int_equal(process->executable[0], '/');
	assert_null(process->args); /* nobody wants them */
	assert_int_equal(process->uid, geteuid());
	assert_int_equal(process->parent_pid, getppid());
	/* Never of another process with the same pid. */
	wrong.start -= 1000000000;
	process = processes_find(*state, &wrong, 0);
	assert_non_null(process);
	assert_string_equal(process->name, "");
	assert_null(process->executable);
	assert_int_equal(process->uid, UINT32_MAX);
}

static void test_proc_completes(void **state)
{
	struct processes *processes = processes_new(true);
	struct pt_process news = wire_process(1, "told", LITERAL("told"));
	struct pt_who who = own();
	const struct process *process;

	(void)state;
	assert_non_null(processes);
	news.who = who;
	news.exe_cut = 1;
	assert_int_equal(processes_update(processes, &news, 0), 0);
	process = processes_find(processes, &who, 0);
	assert_non_null(process);
	assert_string_equal(process->name, "told"); /* what was told stays */
	assert_int_equal(process->uid, 12345);
	assert_non_null(process->executable);
	assert_string_not_equal(process->executable, "/told");
	assert_non_null(process->args);
	assert_true(process->args_len > 1);
	assert_int_equal(process->args[process->args_len - 1], 0);
	processes_free(processes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_update),     TEST(test_exec),
		TEST(test_long_names), TEST(test_unknown),
		TEST(test_pid_reuse),  TEST(test_pid_reuse_untold),
		TEST(test_graves),     TEST(test_reap_later),
		TEST(test_exiting),    TEST(test_living_are_kept),
		TEST(test_held),       TEST(test_held_in_grave),
		TEST(test_nobody),     TEST(test_forked),
		TEST(test_memory),     TEST(test_memory_of_the_gone),
		TEST(test_proc_helps), TEST(test_proc_completes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
