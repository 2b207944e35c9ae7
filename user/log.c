// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Messages on stderr: one line, one write(2), so that lines of several processes
 * that share the terminal do not mix.  No stdio buffer, no memory to allocate:
 * it works when everything else failed.  Leaves errno alone.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "porttrace: "

static enum log_level log_level = LOG_NORMAL;

void log_set_level(enum log_level level)
{
	log_level = level;
}

/* Callers escape what others wrote; should one forget, the terminal is safe all the same. */
static void blunt(char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
}

static void put(const char *line, size_t len)
{
	while (len) {
		ssize_t done = write(STDERR_FILENO, line, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			break;
		line += done;
		len -= (size_t)done;
	}
}

__attribute__((format(printf, 1, 0))) static void say(const char *format, va_list args)
{
	char line[2048] = PREFIX;
	size_t len = sizeof(PREFIX) - 1, room = sizeof(line) - len;
	int saved = errno;

	(void)vsnprintf(line + len, room, format, args);
	len = strlen(line);
	if (line[len - 1] == '\n')
		len--;
	blunt(line, len);
	line[len++] = '\n';
	put(line, len);
	errno = saved;
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;

	if (log_level < LOG_NORMAL)
		return;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

void log_verbose(const char *format, ...)
{
	va_list args;

	if (log_level < LOG_VERBOSE)
		return;
	va_start(args, format);
	say(format, args);
	va_end(args);
}
