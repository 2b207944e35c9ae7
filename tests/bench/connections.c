// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The load of the connection benchmark: one client connects, sends, reads the answer
 * and closes, one server accepts, reads, answers and closes, as fast as they can.
 *
 *     connections COUNT            as many as that
 *     connections COUNT SECONDS    no longer than that
 *
 * Prints the seconds that it took, how many it made, and the seconds of CPU of both.  The
 * addresses rotate, so that no port has to be used again while it is in TIME_WAIT.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#define ADDRESSES 64
#define EXCHANGE 100 /* bytes each way */
#define TURN 64      /* connections between two looks at the clock */

static void serve(int listener, int count)
{
	char data[EXCHANGE];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (count--) {
		int sock = accept(listener, NULL, NULL);

		if (sock < 0 || recv(sock, data, sizeof(data), MSG_WAITALL) != sizeof(data) ||
		    send(sock, data, sizeof(data), 0) != sizeof(data))
			die("serve");
		close(sock);
	}
}

/* How many it made until COUNT were made or the time is END. */
static int ask(struct sockaddr_in address, int count, double end)
{
	char data[EXCHANGE] = "";
	int made;

	for (made = 0; made < count && (made % TURN || now() < end); made++) {
		int sock = socket(AF_INET, SOCK_STREAM, 0);

		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (unsigned int)made % ADDRESSES);
		if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)) ||
		    send(sock, data, sizeof(data), 0) != sizeof(data) ||
		    recv(sock, data, sizeof(data), MSG_WAITALL) != sizeof(data))
			die("ask");
		close(sock);
	}
	return made;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 0, made, status;
	double seconds = argc > 2 ? atof(argv[2]) : 1e9, begin;
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	pid_t server;

	if (count <= 0 || argc > 3)
		return 2;
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, len) ||
	    listen(listener, 1024) || getsockname(listener, (struct sockaddr *)&address, &len))
		die("listen");
	begin = now();
	server = fork();
	if (server < 0)
		die("fork");
	if (!server) {
		serve(listener, count);
		return 0;
	}
	made = ask(address, count, begin + seconds);
	if (made < count) /* it waits for more */
		kill(server, SIGKILL);
	if (waitpid(server, &status, 0) < 0 || (status && made == count))
		return 1;
	printf("%.6f %d %.6f\n", now() - begin, made, family_cpu_seconds());
	return 0;
}
