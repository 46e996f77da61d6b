/* A raw socket on an existing interface, by libpcap: the stack is a second station on that wire,
 * with an address of its own. (With the interface's own address the kernel would answer our segments
 * with resets.)
 *
 * What a local sender hands to a veth or bridge may reach us as the kernel has it inside: with the
 * checksum not yet made, and in super-segments of up to 64 kB. libpcap does not say so, but the
 * bytes do: frame_guess_partial knows such a checksum field by its value, and the IP length is
 * right for the whole unit. So nobody has to turn offloads off. What goes out is complete and of
 * MTU size. */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <net/if.h>
#include <unistd.h>

#include "../base/check.h"
#include "../link.h"
#include "../wire/csum.h"
#include "frame.h"

#define SNAPLEN 70000
#define BUFFER_BYTES (16 << 20)

struct packet {
	struct link link;
	struct pkt_pool *pool;
	pcap_t *pcap;
	int fd;
	uint8_t out[PKT_MAX_LEN]; /* pcap_inject wants one piece */
};

static struct packet *of(struct link *l)
{
	return container_of(l, struct packet, link);
}

static int packet_fd(const struct link *l)
{
	return container_of((struct link *)(uintptr_t)l, struct packet, link)->fd;
}

static struct pkt *take_frame(struct packet *k, const struct pcap_pkthdr *h, const u_char *bytes)
{
	struct pkt *p;
	uint32_t segment = k->link.caps.mtu - 40u;

	if (h->caplen < h->len || h->len > PKT_MAX_LEN)
		return NULL;
	p = pkt_of_bytes(k->pool, bytes, h->caplen);
	if (!p)
		return NULL;
	/* How many segments the sender's device would have made: for the number of ACKs alone. */
	if (frame_guess_partial(p) && p->len > k->link.caps.mtu + 18u)
		p->gso_segs = (uint16_t)((p->len + segment - 1) / segment);
	return p;
}

static size_t packet_recv(struct link *l, struct pkt **out, size_t max)
{
	struct packet *k = of(l);
	struct pcap_pkthdr *h;
	const u_char *bytes;
	size_t n = 0;

	while (n < max && pcap_next_ex(k->pcap, &h, &bytes) == 1) {
		out[n] = take_frame(k, h, bytes);
		if (out[n])
			n++;
		else
			l->rx_dropped++;
	}
	return n;
}

/* False: the interface's queue is full, the frame is still the caller's. */
static bool send_one(struct packet *k, struct pkt *p)
{
	assert(p->gso_size == 0 || p->len <= k->link.caps.mtu + 18u);
	p->gso_size = 0;
	csum_complete(p);
	pkt_copy_out(p, 0, k->out, p->len);
	if (pcap_inject(k->pcap, k->out, p->len) < 0) {
		if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
			return false;
		k->link.tx_dropped++;
	}
	pkt_free(p);
	return true;
}

static size_t packet_send(struct link *l, struct pkt *const *in, size_t n)
{
	size_t i = 0;

	while (i < n && send_one(of(l), in[i]))
		i++;
	return i;
}

static void packet_close(struct link *l)
{
	struct packet *k = of(l);

	pcap_close(k->pcap);
	free(k);
}

static const struct link_ops packet_ops = {
	.recv = packet_recv,
	.send = packet_send,
	.fd = packet_fd,
	.close = packet_close,
};

/* ---- opening ---- */

static int mtu_of(const char *ifname)
{
	struct ifreq ifr = {0};
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), mtu = -1;

	if (s < 0)
		return -1;
	memcpy(ifr.ifr_name, ifname, strlen(ifname) + 1);
	if (ioctl(s, SIOCGIFMTU, &ifr) == 0)
		mtu = ifr.ifr_mtu;
	close(s);
	return mtu;
}

static int activate(struct packet *k, const char *ifname, char *err, size_t cap)
{
	int r;

	if (pcap_set_snaplen(k->pcap, SNAPLEN) || pcap_set_promisc(k->pcap, 1) ||
	    pcap_set_immediate_mode(k->pcap, 1) || pcap_set_buffer_size(k->pcap, BUFFER_BYTES)) {
		snprintf(err, cap, "%s: %s", ifname, pcap_geterr(k->pcap));
		return -1;
	}
	r = pcap_activate(k->pcap);
	if (r < 0) {
		const char *detail = pcap_geterr(k->pcap);

		snprintf(err, cap, "%s: %s", ifname,
			 r == PCAP_ERROR_PERM_DENIED ? "no right to capture: CAP_NET_RAW expected"
			 : *detail		     ? detail
						     : pcap_statustostr(r));
		return -1;
	}
	if (pcap_datalink(k->pcap) != DLT_EN10MB) {
		snprintf(err, cap, "%s: no Ethernet interface", ifname);
		return -1;
	}
	return 0;
}

static int filter(struct packet *k, const char *ifname, const struct mac *mac, char *err,
		  size_t cap)
{
	char text[160], m[18], why[PCAP_ERRBUF_SIZE];
	const uint8_t *b = mac->b;
	struct bpf_program prog;

	snprintf(m, sizeof(m), "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
	snprintf(text, sizeof(text), "(ether dst %s or ether multicast) and not ether src %s", m, m);
	if (pcap_compile(k->pcap, &prog, text, 1, PCAP_NETMASK_UNKNOWN) < 0) {
		snprintf(err, cap, "%s: filter: %s", ifname, pcap_geterr(k->pcap));
		return -1;
	}
	int r = pcap_setfilter(k->pcap, &prog);

	pcap_freecode(&prog);
	if (r < 0 || pcap_setdirection(k->pcap, PCAP_D_IN) < 0) {
		snprintf(err, cap, "%s: filter: %s", ifname, pcap_geterr(k->pcap));
		return -1;
	}
	if (pcap_setnonblock(k->pcap, 1, why) < 0) {
		snprintf(err, cap, "%s: %s", ifname, why);
		return -1;
	}
	return 0;
}

struct link *link_packet(struct pkt_pool *pool, const char *ifname, const struct mac *mac,
			 char *err, size_t cap)
{
	char why[PCAP_ERRBUF_SIZE];
	struct packet *k;
	int mtu = strlen(ifname) < IFNAMSIZ ? mtu_of(ifname) : -1;

	if (mtu < 0) {
		snprintf(err, cap, "%.32s: no such interface", ifname);
		return NULL;
	}
	k = calloc(1, sizeof(*k));
	if (!k) {
		snprintf(err, cap, "%s: out of memory", ifname);
		return NULL;
	}
	k->pool = pool;
	k->link.ops = &packet_ops;
	k->link.caps.mtu = (uint16_t)(mtu < UINT16_MAX ? mtu : UINT16_MAX);
	k->link.caps.csum_rx = true;
	k->pcap = pcap_create(ifname, why);
	if (!k->pcap) {
		snprintf(err, cap, "%s: %s", ifname, why);
		free(k);
		return NULL;
	}
	if (activate(k, ifname, err, cap) < 0 || filter(k, ifname, mac, err, cap) < 0) {
		packet_close(&k->link);
		return NULL;
	}
	k->fd = pcap_get_selectable_fd(k->pcap);
	return &k->link;
}
