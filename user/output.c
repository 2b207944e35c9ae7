// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See output.h. */
#include "output.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd_sink.h"
#include "safefile.h"

int output_open(int *fd, const char *path)
{
	struct safefile_place place;
	int err;

	*fd = STDOUT_FILENO;
	if (!path)
		return EXIT_DONE;
	err = safefile_place(&place, path);
	if (!err) {
		*fd = safefile_open(&place);
		err = *fd < 0 ? *fd : 0;
		close(place.dir);
	}
	if (!err)
		return EXIT_DONE;
	*fd = -1;
	cmd_sink_refused("--output", path, err);
	return EXIT_OUTPUT;
}

int output_write(int fd, struct text *text)
{
	size_t done = 0;

	while (done < text->len) {
		ssize_t put = write(fd, text->data + done, text->len - done);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		done += (size_t)put;
	}
	text_clear(text);
	return 0;
}

void output_terminal(struct format_config *config, const struct options *options)
{
	struct winsize size;
	bool terminal = !options->output && isatty(STDOUT_FILENO);

	config->color = options->color == COLOR_ALWAYS ||
			(options->color == COLOR_AUTO && terminal);
	if (terminal && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size)) {
		config->columns = size.ws_col;
		config->rows = size.ws_row;
	}
}

int output_status(int err)
{
	switch (err) {
	case 0:
		return EXIT_DONE;
	case -EPERM:
		return EXIT_RIGHTS;
	case -ENOTSUP:
		return EXIT_KERNEL;
	default:
		return EXIT_RUNTIME;
	}
}
