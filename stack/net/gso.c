/* Segmentation as the last stage of output: a send unit (one header, payload as slices, gso_size)
 * becomes the frames that TCP would have made one by one. Slices are shared by reference; only the
 * header is copied.
 *
 * What differs from frame to frame (RFC 9293 3.1; RFC 3168 6.1.2; RFC 6864): the sequence number,
 * FIN and PSH only on the last, CWR only on the first, the identification, the lengths, the header
 * checksum. The transport checksum stays CSUM_PARTIAL: whoever shows the bytes to the outside
 * completes it, after all changes. */
#include "net.h"

#include "../wire/csum.h"
#include "../wire/tcp.h"

struct cutter {
	const struct pkt *unit;
	uint32_t hdr_len; /* Ethernet, IP and TCP */
	uint32_t off;     /* payload bytes already cut */
	uint32_t i, used; /* the slice that comes next, and the bytes of it already given */
};

/* Moves the next n payload bytes into f as slices of its own. */
static bool add_payload(struct cutter *c, struct pkt *f, uint32_t n)
{
	while (n) {
		const struct slice *s = &c->unit->slice[c->i];
		uint32_t k = s->len - c->used < n ? s->len - c->used : n;

		if (!pkt_add_slice(f, s->chunk, s->off + c->used, k))
			return false;
		n -= k;
		c->used += k;
		if (c->used == s->len) {
			c->i++;
			c->used = 0;
		}
	}
	return true;
}

/* RFC 1624, equation 3: the sum moves with the two fields. */
static void fix_ip4(uint8_t *ip, uint16_t len, uint16_t id)
{
	csum_t sum = (uint16_t)~rd16(ip + 10);

	sum += (csum_t)(uint16_t)~rd16(ip + 2) + len + (uint16_t)~rd16(ip + 4) + id;
	wr16(ip + 2, len);
	wr16(ip + 4, id);
	wr16(ip + 10, (uint16_t)~csum_fold_native(sum));
}

static void fix_ip(struct pkt *f, uint32_t nth)
{
	uint8_t *ip = f->data + f->l3_off;
	uint32_t ip_len = f->len - f->l3_off;

	if (ip[0] >> 4 == 4)
		fix_ip4(ip, (uint16_t)ip_len, (uint16_t)(rd16(ip + 4) + nth));
	else
		wr16(ip + 4, (uint16_t)(ip_len - IP6_LEN));
}

static void fix_tcp(struct pkt *f, uint32_t off, bool first, bool last)
{
	uint8_t *tcp = f->data + f->l4_off;

	wr32(tcp + 4, rd32(tcp + 4) + off);
	if (!last)
		tcp[13] &= (uint8_t) ~(TH_FIN | TH_PSH);
	if (!first)
		tcp[13] &= (uint8_t)~TH_CWR;
}

static struct pkt *cut_one(struct net *net, struct cutter *c, uint32_t n, bool last)
{
	const struct pkt *u = c->unit;
	struct pkt *f = pkt_new(net->pool);

	if (!f)
		return NULL;
	memcpy(pkt_push(f, c->hdr_len), u->data, c->hdr_len);
	if (!add_payload(c, f, n)) {
		pkt_free(f);
		return NULL;
	}
	f->csum = CSUM_PARTIAL;
	f->l4_proto = u->l4_proto;
	f->l3_off = u->l3_off;
	f->l4_off = u->l4_off;
	f->stamp = u->stamp;
	f->note = u->note;
	f->note.lo = u->note.lo + c->off;
	f->note.hi = f->note.lo + n;
	fix_ip(f, c->off / u->gso_size);
	fix_tcp(f, c->off, c->off == 0, last);
	return f;
}

/* Our own units have nothing but headers in the head; a foreign one is brought to that shape. */
static bool payload_in_slices(struct pkt *u, uint32_t hdr_len)
{
	struct slice s[PKT_SLICES];
	int n;

	if (u->head_len == hdr_len)
		return true;
	n = pkt_take_slices(u, hdr_len, u->len - hdr_len, s, PKT_SLICES);
	if (n < 0)
		return false;
	for (int i = 0; i < u->nslices; i++)
		chunk_unref(u->pool, u->slice[i].chunk);
	memcpy(u->slice, s, (size_t)n * sizeof(s[0]));
	u->nslices = (uint8_t)n;
	u->head_len = hdr_len;
	return true;
}

void gso_cut(struct net *net, struct pkt *u)
{
	struct cutter c = {.unit = u};
	uint32_t payload;

	assert(u->gso_size > 0);
	assert(u->head_len >= (uint32_t)u->l4_off + TCP_LEN);
	c.hdr_len = u->l4_off + (u->data[u->l4_off + 12] >> 4) * 4u;
	assert(c.hdr_len <= u->head_len);
	assert(c.hdr_len <= PKT_BUF);
	if (!payload_in_slices(u, c.hdr_len)) {
		net->count->no_memory++;
		pkt_free(u);
		return;
	}
	payload = u->len - c.hdr_len;
	while (c.off < payload) {
		uint32_t n = payload - c.off < u->gso_size ? payload - c.off : u->gso_size;
		struct pkt *f = cut_one(net, &c, n, c.off + n == payload);

		if (!f) { /* the rest is lost, as it might be on the wire */
			net->count->no_memory++;
			break;
		}
		list_push_back(&net->cut, &f->node);
		net->nout++;
		c.off += n;
	}
	pkt_free(u);
}
