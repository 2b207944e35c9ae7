/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bind, listen, accept and connect by io_uring, without a system call of that name.
 *
 *     uring server|client IP PORT N plain|sqpoll|calls|multishot|direct|worker|heir
 *
 * server: bind, listen, print a line, accept N connections.  client: connect N times.
 * sqpoll: a thread of the kernel takes what is submitted.  calls: bind(2) and listen(2),
 * for kernels before 6.11.  multishot: one request accepts them all.  direct: what is
 * accepted, or connects, has no descriptor, but a slot in the ring.  worker: each request is done
 * by a thread of the kernel.  heir: a child uses the ring that its parent made.  Exit status 77 where the kernel has no such io_uring.
 */
#include <sys/wait.h>

#include "ring.h"

static void drain(int sock)
{
	char buffer[64];

	while (recv(sock, buffer, sizeof(buffer), 0) > 0)
		;
	say_close(sock);
}

static int start_listener(const struct sockaddr_in *address, int calls)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	long long began = now();

	if (calls)
		must(bind(listener, (const struct sockaddr *)address, sizeof(*address)), "bind");
	else
		must(do_call(OP_BIND, listener, address), "bind by io_uring");
	say("bind", began, listener);
	began = now();
	if (calls)
		must(listen(listener, 64), "listen");
	else
		must(do_call(OP_LISTEN, listener, NULL), "listen by io_uring");
	say("listen", began, listener);
	printf("listening %d\n", own_pid());
	fflush(stdout);
	return listener;
}

static void take_slot(void)
{
	int none = -1;

	must((int)syscall(SYS_io_uring_register, ring.file, IORING_REGISTER_FILES, &none, 1), "a "
											      "slo"
											      "t");
}

static void accept_each(int listener, int count)
{
	while (count-- > 0) {
		long long began = now();
		int sock = do_call(IORING_OP_ACCEPT, listener, NULL);

		must(sock, "accept by io_uring");
		say("accept", began, sock);
		drain(sock);
	}
}

static void accept_all(int listener, int count)
{
	struct io_uring_sqe entry = { .opcode = IORING_OP_ACCEPT,
				      .fd = listener,
				      .ioprio = ACCEPT_MULTISHOT };

	long long began = 0; /* of the request: it may have accepted long ago */

	while (count-- > 0) {
		int sock;

		if (!ring.more) {
			began = now();
			submit(&entry);
		}
		sock = next_result();

		must(sock, "multishot accept");
		say("accept", began, sock);
		drain(sock);
	}
}

/* Read what is in slot 0 to its end, and close it. */
static void drain_slot(const struct ends *ends)
{
	char buffer[64];
	struct io_uring_sqe receive = { .opcode = IORING_OP_RECV,
					.flags = IOSQE_FIXED_FILE,
					.addr = (unsigned long)buffer,
					.len = sizeof(buffer) };
	struct io_uring_sqe end = { .opcode = IORING_OP_CLOSE, .file_index = 1 };
	long long began;

	while (do_one(&receive) > 0)
		;
	began = now();
	must(do_one(&end), "close of a slot");
	say_ends("close", 0, began, ends);
}

static void accept_without_descriptor(int listener, int count)
{
	take_slot();
	while (count-- > 0) {
		struct sockaddr_in peer;
		unsigned int length = sizeof(peer);
		struct io_uring_sqe entry = { .opcode = IORING_OP_ACCEPT,
					      .fd = listener,
					      .addr = (unsigned long)&peer,
					      .addr2 = (unsigned long)&length,
					      .file_index = 1 };
		struct ends ends = ends_of(listener);
		long long began = now();

		must(do_one(&entry), "accept into a slot");
		ends.cookie = 0;
		write_end(ends.remote, sizeof(ends.remote), (struct sockaddr *)&peer);
		say_ends("accept", 0, began, &ends);
		drain_slot(&ends);
	}
}

static void serve(const struct sockaddr_in *address, int count, const char *how)
{
	int listener = start_listener(address, !strcmp(how, "calls") || !strcmp(how, "multishot") ||
						       !strcmp(how, "direct"));

	if (strcmp(how, "multishot") == 0)
		accept_all(listener, count);
	else if (strcmp(how, "direct") == 0)
		accept_without_descriptor(listener, count);
	else
		accept_each(listener, count);
	say_close(listener);
}

static void connect_once(const struct sockaddr_in *address)
{
	int sock = socket(AF_INET, SOCK_STREAM, 0);
	long long began = now();

	must(do_call(IORING_OP_CONNECT, sock, address), "connect by io_uring");
	say("connect", began, sock);
	say_close(sock);
}

/* A socket that never has a descriptor: it is bound so that its port is known here. */
static void connect_without_descriptor(const struct sockaddr_in *address, int number)
{
	struct sockaddr_in own = { .sin_family = AF_INET,
				   .sin_addr = address->sin_addr,
				   .sin_port = htons((unsigned short)(20000 + number)) };
	struct io_uring_sqe open = {
		.opcode = OP_SOCKET, .fd = AF_INET, .off = SOCK_STREAM, .file_index = 1
	};
	struct io_uring_sqe end = { .opcode = IORING_OP_CLOSE, .file_index = 1 };
	struct ends ends = { .local = "-", .remote = "-", .cookie = -20000 - number };
	long long began = now();

	must(do_one(&open), "a socket in a slot");
	must(do_slot(OP_BIND, &own), "bind of a slot");
	write_end(ends.local, sizeof(ends.local), (struct sockaddr *)&own);
	say_ends("bind", 0, began, &ends);
	began = now();
	must(do_slot(IORING_OP_CONNECT, address), "connect of a slot");
	write_end(ends.remote, sizeof(ends.remote), (const struct sockaddr *)address);
	say_ends("connect", 0, began, &ends);
	began = now();
	must(do_one(&end), "close of a slot");
	say_ends("close", 0, began, &ends);
}

/* What the ring does is its maker's child's. */
static void be_heir(void)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork");
	if (pid == 0)
		return;
	exit(waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int count;

	if (argc != 6 || inet_pton(AF_INET, argv[2], &address.sin_addr) != 1)
		return 2;
	address.sin_port = htons((unsigned short)atoi(argv[3]));
	start_ring(strcmp(argv[5], "sqpoll") == 0);
	if (strcmp(argv[5], "worker") == 0)
		ring.flags = IOSQE_ASYNC;
	if (strcmp(argv[5], "heir") == 0)
		be_heir();
	count = atoi(argv[4]);
	if (strcmp(argv[1], "client") == 0 && strcmp(argv[5], "direct") == 0) {
		take_slot();
		while (count-- > 0)
			connect_without_descriptor(&address, count);
		return 0;
	}
	if (strcmp(argv[1], "server") == 0) {
		serve(&address, count, argv[5]);
		return 0;
	}
	while (count-- > 0)
		connect_once(&address);
	return 0;
}
