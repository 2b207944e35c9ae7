/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The records of connections as the kernel side writes them, both ends on this machine:
 * for the benchmarks of the user side alone.
 */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include <stdbool.h>

#include "../unit/wire_records.h"

#define SERVER (WIRE_PID + 1)
#define CLIENT (WIRE_PID + 2)
#define SOCK_SIZE 2432 /* about what the kernel takes for one: addresses are that far apart */

struct traffic {
	uint64_t connections; /* made so far */
	uint64_t time;
};

/* The two ends of a connection, as they were told when it began. */
struct connection {
	struct pt_socket client, server;
};

/* The next connection, with ends that none had for long; slot: which memory its sockets have. */
static inline void traffic_begin(struct traffic *traffic, uint64_t slot,
				 struct connection *connection)
{
	uint64_t number = traffic->connections++, sock = 0xffff888100000000u + slot * 2 * SOCK_SIZE;
	uint16_t port = (uint16_t)(10000 + number % 50000);
	struct pt_socket *client = &connection->client, *server = &connection->server;

	*client = wire_connect(sock, CLIENT, "127.0.0.1", port, "127.0.0.1", 80);
	client->remote_ip[13] = (uint8_t)(number / 50000 / 251 % 251);
	client->remote_ip[14] = (uint8_t)(number / 50000 % 251);
	client->cookie = 2 * number + 1;
	client->time = traffic->time += 1000;
	client->duration = 50000;
	client->flags |= PT_EPHEMERAL;
	*server = wire_accept(sock + SOCK_SIZE, SERVER, "127.0.0.1", 80, "127.0.0.1", port);
	memcpy(server->local_ip, client->remote_ip, sizeof(server->local_ip));
	server->cookie = 2 * number + 2;
	server->time = traffic->time += 1000;
}

/* The record of its end. */
static inline struct pt_socket traffic_end(struct traffic *traffic, const struct pt_socket *begun,
					   enum pt_side by)
{
	struct pt_socket record = wire_close(begun);

	record.duration = traffic->time - begun->time;
	record.time = traffic->time += 1000;
	record.close_by = (uint8_t)by;
	record.close_how = PT_FIN;
	record.sent = record.received = 100;
	return record;
}

#endif
