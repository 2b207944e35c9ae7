// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The tracer that knows nothing: the least that it can cost to tell of each connection.
 *
 *     carry FILE BYTES NAME...
 *
 * Each time that a TCP socket is established or closed a record of the size of porttrace's goes
 * through a ring of the same size, with nothing in it, and becomes a line of BYTES bytes in
 * FILE, copied.  Programs that do nothing are at the other places (places.h).  Says when all are
 * there, ends with SIGINT, when what is in the ring is written.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netinet/tcp.h>
#include <signal.h>

#include "places.h"
#include "porttrace/wire.h"

#define RING (8 << 20)
#define RECORD sizeof(struct pt_socket)
#define STORES ((int)RECORD / 8)
#define MS 1000000L /* ns */
#define LINE_MAX 4096

static char lines[1 << 18], line[LINE_MAX];
static size_t line_size, used;
static int output;

static void flush(void)
{
	if (write(output, lines, used) != (ssize_t)used)
		die("write");
	used = 0;
}

static int carry(void *context, void *record, size_t size)
{
	(void)context, (void)record, (void)size;
	if (used + line_size > sizeof(lines))
		flush();
	memcpy(lines + used, line, line_size);
	used += line_size;
	return 0;
}

#define CALL(function) ((struct bpf_insn){ .code = BPF_JMP | BPF_CALL, .imm = (function) })
#define MOVE(to, from)      \
	((struct bpf_insn){ \
		.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from) })
#define SET(to, number) \
	((struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (to), .imm = (number) })
#define JUMP(condition, reg, number, over)                         \
	((struct bpf_insn){ .code = BPF_JMP | (condition) | BPF_K, \
			    .dst_reg = (reg),                      \
			    .imm = (number),                       \
			    .off = (over) })

/* For inet_sock_set_state: its third argument is the new state. */
static int load_carrier(int ring)
{
	struct bpf_insn insns[16 + STORES] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_DW,
		  .dst_reg = BPF_REG_2,
		  .src_reg = BPF_REG_1,
		  .off = 16 },
		JUMP(BPF_JEQ, BPF_REG_2, TCP_ESTABLISHED, 1),
		JUMP(BPF_JNE, BPF_REG_2, TCP_CLOSE, 9 + STORES),
		{ .code = BPF_LD | BPF_IMM | BPF_DW,
		  .dst_reg = BPF_REG_1,
		  .src_reg = BPF_PSEUDO_MAP_FD,
		  .imm = ring },
		{ 0 },
		SET(BPF_REG_2, RECORD),
		SET(BPF_REG_3, 0),
		CALL(BPF_FUNC_ringbuf_reserve),
		JUMP(BPF_JEQ, BPF_REG_0, 0, 3 + STORES),
	};
	struct bpf_insn *at = insns + 9;

	for (int i = 0; i < STORES; i++)
		*at++ = (struct bpf_insn){ .code = BPF_ST | BPF_MEM | BPF_DW,
					   .dst_reg = BPF_REG_0,
					   .off = (__s16)(i * 8) };
	*at++ = MOVE(BPF_REG_1, BPF_REG_0);
	*at++ = SET(BPF_REG_2, BPF_RB_NO_WAKEUP);
	*at++ = CALL(BPF_FUNC_ringbuf_submit);
	*at++ = SET(BPF_REG_0, 0);
	*at++ = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	return load_insns(BPF_PROG_TYPE_RAW_TRACEPOINT, 0, insns, (size_t)(at - insns));
}

int main(int argc, char **argv)
{
	int map = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "carry", 0, 0, RING, NULL);
	struct ring_buffer *ring = map < 0 ? NULL : ring_buffer__new(map, carry, NULL, NULL);
	const struct timespec batch = { .tv_nsec = 10 * MS };
	sigset_t end;

	if (!ring)
		die("ring");
	if (argc < 3 || (output = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0600)) < 0)
		die("carry FILE BYTES NAME...");
	line_size = strtoul(argv[2], NULL, 10);
	if (!line_size || line_size > LINE_MAX)
		die(argv[2]);
	memset(line, 'x', line_size - 1);
	line[line_size - 1] = '\n';
	sigemptyset(&end);
	sigaddset(&end, SIGINT);
	sigprocmask(SIG_BLOCK, &end, NULL);
	if (attach_tracepoint("inet_sock_set_state", load_carrier(map)) < 0)
		die("inet_sock_set_state");
	for (int i = 3; i < argc; i++)
		attach_empty(argv[i]);
	fputs("carry: tracing\n", stderr);
	/* Nobody is woken for a record: that is the least, too. */
	while (sigtimedwait(&end, NULL, &batch) < 0) {
		ring_buffer__consume(ring);
		flush();
	}
	ring_buffer__consume(ring);
	flush();
	ring_buffer__free(ring);
	return 0;
}
