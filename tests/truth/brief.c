/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A process that lives for less than a millisecond: `brief FD IP PORT` connects once,
 * appends a raw record to FD (a file), and is gone.  Linked statically; storm.c starts
 * thousands of it.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "storm.h"

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	struct brief brief = { .pid = getpid() };
	int sock = socket(AF_INET, SOCK_STREAM, 0);

	if (argc != 4 || inet_pton(AF_INET, argv[2], &address.sin_addr) != 1)
		return 2;
	address.sin_port = htons((unsigned short)atoi(argv[3]));
	if (connect(sock, (struct sockaddr *)&address, sizeof(address)) ||
	    getsockname(sock, (struct sockaddr *)&address, &length))
		return 1;
	brief.port = ntohs(address.sin_port);
	return write(atoi(argv[1]), &brief, sizeof(brief)) != sizeof(brief);
}
