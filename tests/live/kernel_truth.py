#!/usr/bin/env python3
"""Scores `tapir explain` against runs whose truth is known from elsewhere.

kernel_truth.py TAPIR RUNDIR...

A run holds captures at both ends of a hurt path between two Linux kernels (a.pcap, b.pcap), the
fate of every frame on the link (link.tsv) and the kernel's own word, with its call stack, for each
retransmission (kernel.txt). Each captured segment is matched with its line of the link's log; a
segment is a retransmission if its sender had sent any of its bytes before. Prints a table per run
and exits 1 when a figure is below its floor.
"""
import collections
import json
import re
import struct
import subprocess
import sys

M = 1 << 32
FLOOR_CAUSE = 98.0
FLOOR_RECEIVER = 97.9


def sdiff(a, b):
    return ((a - b + (1 << 31)) % M) - (1 << 31)


def read_pcap(path):
    """All frames as (ns, source port, destination port, ipid, seq, ack, length, flags)."""
    raw = open(path, "rb").read()
    nano = struct.unpack("<I", raw[:4])[0] == 0xA1B23C4D
    p, out = 24, []
    while p + 16 <= len(raw):
        s, f, n, _ = struct.unpack("<IIII", raw[p:p + 16])
        d = raw[p + 16:p + 16 + n]
        p += 16 + n
        ihl = (d[14] & 15) * 4
        t = 14 + ihl
        sport, dport, seq, ack, off, flags = struct.unpack(">HHIIBB", d[t:t + 14])
        total, ipid = struct.unpack(">HH", d[16:20])
        out.append((s * 10**9 + (f if nano else f * 1000), sport, dport, ipid, seq, ack,
                    total - ihl - (off >> 4) * 4, flags))
    return out


def read_link(path):
    """Frames of the link in its order, with `retx`: some of its bytes were sent before."""
    out, top, seen = [], {}, collections.defaultdict(list)
    for line in open(path).read().splitlines()[1:]:
        f = line.split("\t")
        q = dict(dir=f[1], t=int(f[2]), fate=f[3], ipid=int(f[5]), sp=int(f[6]), dp=int(f[7]), seq=int(f[8]),
                 ack=int(f[9]), len=int(f[10]), flags=int(f[11]), retx=False)
        q["space"] = q["len"] + bool(q["flags"] & 1) + bool(q["flags"] & 2)
        if q["space"] and not q["flags"] & 4:
            k = (q["sp"], q["dp"])
            end = (q["seq"] + q["space"]) % M
            if q["flags"] & 2 and (k not in top or top[k][1] != q["seq"]):
                top[k] = (end, q["seq"])
            elif k in top and sdiff(q["seq"], top[k][0]) < 0:
                q["retx"] = True
                top[k] = (end if sdiff(end, top[k][0]) > 0 else top[k][0], top[k][1])
            else:
                top[k] = (end, top[k][1] if k in top else None)
        out.append(q)
    return out


def read_kernel(path):
    """Events in order: (source port, destination port, seq, end, cause). One event may be many segments."""
    out = []
    text = open(path).read()
    for block in re.split(r"\n(?=[RS] )", text):
        f = block.split()
        if not f or f[0] not in "RS":
            continue
        if f[0] == "S":
            out.append((int(f[2]), int(f[3]), None, None, "syn-ack"))
            continue
        syn = int(f[6]) in (2, 3)
        if "tcp_send_loss_probe" in block:
            cause = "tlp"
        elif "tcp_retransmit_timer" in block or "tcp_write_timer" in block and "xmit_retransmit" not in block:
            cause = "syn" if syn else "rto"
        else:
            cause = "recovery"
        out.append((int(f[2]), int(f[3]), int(f[4]), int(f[5]), cause))
    return out


def mark_needless(link):
    """A copy is needless if every byte of it had been handed on by an earlier one. (Late originals
    whose timestamp the receiver refused, RFC 7323 5.3, make this say so too often.)"""
    through = collections.defaultdict(set)
    for q in link:
        if not q["space"] or q["flags"] & 4:
            continue
        units = through[q["sp"], q["dp"]]
        # Segments are cut where they were cut before, nearly always: ends of 1 byte would be exact and slow.
        mine = {(q["seq"] + i) % M for i in range(0, q["space"], 4)} | {(q["seq"] + q["space"] - 1) % M}
        q["needless"] = q["retx"] and mine <= units
        if not q["fate"].startswith("drop"):
            units |= mine


def attach(pcap, link, here):
    """For each captured frame its line of the link's log, and whether it is a second copy."""
    sent, arrived = collections.defaultdict(list), collections.defaultdict(list)
    for q in link:
        k = (q["sp"], q["dp"], q["ipid"], q["seq"], q["ack"], q["len"], q["flags"])
        if q["dir"] == here:
            sent[k].append(q)
        elif not q["fate"].startswith("drop"):
            arrived[k].append(q)
            if q["fate"] == "pass-dup":
                arrived[k].append(dict(q, copy=True))
    out = []
    for p in pcap:
        k = p[1:]
        if sent[k]:
            out.append((sent[k].pop(0), True, False))
        elif arrived[k]:
            q = arrived[k].pop(0)
            out.append((q, False, q.get("copy", False)))
        else:
            out.append(None)
    return out


def judge_journey(tapir, d, link, total):
    """Both captures joined: the frames lost and doubled on the way, against the link's log."""
    j = json.loads(subprocess.run([tapir, "explain", "--json", d + "/a.pcap", "--with", d + "/b.pcap"], check=True,
                                  capture_output=True).stdout)["journey"]
    for key, way in (("client_to_server", "ab"), ("server_to_client", "ba")):
        total["journey", "lost"] += sum(q["dir"] == way and q["fate"].startswith("drop") for q in link)
        total["journey", "copies"] += sum(q["dir"] == way and q["fate"] == "pass-dup" for q in link)
        total["journey", "said lost"] += j[key]["lost"]
        total["journey", "said copies"] += j[key]["copies"]


def verdicts(tapir, path):
    """frame -> (kind, cause, needless) as tapir says."""
    j = json.loads(subprocess.run([tapir, "explain", "--json", path], check=True, capture_output=True).stdout)
    out = {}
    for c in j["connections"]:
        for e in c["retransmissions"]:
            out[e["frame"]] = ("retx", e["cause"], e["needless"])
        for e in c["late"]:
            out[e["frame"]] = ("late", None, False)
        for e in c["copies"]:
            out[e["frame"]] = ("copy", None, False)
        for e in c["probes"]:
            out[e["frame"]] = ("probe", None, False)
    return out


def match_kernel(at, kernel):
    """frame -> the kernel's cause. Events and frames come in the same order; an event is used up as
    its segments appear."""
    waiting = collections.defaultdict(list)
    for sp, dp, seq, end, cause in kernel:
        waiting[sp, dp].append([seq, end, cause])
    out = {}
    for i, m in enumerate(at):
        if not m or not m[1] or not m[0]["retx"]:
            continue
        q = m[0]
        for w in waiting[q["sp"], q["dp"]]:
            if w[0] is None and q["flags"] & 18 == 18:
                waiting[q["sp"], q["dp"]].remove(w)
            elif w[0] is not None and sdiff(q["seq"], w[0]) >= 0 and sdiff(q["seq"], w[1]) < 0:
                w[0] = (q["seq"] + q["space"]) % M
                if sdiff(w[0], w[1]) >= 0:
                    waiting[q["sp"], q["dp"]].remove(w)
            else:
                continue
            out[i + 1] = w[2]
            break
    return out


def go_back(pcap, at, cause):
    """The kernel calls go-back after an RTO what its recovery function sends in state Loss: from an
    RTO until all that was outstanding then is acknowledged, unless that RTO is undone."""
    high, top, una = {}, {}, {}
    for i, p in enumerate(pcap):
        _, sp, dp, _, seq, ack, n, flags = p
        k, r = (sp, dp), (dp, sp)
        end = (seq + n + bool(flags & 3)) % M
        if flags & 16 and r in top:
            if r not in una or sdiff(ack, una[r]) > 0:
                una[r] = ack
            if r in high and sdiff(ack, high[r]) >= 0:
                del high[r]
        c = cause.get(i + 1)
        if c == "rto":
            high[k] = top[k]
        elif c == "recovery" and k in high:
            cause[i + 1] = "go-back"
        if at[i] and at[i][1] and (k not in top or sdiff(end, top[k]) > 0):
            top[k] = end
    return cause


def percent(a, b):
    return 100.0 * a / b if b else 100.0


def judge_run(tapir, d, total):
    link, kernel = read_link(d + "/link.tsv"), read_kernel(d + "/kernel.txt")
    mark_needless(link)
    judge_journey(tapir, d, link, total)
    for name, here in (("a", "ab"), ("b", "ba")):
        path = "%s/%s.pcap" % (d, name)
        pcap = read_pcap(path)
        at, said = attach(pcap, link, here), verdicts(tapir, path)
        cause = go_back(pcap, at, match_kernel(at, kernel))
        top = {}
        for i, m in enumerate(at):
            v = said.get(i + 1, ("new", None, False))
            if not m or not m[0]["space"] or m[0]["flags"] & 4:
                continue
            q, mine, copy = m
            k = (q["sp"], q["dp"])
            end = (q["seq"] + q["space"]) % M
            if q["flags"] & 2 and not q["retx"]:
                top[k] = q["seq"]
            below = k in top and sdiff(end, top[k]) <= 0
            if k not in top or sdiff(end, top[k]) > 0:
                top[k] = end
            if mine:
                total["sender", "retx" if q["retx"] else "new", v[0]] += 1
                if q["retx"]:
                    total["needless", q["needless"], v[2]] += 1
                    if VERBOSE and q["needless"] != v[2]:
                        print(d, name, "frame", i + 1, "needless", q["needless"], "tapir", v)
                c = cause.get(i + 1)
                if q["retx"] and c:
                    fin = q["flags"] & 1 and not q["len"]
                    total["cause", "fin" if fin else c, v[1]] += 1
                    if VERBOSE and v[1] != ("fin" if fin else c):
                        print(d, name, "frame", i + 1, "kernel", c, "tapir", v)
                elif q["retx"]:
                    total["unmatched"] += 1
            else:
                truth = "copy" if copy else "retx" if q["retx"] and below else "unseen" if q["retx"] else \
                    "late" if below else "new"
                total["receiver", truth, v[0]] += 1
                if VERBOSE and truth not in (v[0], "unseen"):
                    print(d, name, "frame", i + 1, "truth", truth, "tapir", v)


def row(total, *key):
    return {k[-1]: v for k, v in total.items() if k[:-1] == key}


def report(total):
    ok = True

    def floor(what, value, least):
        nonlocal ok
        print("%-56s %7.2f %%  (floor %.1f)%s" % (what, value, least, "" if value >= least else "  BELOW"))
        ok = ok and value >= least

    def n(where, truth, said):
        return total[where, truth, said]

    def n2(what):
        return total["journey", what]

    for where in ("sender", "receiver"):
        for truth in ("new", "retx", "unseen", "late", "copy"):
            r = row(total, where, truth)
            if r:
                print("%-9s %-7s said to be %s" % (where, truth, dict(sorted(r.items()))))
    wrong = n("sender", "new", "retx")
    right = n("sender", "retx", "retx")
    floor("sender: precision", percent(right, right + wrong), 100)
    floor("sender: recall", percent(right, sum(row(total, "sender", "retx").values())), 100)
    right = n("receiver", "retx", "retx")
    also = n("receiver", "unseen", "retx")
    wrong = sum(n("receiver", t, "retx") for t in ("new", "late", "copy"))
    floor("receiver: precision", percent(right + also, right + also + wrong), 100)
    floor("receiver: recall of the decidable", percent(right, sum(row(total, "receiver", "retx").values())),
          FLOOR_RECEIVER)
    for truth in ("late", "copy"):
        floor("receiver: " + truth + " called so",
              percent(n("receiver", truth, truth), sum(row(total, "receiver", truth).values())), 99)
    for c in ("recovery", "rto", "go-back", "tlp", "syn", "syn-ack", "fin"):
        r = row(total, "cause", c)
        if r:
            floor("cause %s (%s)" % (c, dict(sorted((str(k), v) for k, v in r.items()))),
                  percent(r.get(c, 0), sum(r.values())), FLOOR_CAUSE)
    hit, missed, false = (total["needless", a, b] for a, b in ((True, True), (True, False), (False, True)))
    floor("needless, at the sender: precision (%d false)" % false, percent(hit, hit + false), 99)
    floor("needless, at the sender: recall (%d of %d)" % (hit, hit + missed), percent(hit, hit + missed), 60)
    for what in ("lost", "copies"):
        floor("two captures joined: %s on the way (%d, said %d)" % (what, n2(what), n2("said " + what)),
              100 if n2(what) == n2("said " + what) else 0, 100)
    print("retransmissions without a kernel event:", total["unmatched"])
    return ok


def main(argv):
    total = collections.Counter()
    for d in argv[1:]:
        judge_run(argv[0], d, total)
    return 0 if report(total) else 1


VERBOSE = "-v" in sys.argv
sys.exit(main([a for a in sys.argv[1:] if a != "-v"]))
