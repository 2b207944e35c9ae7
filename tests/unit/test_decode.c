// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * decode.c: what is refused, what becomes an event, how a path is turned round.
 * Records lie in memory of exactly their size, so that the sanitizer sees every
 * byte that is read or written beyond.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

#include "wire_records.h"

#define LITERAL(text) (text), sizeof(text)

static const uint8_t socket_types[] = {
	PT_BIND, PT_LISTEN, PT_CONNECT, PT_ACCEPT, PT_CLOSE, PT_STATE, PT_OPEN,
};

static int decode(struct record *record, const void *data, size_t size)
{
	void *copy = malloc(size ? size : 1);
	int err;

	assert_non_null(copy);
	memcpy(copy, data, size);
	err = decode_record(record, copy, size);
	free(copy);
	return err;
}

/* Every size from nothing to one byte too few is refused, and nothing is set. */
static void refuses_shorter(const void *data, size_t size)
{
	struct record before, record;

	memset(&before, 0x5a, sizeof(before));
	record = before;
	for (size_t len = 0; len < size; len++)
		assert_int_equal(decode(&record, data, len), -EBADMSG);
	assert_memory_equal(&record, &before, sizeof(record));
	assert_int_equal(decode(&record, data, size), 0);
}

static void test_sizes(void **state)
{
	struct pt_socket socket = wire_connect(1, WIRE_PID, "127.0.0.1", 40000, "127.0.0.1", 80);
	struct pt_process process = wire_process(WIRE_PID, "a", LITERAL("a"));
	struct pt_life life = wire_life(PT_EXIT, WIRE_PID, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(socket_types); i++) {
		socket.type = socket_types[i];
		assert_int_equal(decode_size(socket.type), sizeof(socket));
		refuses_shorter(&socket, sizeof(socket));
	}
	assert_int_equal(decode_size(PT_PROCESS), sizeof(process));
	refuses_shorter(&process, sizeof(process));
	assert_int_equal(decode_size(PT_EXIT), sizeof(life));
	refuses_shorter(&life, sizeof(life));
	life.type = PT_FORK;
	assert_int_equal(decode_size(PT_FORK), sizeof(life));
	refuses_shorter(&life, sizeof(life));
}

/* The next record may lie behind. */
static void test_longer(void **state)
{
	struct pt_socket sockets[2] = {
		wire_connect(1, WIRE_PID, "127.0.0.1", 40000, "127.0.0.1", 80),
	};
	struct record record = { 0 };

	(void)state;
	memset(&sockets[1], 0xff, sizeof(sockets[1]));
	assert_int_equal(decode_record(&record, sockets, sizeof(sockets)), 0);
	assert_int_equal(record.type, PT_CONNECT);
	assert_ptr_equal(record.socket, &sockets[0]);
	assert_null(record.process);
	assert_null(record.life);
}

static void test_pointers(void **state)
{
	struct pt_process process = wire_process(WIRE_PID, "a", LITERAL("a"));
	struct pt_life life = wire_life(PT_FORK, WIRE_PID, 1);
	struct record record = { 0 };

	(void)state;
	assert_int_equal(decode_record(&record, &process, sizeof(process)), 0);
	assert_int_equal(record.type, PT_PROCESS);
	assert_ptr_equal(record.process, &process);
	assert_null(record.socket);
	assert_null(record.life);
	assert_int_equal(decode_record(&record, &life, sizeof(life)), 0);
	assert_int_equal(record.type, PT_FORK);
	assert_ptr_equal(record.life, &life);
	assert_null(record.socket);
	assert_null(record.process);
}

static void test_unknown_types(void **state)
{
	struct pt_process process = wire_process(WIRE_PID, "a", LITERAL("a"));
	struct record record;

	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		struct pt_socket socket =
			wire_socket((enum pt_type)type, 1, WIRE_PID, "::1", 1, "::1", 2);
		struct pt_release release = { .socket = socket };
		bool known = type > 0 && type < PT_TYPE_END;
		const void *data = &socket;
		size_t size = sizeof(socket);

		if (type == PT_PROCESS) {
			data = &process;
			size = sizeof(process);
		} else if (type == PT_FLOW || type == PT_RELEASE) {
			assert_int_equal(decode(&record, &release, sizeof(release)), -EBADMSG);
			release.socket.kind = PT_DATAGRAM;
			data = &release;
			size = type == PT_FLOW ? sizeof(socket) : sizeof(release);
		}
		assert_int_equal(decode(&record, data, size), known ? 0 : -EBADMSG);
		assert_true(known == (decode_size((uint8_t)type) > 0));
	}
	assert_int_equal(decode_record(&record, NULL, 0), -EBADMSG);
}

/* Each value of a byte of a record is taken or refused as its enum says. */
static void check_enum(size_t offset, unsigned int end)
{
	for (size_t i = 0; i < sizeof(socket_types); i++) {
		for (unsigned int value = 0; value < 256; value++) {
			struct pt_socket socket =
				wire_socket(socket_types[i], 1, WIRE_PID, "::1", 1, "::1", 2);
			struct record record;

			((uint8_t *)&socket)[offset] = (uint8_t)value;
			assert_int_equal(decode(&record, &socket, sizeof(socket)),
					 value < end ? 0 : -EBADMSG);
		}
	}
}

static void test_enums(void **state)
{
	(void)state;
	check_enum(offsetof(struct pt_socket, attribution), PT_ATTRIBUTION_END);
	check_enum(offsetof(struct pt_socket, kind), PT_KIND_END);
	check_enum(offsetof(struct pt_socket, close_by), PT_SIDE_END);
	check_enum(offsetof(struct pt_socket, close_how), PT_HOW_END);
}

static void test_process_lengths(void **state)
{
	struct pt_process process = wire_process(WIRE_PID, "a", LITERAL("a"));
	struct record record;

	(void)state;
	process.exe_len = PT_EXE_LEN;
	process.args_len = PT_ARGS_LEN;
	assert_int_equal(decode(&record, &process, sizeof(process)), 0);
	process.exe_len = PT_EXE_LEN + 1;
	assert_int_equal(decode(&record, &process, sizeof(process)), -EBADMSG);
	process.exe_len = UINT16_MAX;
	assert_int_equal(decode(&record, &process, sizeof(process)), -EBADMSG);
	process.exe_len = 0;
	process.args_len = PT_ARGS_LEN + 1;
	assert_int_equal(decode(&record, &process, sizeof(process)), -EBADMSG);
	process.args_len = 0;
	process.cgroup_len = PT_CGROUP_LEN;
	assert_int_equal(decode(&record, &process, sizeof(process)), 0);
	process.cgroup_len = PT_CGROUP_LEN + 1;
	assert_int_equal(decode(&record, &process, sizeof(process)), -EBADMSG);
	process.cgroup_len = 0;
	process.who.tgid = 0;
	assert_int_equal(decode(&record, &process, sizeof(process)), -EBADMSG);
}

static void test_event(void **state)
{
	struct pt_socket socket = wire_close(&(struct pt_socket){
		.attribution = PT_BY_ACCEPT,
		.state_old = 4,
		.state_new = 7,
		.close_by = PT_REMOTE,
		.close_how = PT_RESET,
		.kind = PT_CONNECTION,
		.flags = PT_IPV4 | PT_PASSIVE | PT_EPHEMERAL,
		.local_port = 80,
		.remote_port = 65535,
		.error = ECONNRESET,
		.netns = UINT32_MAX,
		.time = 5000,
		.cookie = UINT64_MAX - 1,
		.local_ip = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 1 },
		.remote_ip = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 2 },
		.sent = UINT64_MAX,
		.received = 1ULL << 40,
	});
	struct event event;

	(void)state;
	memset(&event, 0xff, sizeof(event));
	decode_event(&event, &socket, 1000000);
	assert_int_equal(event.action, EVENT_CLOSE);
	assert_int_equal(event.error, ECONNRESET);
	assert_int_equal(event.sequence, 0);
	assert_int_equal(event.time, 1005000);
	assert_int_equal(event.local.port, 80);
	assert_memory_equal(event.local.ip, socket.local_ip, 16);
	assert_int_equal(event.remote.port, 65535);
	assert_memory_equal(event.remote.ip, socket.remote_ip, 16);
	assert_true(event.ipv4);
	assert_true(event.ephemeral);
	assert_int_equal(event.initiator, PT_REMOTE);
	assert_int_equal(event.kind, PT_CONNECTION);
	assert_int_equal(event.attribution, PT_BY_ACCEPT);
	assert_int_equal(event.netns, UINT32_MAX);
	assert_true(event.cookie == UINT64_MAX - 1);
	assert_int_equal(event.duration, 500);
	assert_true(event.has_bytes);
	assert_true(event.sent == UINT64_MAX);
	assert_true(event.received == 1ULL << 40);
	assert_int_equal(event.state_old, 4);
	assert_int_equal(event.state_new, 7);
	assert_int_equal(event.close_by, PT_REMOTE);
	assert_int_equal(event.close_how, PT_RESET);
	assert_null(event.process);
	assert_null(event.peer);
	assert_null(event.actor);
	assert_null(event.creator);
	assert_null(event.totals);
	assert_null(event.hooks);
}

static void test_actions(void **state)
{
	static const enum event_action actions[] = {
		EVENT_BIND,  EVENT_LISTEN, EVENT_CONNECT, EVENT_ACCEPT,
		EVENT_CLOSE, EVENT_STATE,  EVENT_OPEN,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(socket_types); i++) {
		struct pt_socket socket =
			wire_socket(socket_types[i], 1, WIRE_PID, "::1", 1, "::1", 2);
		struct event event;

		decode_event(&event, &socket, 0);
		assert_int_equal(event.action, actions[i]);
	}
}

static void test_flags(void **state)
{
	struct pt_socket socket = wire_socket(PT_CONNECT, 1, WIRE_PID, "::1", 1, "::1", 2);
	struct event event;

	(void)state;
	decode_event(&event, &socket, 0);
	assert_int_equal(event.initiator, PT_SIDE_NONE);
	assert_false(event.ipv4);
	assert_false(event.ephemeral);
	socket.flags = PT_ACTIVE;
	decode_event(&event, &socket, 0);
	assert_int_equal(event.initiator, PT_LOCAL);
	socket.flags = PT_PASSIVE;
	decode_event(&event, &socket, 0);
	assert_int_equal(event.initiator, PT_REMOTE);
	assert_false(event.late);
	socket.flags = PT_LATE | PT_V6ONLY | PT_GONE | PT_AFTER_LOSS;
	decode_event(&event, &socket, 0);
	assert_int_equal(event.initiator, PT_SIDE_NONE);
	assert_false(event.ipv4);
	assert_false(event.ephemeral);
	assert_true(event.late);
}

/* Found by looking through all sockets: nobody counted its bytes. */
static void test_missed_close(void **state)
{
	struct pt_socket socket = wire_listen(1, WIRE_PID, "127.0.0.1", 80);
	struct event event;

	(void)state;
	socket.type = PT_CLOSE;
	socket.kind = PT_CONNECTION;
	decode_event(&event, &socket, 0);
	assert_true(event.has_bytes);
	socket.flags = PT_LATE | PT_GONE;
	decode_event(&event, &socket, 0);
	assert_false(event.has_bytes);
}

/* 0.0.0.0 of a listener is nobody's address. */
static void test_no_remote(void **state)
{
	static const uint8_t zero[16];
	struct pt_socket socket = wire_listen(1, WIRE_PID, "0.0.0.0", 80);
	struct event event;

	(void)state;
	memset(&event, 0xff, sizeof(event));
	decode_event(&event, &socket, 0);
	assert_memory_equal(event.local.ip, socket.local_ip, 16);
	assert_int_equal(event.remote.port, 0);
	assert_memory_equal(event.remote.ip, zero, 16);
}

/* The same bytes of the record are something else elsewhere. */
static void test_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(socket_types); i++) {
		for (unsigned int kind = 0; kind < PT_KIND_END; kind++) {
			struct pt_socket socket =
				wire_socket(socket_types[i], 1, WIRE_PID, "::1", 1, "::1", 2);
			struct event event;
			bool bytes = socket.type == PT_CLOSE && kind == PT_CONNECTION;

			socket.kind = (__u8)kind;
			socket.sent = 7;
			socket.received = 8;
			decode_event(&event, &socket, 0);
			assert_int_equal(event.has_bytes, bytes);
			assert_int_equal(event.sent, bytes ? 7 : 0);
			assert_int_equal(event.received, bytes ? 8 : 0);
		}
	}
}

/* What is behind struct pt_socket is read of this type only. */
static void test_release(void **state)
{
	struct pt_release release = {
		.socket = wire_datagram(PT_RELEASE, 1, WIRE_PID, "::1", 53, NULL, 0),
		.sends = 3,
		.receives = 4,
	};
	struct event event;

	(void)state;
	release.socket.sent = 7;
	release.socket.received = 8;
	release.socket.duration = 9;
	decode_event(&event, &release.socket, 0);
	assert_int_equal(event.action, EVENT_CLOSE);
	assert_int_equal(event.duration, 9);
	assert_true(event.has_bytes && event_is_udp(&event) && !event_has_remote(&event));
	assert_int_equal(event.sent, 7);
	assert_int_equal(event.received, 8);
	assert_int_equal(event.sends, 3);
	assert_int_equal(event.receives, 4);
	assert_true(decode_is_socket(PT_RELEASE) && decode_is_socket(PT_FLOW));
	assert_false(decode_is_socket(PT_EXIT) || decode_is_socket(0));
}

/* Boot time and offset are unsigned, and their sum may wrap without harm. */
static void test_time(void **state)
{
	struct pt_socket socket = wire_socket(PT_CONNECT, 1, WIRE_PID, "::1", 1, "::1", 2);
	struct event event;

	(void)state;
	decode_event(&event, &socket, (uint64_t)-400);
	assert_int_equal(event.time, 600);
}

/* The path of a record of just these names; in memory of exactly the promised size. */
static size_t path_of(const char *names, size_t len, char expected[PT_EXE_LEN + 1])
{
	struct pt_process *process = malloc(sizeof(*process));
	char *path = malloc(PT_EXE_LEN + 1);
	size_t got;

	assert_non_null(process);
	assert_non_null(path);
	memset(process, 'x', sizeof(*process)); /* what is behind is not the path's */
	process->exe_cut = 0;
	process->exe_len = (__u16)len;
	memcpy(process->exe, names, len);
	memset(path, '#', PT_EXE_LEN + 1);
	got = decode_path(process, path);
	if (got) {
		assert_int_equal(path[got], 0);
		assert_int_equal(strlen(path), got);
		memcpy(expected, path, got + 1);
	}
	free(path);
	free(process);
	return got;
}

static void check_path(const char *names, size_t len, const char *expected)
{
	char path[PT_EXE_LEN + 1];

	assert_int_equal(path_of(names, len, path), strlen(expected));
	assert_string_equal(path, expected);
}

static void test_paths(void **state)
{
	(void)state;
	check_path(LITERAL("init"), "/init");
	check_path(LITERAL("x"), "/x");
	check_path(LITERAL("curl\0bin\0usr"), "/usr/bin/curl");
	check_path(LITERAL("e\0d\0c\0b\0a"), "/a/b/c/d/e");
	check_path(LITERAL("with blank\0\xff\xfe\n"), "/\xff\xfe\n/with blank");
	/* A name is never empty in the kernel; if it were, it would be left out. */
	check_path(LITERAL("curl\0\0bin"), "/bin/curl");
	check_path(LITERAL("\0curl"), "/curl");
	check_path(LITERAL("curl\0"), "/curl");
}

static void test_no_path(void **state)
{
	struct pt_process process = wire_process(WIRE_PID, "a", LITERAL("curl\0bin"));
	char path[PT_EXE_LEN + 1];

	(void)state;
	assert_int_equal(decode_path(&process, path), strlen("/bin/curl"));
	process.exe_cut = 1;
	assert_int_equal(decode_path(&process, path), 0);
	assert_int_equal(path_of("", 0, path), 0);
	assert_int_equal(path_of("\0", 1, path), 0);
	assert_int_equal(path_of("\0\0\0", 3, path), 0);
	assert_int_equal(path_of("curl", 4, path), 0);
	assert_int_equal(path_of("curl\0bin", 8, path), 0);
}

/*
 * A name of n bytes takes n + 1 of the record (its NUL) and n + 1 of the path (its
 * "/"), and an empty one takes 1 and 0: so the path never has more than PT_EXE_LEN
 * bytes and its own NUL.  The most it can be is reached here, by names of each length.
 */
static void test_longest_paths(void **state)
{
	char names[PT_EXE_LEN], path[PT_EXE_LEN + 1];

	(void)state;
	for (size_t name = 1; name < PT_EXE_LEN; name++) {
		for (size_t i = 0; i < PT_EXE_LEN; i++)
			names[i] = (char)(i % (name + 1) == name ? 0 : 'a' + i % 26);
		names[PT_EXE_LEN - 1] = 0;
		/* Less than PT_EXE_LEN only if the last NUL made an empty name. */
		assert_int_equal(path_of(names, PT_EXE_LEN, path),
				 PT_EXE_LEN - (names[PT_EXE_LEN - 2] ? 0 : 1));
	}
	/* Names of one byte, as many as there is room for. */
	for (size_t i = 0; i < PT_EXE_LEN; i += 2)
		memcpy(names + i, "z", 2);
	assert_int_equal(path_of(names, PT_EXE_LEN, path), PT_EXE_LEN);
	for (size_t i = 0; i < PT_EXE_LEN; i += 2)
		assert_memory_equal(path + i, "/z", 2);
	/* None but NULs. */
	memset(names, 0, sizeof(names));
	assert_int_equal(path_of(names, PT_EXE_LEN, path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),         cmocka_unit_test(test_longer),
		cmocka_unit_test(test_pointers),      cmocka_unit_test(test_unknown_types),
		cmocka_unit_test(test_enums),         cmocka_unit_test(test_process_lengths),
		cmocka_unit_test(test_event),         cmocka_unit_test(test_actions),
		cmocka_unit_test(test_flags),         cmocka_unit_test(test_no_remote),
		cmocka_unit_test(test_missed_close),  cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_release),       cmocka_unit_test(test_time),
		cmocka_unit_test(test_paths),         cmocka_unit_test(test_no_path),
		cmocka_unit_test(test_longest_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
