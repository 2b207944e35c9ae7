/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A folder of a test's own, files in it, and a disk that is full: RLIMIT_FSIZE, by which
 * write(2) writes what fits, and then fails with EFBIG.
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define SCRATCH_DIR 32 /* room for its name, and for that of a file in it */
#define SCRATCH_PATH 64

static inline void make_scratch(char dir[SCRATCH_DIR])
{
	(void)snprintf(dir, SCRATCH_DIR, "/tmp/porttrace_unit.XXXXXX");
	assert_non_null(mkdtemp(dir));
}

static inline void scratch_path(char path[SCRATCH_PATH], const char *dir, const char *name)
{
	(void)snprintf(path, SCRATCH_PATH, "%s/%s", dir, name);
}

/* Files may not become larger than that any more. */
static inline void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static inline void no_limit(void)
{
	limit_files(RLIM_INFINITY);
}

static inline void touch(const char *path, const char *content)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(content, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* To be freed. */
static inline char *file_content(const char *path)
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

static inline void check_content(const char *path, const char *expected)
{
	char *data = file_content(path);

	assert_string_equal(data, expected);
	free(data);
}

#endif
