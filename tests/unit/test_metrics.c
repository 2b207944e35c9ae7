// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * metrics.c: the text, and the file that takes the place of another one.  What promtool
 * thinks of the text is in tests/e2e/test_service.py.
 */
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "metrics.h"

struct fixture {
	char dir[SCRATCH_DIR];
	char path[SCRATCH_PATH];
	char other[SCRATCH_PATH];
	struct text text;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	make_scratch(f->dir);
	scratch_path(f->path, f->dir, "m.prom");
	scratch_path(f->other, f->dir, "other");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	text_free(&f->text);
	(void)remove(f->path);
	(void)remove(f->other);
	assert_int_equal(rmdir(f->dir), 0); /* nothing else was left there */
	free(f);
	return 0;
}

static int replace(struct fixture *f, const char *string)
{
	text_clear(&f->text);
	text_string(&f->text, string);
	return metrics_replace(f->path, &f->text);
}

static void test_replace(void **state)
{
	struct fixture *f = *state;
	struct stat before, after;
	FILE *reader;
	char line[16] = "";

	assert_int_equal(replace(f, "one\n"), 0);
	check_content(f->path, "one\n");
	assert_int_equal(stat(f->path, &before), 0);
	assert_int_equal(before.st_mode, S_IFREG | 0644);
	assert_int_equal(chmod(f->path, 0640), 0);
	/* Whoever reads the old one goes on reading that. */
	reader = fopen(f->path, "r");
	assert_non_null(reader);
	assert_int_equal(replace(f, "two\n"), 0);
	assert_non_null(fgets(line, sizeof(line), reader));
	assert_string_equal(line, "one\n");
	(void)fclose(reader);
	check_content(f->path, "two\n");
	assert_int_equal(stat(f->path, &after), 0);
	assert_int_equal(after.st_mode, S_IFREG | 0640);
	assert_true(after.st_ino != before.st_ino);
}

/* Refused, and what is there stays. */
static void test_refused(void **state)
{
	struct fixture *f = *state;

	f->text.failed = true;
	assert_int_equal(metrics_replace(f->path, &f->text), -ENOMEM);
	assert_int_equal(replace(f, "one\n"), 0);
	assert_int_equal(link(f->path, f->other), 0);
	assert_int_equal(replace(f, "two\n"), -EMLINK);
	check_content(f->other, "one\n");
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(symlink(f->other, f->path), 0);
	assert_int_equal(replace(f, "two\n"), -ELOOP);
	check_content(f->other, "one\n");
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_int_equal(replace(f, "two\n"), -EINVAL);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_int_equal(replace(f, "two\n"), -EINVAL);
	assert_int_equal(rmdir(f->path), 0);
	assert_int_equal(chmod(f->dir, 0777), 0);
	assert_int_equal(replace(f, "two\n"), -EPERM);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(chmod(f->dir, 0755), 0);
}

static void check_line(const struct text *text, const char *line)
{
	const char *found = strstr(text->data, line);

	if (!found || (found != text->data && found[-1] != '\n') || found[strlen(line)] != '\n')
		fail_msg("no line %s in %s", line, text->data);
}

static void test_text(void **state)
{
	struct fixture *f = *state;
	struct metrics metrics = {
		.version = "1.2.3",
		.kernel = "6.18.0-\"odd\\\n\"",
		.start = 1763700000500000000,
		.totals = { .seen = 100, .written = 60, .filtered = 37, .skipped = 5, .late = 4 },
		.waiting = 10,
		.ring_used = 0.25,
		.sockets = 7,
		.processes = 8,
		.cpu = 1.5,
		.memory = 12345678,
		.files = 40,
	};

	metrics.totals.lost[LOST_SINK] = 3;
	metrics.told[EVENT_CONNECT][1] = 11;
	metrics.told[EVENT_BIND][0] = 18446744073709551615u;
	metrics_format(&metrics, &f->text);
	text_char(&f->text, 0);
	assert_false(f->text.failed);
	check_line(&f->text, "porttrace_info{version=\"1.2.3\",kernel=\"6.18.0-\\\"odd\\\\?\\\"\"} "
			     "1");
	check_line(&f->text, "porttrace_start_time_seconds 1763700000.5");
	check_line(&f->text, "porttrace_records_total{action=\"connect\",outcome=\"failure\"} 11");
	check_line(&f->text, "porttrace_records_total{action=\"connect\",outcome=\"success\"} 0");
	check_line(&f->text, "porttrace_records_total{action=\"bind\",outcome=\"success\"} "
			     "18446744073709551615");
	check_line(&f->text, "porttrace_lost_total{stage=\"sink\"} 3");
	check_line(&f->text, "porttrace_lost_total{stage=\"ring\"} 0");
	check_line(&f->text, "porttrace_seen_total 100");
	check_line(&f->text, "porttrace_written_total 50");
	check_line(&f->text, "porttrace_waiting_records 10");
	check_line(&f->text, "porttrace_ring_used_ratio 0.25");
	check_line(&f->text, "porttrace_ledger_sockets 7");
	check_line(&f->text, "porttrace_cpu_seconds_total 1.500000");
	check_line(&f->text, "porttrace_resident_memory_bytes 12345678");
}

static void test_self(void **state)
{
	struct metrics metrics = { .memory = 0 };

	(void)state;
	metrics_read_self(&metrics);
	assert_true(metrics.memory > 1 << 20);
	assert_true(metrics.files >= 1 && metrics.files < 1000);
	assert_true(metrics.cpu >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_replace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_text, setup, teardown),
		cmocka_unit_test(test_self),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
