/* See fuzz_entries.h. The table, and the entries that are short; fuzz_stack.c, fuzz_trace.c and
 * fuzz_tls.c have the others. */
#include "fuzz_entries.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "../../sim/scenario.h"
#include "../../sim/script.h"
#include "../../stack/base/check.h"
#include "../../stack/wire/arp.h"
#include "../../stack/wire/eth.h"
#include "../../stack/wire/icmp.h"
#include "../../stack/wire/print.h"
#include "../../stack/wire/udp.h"

/* ---- inputs ---- */

uint8_t fuzz_u8(struct fuzz_in *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

uint16_t fuzz_u16(struct fuzz_in *in)
{
	uint16_t hi = fuzz_u8(in);

	return (uint16_t)(hi << 8 | fuzz_u8(in));
}

uint32_t fuzz_u32(struct fuzz_in *in)
{
	uint32_t hi = fuzz_u16(in);

	return hi << 16 | fuzz_u16(in);
}

size_t fuzz_take(struct fuzz_in *in, void *to, size_t max)
{
	size_t n = in->n < max ? in->n : max;

	if (n)
		memcpy(to, in->p, n);
	in->p += n;
	in->n -= n;
	return n;
}

FILE *fuzz_nowhere(void)
{
	static FILE *f;

	if (!f)
		f = fopen("/dev/null", "w");
	assert(f);
	return f;
}

static void seed_file(fuzz_seed_fn *seed, void *arg, const char *path, const char *prefix, size_t max)
{
	size_t n = strlen(prefix);
	char *buf = malloc(n + max + 1);
	FILE *f = fopen(path, "rb");

	assert(buf);
	memcpy(buf, prefix, n);
	if (f) {
		n += fread(buf + n, 1, max + 1, f);
		fclose(f);
	}
	if (n <= strlen(prefix) + max)
		seed(arg, buf, n);
	free(buf);
}

void fuzz_seed_files(fuzz_seed_fn *seed, void *arg, const char *folder, const char *suffix, const char *prefix,
		     size_t max)
{
	DIR *d = opendir(folder);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		size_t n = strlen(e->d_name), m = strlen(suffix);
		char path[1024];

		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (e->d_name[0] == '.')
			continue;
		if (e->d_type == DT_DIR)
			fuzz_seed_files(seed, arg, path, suffix, prefix, max);
		else if (n > m && strcmp(e->d_name + n - m, suffix) == 0)
			seed_file(seed, arg, path, prefix, max);
	}
	if (d)
		closedir(d);
}

/* ---- wire: each parser, and what it says put back into bytes and into words ---- */

enum wire_kind { WIRE_FRAME, WIRE_IP4, WIRE_IP6, WIRE_TCP, WIRE_UDP, WIRE_ICMP, WIRE_ARP, WIRE_TEXT, WIRE_KINDS };

static void try_tcp(const uint8_t *p, size_t n)
{
	uint8_t header[TCP_MAX_HDR];
	char text[SEG_TEXT], small[9];
	struct seg g, again;

	if (!tcp_parse(p, n, &g))
		return;
	assert(g.hdr_len <= n);
	g.len = (uint32_t)(n - g.hdr_len);
	assert((tcp_ao_cover(p, g.hdr_len, true, header) == g.hdr_len) == g.opt.has_ao);
	assert(tcp_ao_cover(p, g.hdr_len, false, header) <= g.hdr_len);
	seg_print(text, sizeof(text), &g, g.seq, g.ack);
	assert(strlen(text) < sizeof(text));
	seg_print(small, sizeof(small), &g, seq_of(0), seq_of(0));
	assert(strlen(small) < sizeof(small));
	for (int layout = LAYOUT_LINUX; layout <= LAYOUT_BSD; layout++) {
		size_t len = TCP_LEN + tcp_opts_len(&g, (enum tcp_layout)layout);

		/* What nobody would send does not fit. */
		if (len > sizeof(header))
			continue;
		len = tcp_emit(header, &g, (enum tcp_layout)layout);
		bool ok = tcp_parse(header, len, &again);

		assert(ok && !again.opt.malformed);
		assert(again.flags == g.flags && again.seq.v == g.seq.v && again.opt.nsack == g.opt.nsack);
		assert(again.opt.has_ao == g.opt.has_ao && again.opt.ao_keyid == g.opt.ao_keyid);
		assert(again.opt.has_ts == g.opt.has_ts && (!g.opt.has_ts || again.opt.ts_val == g.opt.ts_val));
	}
}

static void try_icmp(const uint8_t *p, size_t n)
{
	struct icmp_msg m;
	struct icmp_inner in;

	if (!icmp_parse(p, n, &m))
		return;
	assert(m.body_len <= n);
	icmp_inner_parse(&m, false, &in);
	icmp_inner_parse(&m, true, &in);
}

static void try_payload(uint8_t proto, const uint8_t *p, size_t n)
{
	struct udp_hdr udp;

	if (proto == PROTO_TCP)
		try_tcp(p, n);
	else if (proto == PROTO_UDP)
		udp_parse(p, n, &udp);
	else
		try_icmp(p, n);
}

static void try_ip(bool v6, const uint8_t *p, size_t n)
{
	char text[ADDR_TEXT];
	struct ip_hdr h;
	struct addr back;
	uint32_t problem = 0;
	uint8_t code = 0;

	enum ip_verdict v = v6 ? ip6_parse(p, n, &h, &problem, &code) : ip4_parse(p, n, &h, true);

	assert(v != IP_PARAM_PROBLEM || problem < n);
	if (v != IP_OK)
		return;
	assert(h.hdr_len + h.payload_len <= n);
	addr_print(text, sizeof(text), &h.src);
	bool ok = addr_scan(text, &back);

	assert(ok && addr_eq(&back, &h.src));
	try_payload(h.proto, p + h.hdr_len, h.payload_len);
}

static void try_frame(const uint8_t *p, size_t n)
{
	struct eth_hdr h;
	struct arp_msg arp;

	if (!eth_parse(p, n, &h))
		return;
	assert(h.hdr_len <= n);
	if (h.type == ETH_ARP)
		arp_parse(p + h.hdr_len, n - h.hdr_len, &arp);
	else
		try_ip(h.type == ETH_IP6, p + h.hdr_len, n - h.hdr_len);
}

static void try_text(const uint8_t *p, size_t n)
{
	char *text = malloc(n + 1), shown[ADDR_TEXT], seg_text[SCRIPT_SEG_TEXT], err[200];
	struct addr a, b;
	struct mac m;
	struct script_seg g;

	assert(text);
	memcpy(text, p, n);
	text[n] = '\0';
	if (addr_scan(text, &a)) {
		addr_print(shown, sizeof(shown), &a);
		bool ok = addr_scan(shown, &b);

		assert(ok && addr_eq(&a, &b));
	}
	mac_scan(text, &m);
	if (script_parse_seg(text, &g, err, sizeof(err)))
		script_print_seg(seg_text, sizeof(seg_text), &g);
	free(text);
}

void fuzz_wire(const uint8_t *bytes, size_t n)
{
	struct fuzz_in in = {bytes, n};
	enum wire_kind kind = fuzz_u8(&in) % WIRE_KINDS;
	struct arp_msg arp;

	/* A block of its own, so that reading past it is seen. */
	uint8_t *p = malloc(in.n ? in.n : 1);

	assert(p);
	n = fuzz_take(&in, p, in.n);
	switch (kind) {
	case WIRE_FRAME:
		try_frame(p, n);
		break;
	case WIRE_IP4:
	case WIRE_IP6:
		try_ip(kind == WIRE_IP6, p, n);
		break;
	case WIRE_TCP:
		try_tcp(p, n);
		break;
	case WIRE_UDP:
		try_payload(PROTO_UDP, p, n);
		break;
	case WIRE_ICMP:
		try_icmp(p, n);
		break;
	case WIRE_ARP:
		arp_parse(p, n, &arp);
		break;
	default:
		try_text(p, n);
		break;
	}
	free(p);
}

void fuzz_wire_seeds(fuzz_seed_fn *seed, void *arg)
{
	static const char *const texts[] = {"\7" "192.0.2.1", "\7" "2001:db8::192.0.2.1", "\7" "02:00:00:00:00:01",
					    "\7> S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>",
					    "\7< . 1:1(0) ack 1 win 9 <nop,nop,sack 3:5 7:9>"};
	struct seg syn = {.sport = 1, .dport = 2, .flags = TH_SYN, .wnd = 1000};
	uint8_t f[1 + TCP_MAX_HDR] = {WIRE_TCP};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		seed(arg, texts[i], strlen(texts[i]));
	syn.opt = (struct tcp_opts){.has_mss = true, .mss = 1460, .sack_ok = true, .has_ts = true, .has_wscale = true};
	seed(arg, f, 1 + tcp_emit(f + 1, &syn, LAYOUT_LINUX));
	syn.opt = (struct tcp_opts){.nsack = 3};
	seed(arg, f, 1 + tcp_emit(f + 1, &syn, LAYOUT_BSD));
}

/* ---- scenario: what can be read, reads back to the same ---- */

static char *shown(const struct scenario *s, size_t *n)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, n);

	assert(f);
	scenario_show(f, s);
	fclose(f);
	assert(text);
	return text;
}

static void fuzz_scenario(const uint8_t *bytes, size_t n)
{
	char err[512] = "";
	struct scenario *s = scenario_parse("x.yaml", (const char *)bytes, n, NULL, err, sizeof(err));
	size_t n1, n2;

	if (!s) {
		assert(strncmp(err, "x.yaml", 6) == 0 && !strchr(err, '\n'));
		return;
	}
	scenario_lint(fuzz_nowhere(), s);
	char *first = shown(s, &n1);
	struct scenario *t = scenario_parse("x.yaml", first, n1, NULL, err, sizeof(err));

	if (!t)
		fprintf(stderr, "what was shown does not read back: %s\n%s", err, first);
	assert(t);
	char *second = shown(t, &n2);

	if (n1 != n2 || memcmp(first, second, n1) != 0)
		fprintf(stderr, "shown:\n%s\nread back:\n%s", first, second);
	assert(n1 == n2 && memcmp(first, second, n1) == 0);
	free(first);
	free(second);
	scenario_free(s);
	scenario_free(t);
}

static void fuzz_scenario_seeds(fuzz_seed_fn *seed, void *arg)
{
	fuzz_seed_files(seed, arg, "sim/scenarios", ".yaml", "", 4000);
	fuzz_seed_files(seed, arg, "tests/scenarios", ".yaml", "", 4000);
}

/* ---- script: the first byte chooses the profile, the rest is the script, which is run ---- */

#define SCRIPT_TURNS 3000

static void fuzz_script(const uint8_t *bytes, size_t n)
{
	static const char *const names[] = {"exact", "linux", "bsd", "linux,no-tso,syn-any,win-any"};
	struct script_profile p;
	struct script_result res = {0};
	char err[512] = "";

	if (n == 0)
		return;
	bool ok = script_profile_of(names[bytes[0] % ARRAY_LEN(names)], &p, err, sizeof(err));

	assert(ok);
	const char *const defines[] = {p.define[0], NULL};
	struct script_run_options o = {.profile = &p, .defines = defines, .seed = 1, .turns = SCRIPT_TURNS};
	struct script *f = script_parse((const char *)bytes + 1, n - 1, "x.pkt", defines, err, sizeof(err));

	if (!f) {
		assert(strncmp(err, "x.pkt:", 6) == 0);
		return;
	}
	script_run(f, &o, &res);
	assert(memchr(res.text, '\0', sizeof(res.text)));
	script_free(f);
}

static void fuzz_script_seeds(fuzz_seed_fn *seed, void *arg)
{
	fuzz_seed_files(seed, arg, "tests/scripts", ".pkt", "0", 3000);
}

/* ---- the table ---- */

const struct fuzz_entry fuzz_entries[] = {
	{"wire", fuzz_wire, fuzz_wire_seeds, 512},
	{"stack", fuzz_stack, fuzz_stack_seeds, 1024},
	{"vnet", fuzz_vnet, fuzz_vnet_seeds, 2048},
	{"capture", fuzz_capture, fuzz_capture_seeds, 8192},
	{"flow", fuzz_flow, fuzz_flow_seeds, 2048},
	{"scenario", fuzz_scenario, fuzz_scenario_seeds, 4096},
	{"script", fuzz_script, fuzz_script_seeds, 4096},
	{"pem", fuzz_pem, fuzz_pem_seeds, 6000},
	{"tls", fuzz_tls, fuzz_tls_seeds, 8192},
};
const size_t fuzz_nentries = ARRAY_LEN(fuzz_entries);

const struct fuzz_entry *fuzz_find_entry(const char *name)
{
	for (size_t i = 0; i < fuzz_nentries; i++)
		if (strcmp(fuzz_entries[i].name, name) == 0)
			return &fuzz_entries[i];
	return NULL;
}
