// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See probe_iter.h.  What an iterator wrote is read in large pieces; a record may lie in
 * two of them.
 */
#include "probe_iter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decode.h"

#define BUFFER (1 << 20)

/* Hand out the whole records at the beginning of data; the bytes that were used. */
static size_t hand_out(const char *data, size_t len, probe_record record, void *context)
{
	size_t used = 0;

	while (used < len) {
		size_t size = decode_size((uint8_t)data[used]);

		if (!size || size > len - used)
			break;
		record(context, data + used, size);
		used += size;
	}
	return used;
}

static int read_all(int fd, char *buffer, probe_record record, void *context)
{
	size_t len = 0;

	for (;;) {
		ssize_t got = read(fd, buffer + len, BUFFER - len);
		size_t used;

		/* Nothing was written for a million objects: go on. */
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		len += (size_t)got;
		used = hand_out(buffer, len, record, context);
		memmove(buffer, buffer + used, len - used);
		len -= used;
	}
}

int probe_iterate(struct bpf_program *program, probe_record record, void *context)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	char *buffer = malloc(BUFFER);
	int fd, err = -ENOMEM;

	if (!link) {
		err = -errno;
		goto out;
	}
	if (!buffer)
		goto out;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0) {
		err = -errno;
		goto out;
	}
	err = read_all(fd, buffer, record, context);
	close(fd);
out:
	free(buffer);
	(void)bpf_link__destroy(link);
	return err;
}
