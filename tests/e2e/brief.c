/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A process that lives for a millisecond: `brief IP PORT` connects once over IPv4,
 * prints its pid and its port as JSON, and is gone.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 3 || sock < 0 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1)
		return 2;
	address.sin_port = htons((unsigned short)atoi(argv[2]));
	if (connect(sock, (struct sockaddr *)&address, sizeof(address)) ||
	    getsockname(sock, (struct sockaddr *)&address, &len)) {
		perror("brief");
		return 1;
	}
	printf("{\"pid\":%d,\"port\":%d}\n", getpid(), ntohs(address.sin_port));
	return 0;
}
