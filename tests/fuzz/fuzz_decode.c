// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * decode.c: any bytes from the ring.  They are tried as they are, and with zeros up to
 * the size of their type, so that short inputs get further than the check of the size.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void look_at_path(const struct pt_process *process)
{
	char *path = malloc(PT_EXE_LEN + 1);
	size_t len;

	check(path);
	len = decode_path(process, path);
	check(len <= PT_EXE_LEN);
	check(!len || (path[0] == '/' && strlen(path) == len));
	free(path);
}

/* Names of every enum: whatever passed the decoder has one. */
static void look_at_event(const struct pt_socket *socket)
{
	struct event event;

	decode_event(&event, socket, socket->duration);
	check(event_action_name(event.action));
	check(event_state_name(event.state_old) && event_state_name(event.state_new));
	check(event_attribution_name(event.attribution) && event_kind_name(event.kind));
	check(event.close_by < PT_SIDE_END && event.close_how < PT_HOW_END);
	check(event.initiator < PT_SIDE_END);
}

static void decode(const uint8_t *data, size_t size, size_t room)
{
	struct record record;
	void *copy = calloc(1, room ? room : 1);

	check(copy);
	memcpy(copy, data, size);
	if (!decode_record(&record, copy, room)) {
		check(decode_size((uint8_t)record.type) &&
		      decode_size((uint8_t)record.type) <= room);
		check(!!record.socket + !!record.process + !!record.life == 1);
		if (record.socket)
			look_at_event(record.socket);
		if (record.process)
			look_at_path(record.process);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t whole = size ? decode_size(data[0]) : 0;

	decode(data, size, size);
	if (size < whole)
		decode(data, size, whole);
	return 0;
}
