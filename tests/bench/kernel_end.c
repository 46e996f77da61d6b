/* The kernel's end of a transfer over TAP: connects, moves so many bytes one way, prints how long it
 * took. CUBIC in any case, since a kernel whose default paces would measure its pacing.
 *
 *   kernel_end read|write ADDRESS PORT MEGABYTES */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define UNIT (128 * 1024)

static char buffer[UNIT];

static double wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static int connect_to(const char *address, const char *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	struct timeval limit = {.tv_sec = 5}; /* a peer that died must not hang the run */
	int s = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = inet_addr(address);
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) < 0)
		perror("cubic");
	if (connect(s, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("connect");
		exit(1);
	}
	return s;
}

/* Bytes moved; fewer than wanted when the peer gave up. */
static uint64_t move(int s, int reading, uint64_t want)
{
	uint64_t done = 0;

	while (done < want) {
		size_t n = want - done < UNIT ? (size_t)(want - done) : UNIT;
		ssize_t got = reading ? recv(s, buffer, n, 0) : send(s, buffer, n, MSG_NOSIGNAL);

		if (got <= 0)
			break;
		done += (uint64_t)got;
	}
	if (!reading) { /* the end: the peer has read it all */
		shutdown(s, SHUT_WR);
		while (recv(s, buffer, sizeof(buffer), 0) > 0)
			;
	}
	return done;
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;

	int reading = strcmp(argv[1], "read") == 0, s = connect_to(argv[2], argv[3]);
	uint64_t want = strtoull(argv[4], NULL, 10) * 1000000;
	double w = wall(), c = cpu();
	uint64_t done = move(s, reading, want);

	w = wall() - w;
	c = cpu() - c;
	printf("secs=%.4f cpu=%.4f gbit=%.3f\n", w, c, (double)done * 8 / w / 1e9);
	close(s);
	return done == want ? 0 : 1;
}
