/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections as fast as loopback goes, each of them logged by both of its ends.
 *
 *     load CONNECTIONS CLIENTS SERVERS
 *
 * CLIENTS processes connect to one listener, send, and close; SERVERS processes
 * accept, read to the end, and close.  Each writes what it did into shared memory;
 * at the end all of it is printed, a line for an end:
 *
 *     connect|accept PID CLIENT_PORT SERVER_IP SERVER_PORT BYTES
 *
 * The server's addresses rotate over 127.0.0.1 to 127.0.0.8, so that no pair of ends
 * comes twice as long as none is reused within a minute.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* So many connections may wait to be accepted: the queue must never overflow. */
#define WINDOW 1000
#define ADDRESSES 8

struct log_entry {
	pid_t pid;
	unsigned int server_ip; /* network order */
	unsigned short client_port;
	unsigned int bytes;
};

struct shared {
	atomic_uint connected, accepted;
	unsigned int total;
	unsigned short server_port;
	struct log_entry entries[]; /* total of the clients, then total of the servers */
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void client(struct shared *shared)
{
	char payload[80] = "";
	unsigned int i;

	while ((i = atomic_fetch_add(&shared->connected, 1)) < shared->total) {
		struct log_entry *entry = &shared->entries[i];
		struct sockaddr_in address = {
			.sin_family = AF_INET,
			.sin_port = htons(shared->server_port),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i % ADDRESSES),
		};
		socklen_t len = sizeof(address);
		int sock = socket(AF_INET, SOCK_STREAM, 0);

		while (i - atomic_load(&shared->accepted) > WINDOW &&
		       i > atomic_load(&shared->accepted))
			sched_yield();
		entry->pid = getpid();
		entry->server_ip = address.sin_addr.s_addr;
		entry->bytes = 64 + i % 7;
		if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)))
			die("connect");
		if (getsockname(sock, (struct sockaddr *)&address, &len))
			die("getsockname");
		entry->client_port = ntohs(address.sin_port);
		if (send(sock, payload, entry->bytes, 0) != (ssize_t)entry->bytes)
			die("send");
		close(sock);
	}
}

/* Until the parent shuts the listener down. */
static void server(struct shared *shared, int listener)
{
	struct sockaddr_in peer, own;
	socklen_t len = sizeof(peer);
	int sock;

	while ((sock = accept(listener, (struct sockaddr *)&peer, &len)) >= 0) {
		unsigned int i = atomic_fetch_add(&shared->accepted, 1);
		struct log_entry *entry = &shared->entries[shared->total + i];
		char buffer[256];
		ssize_t got;

		if (i >= shared->total) {
			fprintf(stderr, "load: a connection too many\n");
			exit(1);
		}
		len = sizeof(own);
		if (getsockname(sock, (struct sockaddr *)&own, &len))
			die("getsockname");
		entry->pid = getpid();
		entry->server_ip = own.sin_addr.s_addr;
		entry->client_port = ntohs(peer.sin_port);
		while ((got = recv(sock, buffer, sizeof(buffer), 0)) > 0)
			entry->bytes += got;
		if (got < 0)
			die("recv");
		close(sock);
		len = sizeof(peer);
	}
	if (errno != EINVAL)
		die("accept");
}

static int start_listener(struct shared *shared)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(listener, 4096) || getsockname(listener, (struct sockaddr *)&address, &len))
		die("listen");
	shared->server_port = ntohs(address.sin_port);
	return listener;
}

/* Wait for N children; how many of them failed. */
static int wait_for(const pid_t *pids, int n)
{
	int failed = 0;

	for (int i = 0; i < n; i++) {
		int status;

		if (waitpid(pids[i], &status, 0) < 0 || status != 0)
			failed++;
	}
	return failed;
}

static void print_log(const struct shared *shared)
{
	for (unsigned int i = 0; i < 2 * shared->total; i++) {
		const struct log_entry *entry = &shared->entries[i];
		char ip[INET_ADDRSTRLEN];

		inet_ntop(AF_INET, &entry->server_ip, ip, sizeof(ip));
		printf("%s %d %d %s %d %u\n", i < shared->total ? "connect" : "accept", entry->pid,
		       entry->client_port, ip, shared->server_port, entry->bytes);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;

	unsigned int total = (unsigned int)atoi(argv[1]);
	int clients = atoi(argv[2]), servers = atoi(argv[3]);
	size_t size = sizeof(struct shared) + 2 * (size_t)total * sizeof(struct log_entry);
	struct shared *shared =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t client_pids[64], server_pids[64];

	if (shared == MAP_FAILED || clients < 1 || clients > 64 || servers < 1 || servers > 64)
		die("load");
	shared->total = total;

	int listener = start_listener(shared);

	for (int i = 0; i < servers; i++) {
		server_pids[i] = fork();
		if (server_pids[i] == 0) {
			server(shared, listener);
			_exit(0);
		}
	}
	for (int i = 0; i < clients; i++) {
		client_pids[i] = fork();
		if (client_pids[i] == 0) {
			client(shared);
			_exit(0);
		}
	}
	if (wait_for(client_pids, clients))
		return 1;
	/* What waits in the queue is lost when the listener goes. */
	while (atomic_load(&shared->accepted) < total)
		sched_yield();
	shutdown(listener, SHUT_RDWR);
	if (wait_for(server_pids, servers))
		return 1;
	print_log(shared);
	return 0;
}
