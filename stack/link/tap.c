/* A TAP device: Ethernet frames to and from the kernel, one a system call.
 *
 * With offload each frame has a vnet header (virtio 1.2, 5.1.6) in front, which says how far the
 * checksum is and of which size the segments are to be. So a send unit of 64 kB crosses in one
 * writev, straight from the chunks of the send queue, and one of the kernel's comes in one read:
 * the frame costs, not the byte. Without, each frame is on its own and complete.
 *
 * The device is taken away by the kernel when its last descriptor closes, unless it was made
 * persistent by someone else before. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../base/check.h"
#include "../link.h"
#include "../wire/csum.h"
#include "frame.h"

/* The queue towards us, in frames. The kernel's default of 1,000 is shorter than the windows that we
 * announce are in MTU frames (1 MiB / 1,460 = 719, and there may be several connections). */
#define TX_QUEUE_LEN 4096

/* Taken at once: a quarter of the usual window, so that the ACK of one batch leaves while the sender
 * fills the next, and what was read is still in the cache when it is looked at. */
#define BATCH_BYTES (256 * 1024)

struct tap {
	struct link link;
	struct pkt_pool *pool;
	int fd;
	bool vnet;
	struct chunk *spare; /* where the next frame is read to */
};

static struct tap *of(struct link *l)
{
	return container_of(l, struct tap, link);
}

static int tap_fd(const struct link *l)
{
	return container_of((struct link *)(uintptr_t)l, struct tap, link)->fd;
}

/* ---- in ---- */

/* Frames that fit a small chunk move there, so that a large one is not held by an ACK. */
static struct pkt *take_frame(struct tap *t, size_t len)
{
	struct chunk *c = t->spare;
	struct pkt *p;

	if (c->cls != CHUNK_SMALL && len <= 2048)
		return pkt_of_bytes(t->pool, c->data, len);
	t->spare = NULL;
	c->used = (uint32_t)len;
	p = pkt_of_chunk(t->pool, c, 0, (uint32_t)len);
	return p;
}

static size_t tap_recv(struct link *l, struct pkt **out, size_t max)
{
	struct tap *t = of(l);
	struct virtio_net_hdr v = {0};
	size_t n = 0, bytes = 0, head = t->vnet ? sizeof(v) : 0;

	while (n < max && bytes < BATCH_BYTES) {
		if (!t->spare)
			t->spare = chunk_new(t->pool, t->vnet ? CHUNK_LARGE : CHUNK_SMALL);
		if (!t->spare)
			break; /* the frames wait in the device's queue */
		struct iovec iov[2] = {{&v, head}, {t->spare->data, t->spare->cap}};
		ssize_t got = readv(t->fd, iov + !t->vnet, 1 + t->vnet);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		if ((size_t)got <= head)
			continue;
		out[n] = take_frame(t, (size_t)got - head);
		if (!out[n]) {
			l->rx_dropped++;
			break;
		}
		if (t->vnet)
			frame_from_vnet(out[n], &v);
		bytes += (size_t)got;
		n++;
	}
	return n;
}

/* ---- out ---- */

/* False: the device is full, the frame is still the caller's. */
static bool send_one(struct tap *t, struct pkt *p)
{
	struct virtio_net_hdr v;
	struct iovec iov[2 + PKT_SLICES];
	int n = 0;
	ssize_t done;

	if (t->vnet) {
		frame_to_vnet(p, &v);
		iov[n++] = (struct iovec){&v, sizeof(v)};
	} else {
		csum_complete(p);
	}
	iov[n++] = (struct iovec){p->data, p->head_len};
	for (int i = 0; i < p->nslices; i++) {
		const struct slice *s = &p->slice[i];

		iov[n++] = (struct iovec){s->chunk->data + s->off, s->len};
	}
	do
		done = writev(t->fd, iov, n);
	while (done < 0 && errno == EINTR);
	if (done < 0 && (errno == EAGAIN || errno == ENOBUFS))
		return false;
	/* Refused for good, e.g. since the device is down: lost on the wire, as it were. */
	if (done < 0)
		t->link.tx_dropped++;
	pkt_free(p);
	return true;
}

static size_t tap_send(struct link *l, struct pkt *const *in, size_t n)
{
	size_t k = 0;

	while (k < n && send_one(of(l), in[k]))
		k++;
	return k;
}

static void tap_close(struct link *l)
{
	struct tap *t = of(l);

	if (t->spare)
		chunk_unref(t->pool, t->spare);
	close(t->fd);
	free(t);
}

static const struct link_ops tap_ops = {
	.recv = tap_recv,
	.send = tap_send,
	.fd = tap_fd,
	.close = tap_close,
};

/* ---- opening ---- */

static int attach(struct tap *t, const char *ifname, bool offload, char *err, size_t cap)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | (offload ? IFF_VNET_HDR : 0)};

	t->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (t->fd < 0) {
		snprintf(err, cap, "/dev/net/tun: %s; a TAP device needs it, and CAP_NET_ADMIN",
			 strerror(errno));
		return -1;
	}
	memcpy(ifr.ifr_name, ifname, strlen(ifname) + 1);
	if (ioctl(t->fd, TUNSETIFF, &ifr) < 0) {
		const char *why = errno == EBUSY    ? "in use by another program"
				  : errno == EINVAL ? "exists and is no TAP device"
				  : errno == EPERM  ? "no right to it: CAP_NET_ADMIN or its owner expected"
						    : strerror(errno);

		snprintf(err, cap, "%s: %s", ifname, why);
		return -1;
	}
	if (offload) {
		const unsigned tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
		int size = sizeof(struct virtio_net_hdr);

		if (ioctl(t->fd, TUNSETVNETHDRSZ, &size) < 0 || ioctl(t->fd, TUNSETOFFLOAD, tso) < 0) {
			snprintf(err, cap, "%s: no offload: %s", ifname, strerror(errno));
			return -1;
		}
	}
	return 0;
}

/* Up, with a queue that is long enough; reads the MTU. */
static int configure(struct tap *t, const char *ifname, char *err, size_t cap)
{
	struct ifreq ifr = {0};
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0)
		goto failed;
	memcpy(ifr.ifr_name, ifname, strlen(ifname) + 1);
	if (ioctl(s, SIOCGIFMTU, &ifr) < 0)
		goto failed;
	t->link.caps.mtu = (uint16_t)(ifr.ifr_mtu < UINT16_MAX ? ifr.ifr_mtu : UINT16_MAX);
	if (ioctl(s, SIOCGIFTXQLEN, &ifr) == 0 && ifr.ifr_qlen < TX_QUEUE_LEN) {
		ifr.ifr_qlen = TX_QUEUE_LEN;
		ioctl(s, SIOCSIFTXQLEN, &ifr); /* an unprivileged owner has to do without */
	}
	if (ioctl(s, SIOCGIFFLAGS, &ifr) < 0)
		goto failed;
	if (!(ifr.ifr_flags & IFF_UP)) {
		ifr.ifr_flags |= IFF_UP;
		if (ioctl(s, SIOCSIFFLAGS, &ifr) < 0)
			goto failed;
	}
	close(s);
	return 0;
failed:
	snprintf(err, cap, "%s: cannot bring it up: %s", ifname, strerror(errno));
	if (s >= 0)
		close(s);
	return -1;
}

struct link *link_tap(struct pkt_pool *pool, const char *ifname, bool offload, char *err,
		      size_t cap)
{
	struct tap *t;

	if (!*ifname || strlen(ifname) >= IFNAMSIZ || strpbrk(ifname, "/ :%\t\n\v\f\r")) {
		snprintf(err, cap, "'%.32s' is no name for a device: 1 to 15 characters without / : %% "
			 "or blanks expected", ifname);
		return NULL;
	}
	t = calloc(1, sizeof(*t));
	if (!t) {
		snprintf(err, cap, "%s: out of memory", ifname);
		return NULL;
	}
	t->fd = -1;
	t->pool = pool;
	t->vnet = offload;
	t->link.ops = &tap_ops;
	if (attach(t, ifname, offload, err, cap) < 0 || configure(t, ifname, err, cap) < 0) {
		if (t->fd >= 0)
			close(t->fd);
		free(t);
		return NULL;
	}
	if (!offload && t->link.caps.mtu > 2000) {
		snprintf(err, cap, "%s: MTU %d, at most 2000 expected without offload", ifname,
			 t->link.caps.mtu);
		tap_close(&t->link);
		return NULL;
	}
	t->link.caps.csum_tx = t->link.caps.csum_rx = offload;
	t->link.caps.tso_max = offload ? 65535 : 0;
	return &t->link;
}
