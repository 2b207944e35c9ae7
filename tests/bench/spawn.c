// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Many short processes, one after the other, each started by vfork and exec:
 *
 *     spawn COUNT          they do nothing
 *     spawn COUNT connect  each makes one connection, to the process that started it
 *
 * Prints the microseconds of CPU that one takes, its start and its end included.
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

static int any_socket(struct sockaddr_in *address)
{
	*address = (struct sockaddr_in){ .sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* The child, with the port that it connects to; "0": none. */
static int be_brief(const char *port)
{
	struct sockaddr_in address;

	if (!strcmp(port, "0"))
		return 0;
	int sock = any_socket(&address);

	address.sin_port = htons((unsigned short)atoi(port));
	return sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address));
}

static int start_listener(char *port, size_t size)
{
	struct sockaddr_in address;
	socklen_t len = sizeof(address);
	int sock = any_socket(&address);

	if (sock < 0 || bind(sock, (struct sockaddr *)&address, len) || listen(sock, 16) ||
	    getsockname(sock, (struct sockaddr *)&address, &len))
		die("listen");
	snprintf(port, size, "%d", ntohs(address.sin_port));
	return sock;
}

static void start(char *port)
{
	static char program[] = "/proc/self/exe", child[] = "child";
	char *command[] = { program, child, port, NULL };
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		execv(program, command);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		die("child");
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 0, listener = -1;
	char port[8] = "0";
	double begin;

	if (argc == 3 && !strcmp(argv[1], "child"))
		return be_brief(argv[2]);
	if (count <= 0)
		return 2;
	if (argc == 3)
		listener = start_listener(port, sizeof(port));
	begin = family_cpu_seconds();
	for (int i = 0; i < count; i++) {
		start(port);
		if (listener >= 0)
			close(accept(listener, NULL, NULL));
	}
	printf("%.3f\n", (family_cpu_seconds() - begin) / count * 1e6);
	return 0;
}
