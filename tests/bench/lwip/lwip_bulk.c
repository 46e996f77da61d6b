/* The same bulk transfers by lwIP, through its raw API.
 *
 *   lwip_bulk copy|zero MEGABYTES      both ends in this process, frames of 1,500 bytes through a
 *                                      queue in memory, one copy there as a driver would make
 *   lwip_bulk sink|source TAP ADDRESS  serves one connection on port 5001 over a TAP device
 *
 * Its checksums are made and verified throughout; copy: the application's bytes are copied in and
 * out; zero: by reference. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"

#define PORT 5001
#define QUEUE 16384
#define MSS 1460

static struct netif nif;
static bool copying, ended;
static struct tcp_pcb *sender;
static uint64_t received, to_send = UINT64_MAX, frames;
static char bytes[64 * 1024], app[64 * 1024];

static double seconds(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

u32_t sys_now(void)
{
	return (u32_t)(seconds(CLOCK_MONOTONIC) * 1000);
}

/* ---- the application ---- */

static void fill(struct tcp_pcb *p)
{
	for (;;) {
		u32_t n = tcp_sndbuf(p);

		if (n > sizeof(bytes) - 1)
			n = sizeof(bytes) - 1;
		if (n > to_send)
			n = (u32_t)to_send;
		if (n < MSS && n < to_send)
			break;
		if (n == 0 || tcp_write(p, bytes, (u16_t)n, copying ? TCP_WRITE_FLAG_COPY : 0) != ERR_OK)
			break;
		to_send -= n;
	}
	tcp_output(p);
}

static err_t on_sent(void *arg, struct tcp_pcb *p, u16_t n)
{
	(void)arg;
	(void)n;
	fill(p);
	return ERR_OK;
}

static err_t on_received(void *arg, struct tcp_pcb *p, struct pbuf *b, err_t err)
{
	(void)arg;
	(void)err;
	if (!b) {
		tcp_recv(p, NULL);
		tcp_close(p);
		ended = true;
		return ERR_OK;
	}
	received += b->tot_len;
	if (copying)
		pbuf_copy_partial(b, app, b->tot_len, 0);
	tcp_recved(p, b->tot_len);
	pbuf_free(b);
	return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
	(void)arg;
	(void)err;
	ended = true;
	sender = NULL;
}

static void start_sending(struct tcp_pcb *p)
{
	sender = p;
	tcp_nagle_disable(p);
	tcp_sent(p, on_sent);
	fill(p);
}

static err_t on_connected(void *arg, struct tcp_pcb *p, err_t err)
{
	(void)arg;
	(void)err;
	start_sending(p);
	return ERR_OK;
}

static err_t on_accepted(void *arg, struct tcp_pcb *p, err_t err)
{
	if (err != ERR_OK || !p)
		return ERR_VAL;
	tcp_err(p, on_error);
	tcp_recv(p, on_received);
	if (arg)
		start_sending(p);
	return ERR_OK;
}

static void listen_on_port(bool source)
{
	struct tcp_pcb *l = tcp_new();

	tcp_bind(l, IP_ADDR_ANY, PORT);
	l = tcp_listen_with_backlog(l, 8);
	tcp_arg(l, source ? l : NULL);
	tcp_accept(l, on_accepted);
}

/* ---- in memory ---- */

static struct pbuf *queue[QUEUE];
static unsigned head, tail;

static err_t memory_output(struct netif *n, struct pbuf *p, const ip4_addr_t *to)
{
	struct pbuf *copy;

	(void)n;
	(void)to;
	if (tail - head == QUEUE || !(copy = pbuf_alloc(PBUF_RAW, p->tot_len, PBUF_POOL)))
		return ERR_MEM;
	pbuf_copy(copy, p);
	queue[tail++ % QUEUE] = copy;
	frames++;
	return ERR_OK;
}

static err_t memory_init(struct netif *n)
{
	n->mtu = 1500;
	n->output = memory_output;
	n->flags = NETIF_FLAG_UP | NETIF_FLAG_LINK_UP;
	return ERR_OK;
}

static void deliver_round(void)
{
	for (unsigned n = tail - head; n; n--) {
		struct pbuf *p = queue[head++ % QUEUE];

		if (nif.input(p, &nif) != ERR_OK)
			pbuf_free(p);
	}
}

static int in_memory(uint64_t want)
{
	ip4_addr_t ip, mask, none = {0};
	unsigned round = 0;
	double t;

	IP4_ADDR(&ip, 10, 0, 0, 1);
	IP4_ADDR(&mask, 255, 255, 255, 0);
	netif_add(&nif, &ip, &mask, &none, NULL, memory_init, ip_input);
	netif_set_default(&nif);
	listen_on_port(false);
	to_send = want;
	t = seconds(CLOCK_PROCESS_CPUTIME_ID);
	tcp_connect(tcp_new(), &ip, PORT, on_connected);
	while (received < want) {
		deliver_round();
		if (++round % 64 == 0 || head == tail)
			sys_check_timeouts();
	}
	t = seconds(CLOCK_PROCESS_CPUTIME_ID) - t;

	double segs = (double)want / MSS;

	printf("cpu=%.4f segments=%.0f frames=%llu ns=%.1f mseg=%.3f gbit=%.2f\n", t, segs,
	       (unsigned long long)frames, t / segs * 1e9, segs / t / 1e6, (double)want * 8 / t / 1e9);
	return 0;
}

/* ---- over a TAP device ---- */

static int tap;

static err_t tap_output(struct netif *n, struct pbuf *p)
{
	struct iovec iov[16];
	int k = 0;

	(void)n;
	for (; p && k < 16; p = p->next)
		iov[k++] = (struct iovec){p->payload, p->len};
	return writev(tap, iov, k) < 0 ? ERR_IF : ERR_OK;
}

static err_t tap_init(struct netif *n)
{
	n->mtu = 1500;
	n->output = etharp_output;
	n->linkoutput = tap_output;
	n->hwaddr_len = 6;
	memcpy(n->hwaddr, "\2\0\0\0\0\2", 6);
	n->flags = NETIF_FLAG_UP | NETIF_FLAG_LINK_UP | NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP |
		   NETIF_FLAG_ETHERNET;
	return ERR_OK;
}

static int tap_open(const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	return fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0 ? -1 : fd;
}

/* Up to 64 frames, as the stack under test takes them. */
static int take_frames(void)
{
	static uint8_t frame[2048];
	int n = 0;

	for (; n < 64; n++) {
		ssize_t len = read(tap, frame, sizeof(frame));
		struct pbuf *p = len > 0 ? pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_POOL) : NULL;

		if (!p)
			break;
		pbuf_take(p, frame, (u16_t)len);
		if (nif.input(p, &nif) != ERR_OK)
			pbuf_free(p);
	}
	return n;
}

static int over_tap(bool source, const char *name, const char *address)
{
	ip4_addr_t ip = {.addr = inet_addr(address)}, mask, none = {0};

	tap = tap_open(name);
	if (tap < 0) {
		perror(name);
		return 1;
	}
	copying = true;
	IP4_ADDR(&mask, 255, 255, 255, 0);
	netif_add(&nif, &ip, &mask, &none, NULL, tap_init, ethernet_input);
	netif_set_default(&nif);
	listen_on_port(source);
	fprintf(stderr, "listening on %s\n", address);
	while (!ended) {
		struct pollfd p = {.fd = tap, .events = POLLIN};

		if (take_frames())
			continue;
		sys_check_timeouts();
		if (sender)
			fill(sender);
		poll(&p, 1, 10);
	}
	/* The last ACKs. */
	for (double end = seconds(CLOCK_MONOTONIC) + 0.05; seconds(CLOCK_MONOTONIC) < end;) {
		struct pollfd p = {.fd = tap, .events = POLLIN};

		take_frames();
		poll(&p, 1, 10);
	}
	return 0;
}

int main(int argc, char **argv)
{
	lwip_init();
	if (argc == 3 && (strcmp(argv[1], "copy") == 0 || strcmp(argv[1], "zero") == 0)) {
		copying = argv[1][0] == 'c';
		return in_memory(strtoull(argv[2], NULL, 10) * 1000000);
	}
	if (argc == 4 && (strcmp(argv[1], "sink") == 0 || strcmp(argv[1], "source") == 0))
		return over_tap(strcmp(argv[1], "source") == 0, argv[2], argv[3]);
	fprintf(stderr, "usage: lwip_bulk copy|zero MEGABYTES | sink|source TAP ADDRESS\n");
	return 2;
}
