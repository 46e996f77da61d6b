#!/usr/bin/env python3
"""Runs each comparison in interleaved rounds and prints medians and ratios; tests/bench/run.sh has
built the programs. The report goes to build/bench/report.txt as well.

usage: tests/bench/bench.py [--rounds N] [--quick] [sim] [memory] [instructions] [tap]

CPU time is user and system time of the whole process, set-up included. A ratio above 1 says how many
times better tapir is. Rounds are interleaved (every candidate once a round), so that what else the
machine does falls on all alike."""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

OUT = "build/bench"
TAPIR = "build/fast/tapir"
US, KERNEL = "10.77.0.2", "10.77.0.1"
lines = []


def say(text=""):
    print(text, flush=True)
    lines.append(text)


def built(name):
    return os.path.exists(os.path.join(OUT, name))


def fields(text):
    """cpu=1.5 frames=10 ... -> numbers"""
    return {k: float(v) for k, v in re.findall(r"(\w+)=([0-9.]+)", text)}


def run(argv):
    """Output, and CPU seconds of the process."""
    p = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = p.stdout.read().decode(), p.stderr.read().decode()
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode:
        sys.exit(f"bench: {' '.join(argv)}: exit {p.returncode}: {err[-300:]}")
    return out, usage.ru_utime + usage.ru_stime


def rounds_of(n, jobs):
    """jobs: name -> function that gives a dict of numbers. Medians by name."""
    got = {name: [] for name in jobs}
    for _ in range(n):
        for name, job in jobs.items():
            got[name].append(job())
    return {name: {k: statistics.median(r[k] for r in rows) for k in rows[0]}
            for name, rows in got.items()}


# ---- the simulator beside ns-3 ----

def sim_job(rate, loss, trace):
    def job():
        argv = [TAPIR, "run", "tests/bench/bulk.yaml", "--json", "--set", f"sweep.rate={rate}",
                "--set", f"sweep.loss={loss}"]
        out, cpu = run(argv + (["--out", OUT + "/trace"] if trace else ["--no-trace"]))
        frames = int(re.search(r'"delivered": (\d+)', out).group(1))
        return {"cpu": cpu, "frames": frames}
    return job


def ns3_job(rate, loss):
    def job():
        out, cpu = run([OUT + "/ns3_bulk", f"--rate={rate}", f"--loss={loss}"])
        return {"cpu": cpu, "frames": fields(out)["frames"]}
    return job


def sim(args):
    say("simulated bulk transfer: 2 hosts, 10 ms each way, 100 MB, CUBIC; CPU of the whole process")
    say(f"{'':30}{'tapir s':>9}{'us/frame':>10}{'ns-3 s':>9}{'us/frame':>10}{'ratio':>8}")
    cases = [("100 Mbit/s, no loss", "100mbit", "0%", False), ("100 Mbit/s, 1 % loss", "100mbit", "1%", False),
             ("1 Gbit/s, no loss", "1gbit", "0%", False), ("1 Gbit/s, 1 % loss", "1gbit", "1%", False),
             ("100 Mbit/s, 1 %, two captures", "100mbit", "1%", True)]
    for name, rate, loss, trace in cases[:2] if args.quick else cases:
        jobs = {"tapir": sim_job(rate, loss, trace)}
        if built("ns3_bulk"):
            jobs["ns-3"] = ns3_job(rate.replace("bit", "bps").replace("m", "M").replace("g", "G"),
                                   float(loss[:-1]) / 100)
        m = rounds_of(args.rounds, jobs)
        us = {who: v["cpu"] / v["frames"] * 1e6 for who, v in m.items()}
        row = f"{name:30}{m['tapir']['cpu']:9.3f}{us['tapir']:10.3f}"
        if "ns-3" in m:
            row += f"{m['ns-3']['cpu']:9.3f}{us['ns-3']:10.3f}{m['ns-3']['cpu'] / m['tapir']['cpu']:7.1f}x"
        say(row)
    say("(captures: ours alone writes them, 96 bytes a frame at both ends; ns-3 runs without)")
    say()


# ---- the stack alone ----

def memory(args):
    size = "200" if args.quick else "1000"

    def job(program, mode, *more):
        return lambda: fields(run([f"{OUT}/{program}", mode, size, *more])[0])

    say("two stacks in memory, one core, frames of 1,500 bytes, windows of 256 KiB, both ends' work")
    say(f"{'':44}{'ns/segment':>11}{'Mseg/s':>9}{'Gbit/s':>9}{'ratio':>8}")
    for mode, title in (("copy", "copied in and out"), ("zero", "by reference")):
        jobs = {"tapir": job("pair", mode)}
        if mode == "copy":
            jobs["tapir beside 10,000 idle connections"] = job("pair", mode, "10000")
        if built("lwip_bulk"):
            jobs["lwIP"] = job("lwip_bulk", mode)
            jobs["lwIP with our checksum"] = job("lwip_bulk_fast", mode)
        m = rounds_of(args.rounds, jobs)
        for who, v in m.items():
            ratio = v["ns"] / m["tapir"]["ns"]
            mark = f"{ratio:7.2f}x" if who.startswith("lwIP") else ""
            say(f"{who + ', ' + title:44.44}{v['ns']:11.1f}{v['mseg']:9.3f}{v['gbit']:9.2f}{mark}")
    say("(tapir by reference makes no checksum between the two, as with a device that does; lwIP does)")
    say()


def instructions(args):
    """The growth between two sizes, so that set-up does not count. Copies by vectors: of a string instruction
    callgrind would count every byte."""
    vectors = dict(os.environ, GLIBC_TUNABLES="glibc.cpu.x86_rep_movsb_threshold=1000000000")

    def count(mode, size):
        p = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={OUT}/callgrind.{mode}",
                            f"{OUT}/pair", mode, str(size)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=vectors)
        refs = re.search(rb"Collected : (\d+)", p.stderr)
        return int(refs.group(1)), fields(p.stdout.decode())["segments"]

    if not shutil.which("valgrind"):
        say("instructions a segment: left out (no valgrind)\n")
        return
    say("instructions a segment, both ends (callgrind; details: callgrind_annotate build/bench/callgrind.*)")
    for mode in ("zero", "copy"):
        (a, n), (b, m) = count(mode, 20), count(mode, 60)
        say(f"{mode:44}{(b - a) / (m - n):11.0f}")
    say()


# ---- over TAP, with the kernel at the other end ----

class Namespace:
    def __init__(self):
        self.name = f"tapir-bench-{os.getpid()}"
        self.ip("netns", "add", self.name)
        self.inside("ip", "link", "set", "lo", "up")
        self.inside("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                    "net.ipv6.conf.default.disable_ipv6=1")

    def ip(self, *argv):
        subprocess.run(("ip",) + argv, check=True)

    def inside(self, *argv):
        subprocess.run(("ip", "netns", "exec", self.name) + argv, check=True)

    def device(self, name, *flags):
        """Made anew for each run: no state is left from the one before."""
        subprocess.run(("ip", "-n", self.name, "link", "del", name), stderr=subprocess.DEVNULL)
        self.inside("ip", "tuntap", "add", name, "mode", "tap", *flags)
        self.inside("ip", "addr", "add", KERNEL + "/24", "dev", name)
        self.inside("ip", "link", "set", name, "up", "txqueuelen", "4096")

    def free(self):
        self.ip("netns", "del", self.name)


def pinned(core):
    cores = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, {cores[core % len(cores)]})


def tap_job(ns, server, flags, direction, size):
    """`server` serves one connection on core 0, the kernel's end moves `size` MB on core 1."""
    def job():
        ns.device("bench0", *flags)
        p = subprocess.Popen(("ip", "netns", "exec", ns.name) + server, stderr=subprocess.PIPE,
                             stdout=subprocess.DEVNULL, preexec_fn=pinned(0))
        p.stderr.readline()  # "listening on ..."
        k = subprocess.run(("ip", "netns", "exec", ns.name, OUT + "/kernel_end", direction, US, "5001", str(size)),
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=pinned(1), timeout=120)
        end = time.monotonic() + 10
        while (done := os.wait4(p.pid, os.WNOHANG))[0] == 0:
            if time.monotonic() > end:
                p.kill()
            time.sleep(0.01)
        p.returncode = 0
        p.stderr.close()
        if k.returncode:
            sys.exit(f"bench: {' '.join(server)}: {k.stdout.decode()} {k.stderr.decode()}")
        r = fields(k.stdout.decode())
        ours = done[2].ru_utime + done[2].ru_stime
        return {"gbit": r["gbit"], "stack": ours * 1000 / size, "kernel": r["cpu"] * 1000 / size}
    return job


def tap(args):
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        say("over TAP: left out (root and /dev/net/tun are needed)\n")
        return
    size = 200 if args.quick else 1000
    say(f"{size} MB over TAP, MTU 1500, the kernel (CUBIC) at the other end, a core each")
    say(f"{'':44}{'Gbit/s':>11}{'s/GB stack':>11}{'kernel':>9}{'ratio':>8}")
    ns = Namespace()
    serve = (TAPIR, "serve", "--tap", "bench0", "--addr", US + "/24", "--port", "5001", "--count", "1")
    try:
        for direction, app, lwip, title in (("read", "chargen", "source", "to the kernel"),
                                            ("write", "discard", "sink", "from the kernel")):
            jobs = {"tapir": tap_job(ns, serve + ("--app", app), ("vnet_hdr",), direction, size),
                    "tapir without offload": tap_job(ns, serve + ("--app", app, "--no-offload"), (), direction, size)}
            for program, who in (("lwip_bulk", "lwIP"), ("lwip_bulk_fast", "lwIP with our checksum")):
                if built(program):
                    jobs[who] = tap_job(ns, (f"{OUT}/{program}", lwip, "bench0", US), (), direction, size)
            m = rounds_of(args.rounds, jobs)
            for who, v in m.items():
                mark = f"{m['tapir']['gbit'] / v['gbit']:7.2f}x" if who.startswith("lwIP") else ""
                say(f"{who + ', ' + title:44.44}{v['gbit']:11.2f}{v['stack']:11.3f}{v['kernel']:9.3f}{mark}")
    finally:
        ns.free()
    say("(tapir hands units of up to 64 kB over by the virtio header; lwIP has no such door)")
    say()


PARTS = {"sim": sim, "memory": memory, "instructions": instructions, "tap": tap}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--quick", action="store_true", help="less work, fewer rows")
    p.add_argument("part", nargs="*", help=" ".join(PARTS))
    args = p.parse_args()
    for name in args.part or PARTS:
        if name not in PARTS:
            sys.exit(f"bench: {name}: one of {' '.join(PARTS)} expected")
        PARTS[name](args)
    with open(OUT + "/report.txt", "w") as f:
        f.write("\n".join(lines) + "\n")


main()
