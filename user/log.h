/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Messages to the person, on stderr, each one line that begins with "porttrace: ".
 * Only main, the commands and probe.c call these; stages return codes.
 */
#ifndef LOG_H
#define LOG_H

enum log_level {
	LOG_QUIET, /* errors only */
	LOG_NORMAL,
	LOG_VERBOSE,
};

void log_set_level(enum log_level level);
__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);    /* not with -q */
__attribute__((format(printf, 1, 2))) void log_verbose(const char *format, ...); /* only with -v */

#endif
