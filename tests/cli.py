#!/usr/bin/env python3
"""The program as users type it: exit codes, one line that says where and what was expected, nothing
half-written, the JSON keys that others rely on, and a manual page with every option of `tapir help`.

usage: tests/cli.py PROGRAM. Needs neither root nor a network; the last line counts."""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

TAPIR = os.path.abspath(sys.argv[1])
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
CLEAN = ROOT + "/sim/scenarios/clean.yaml"
LOSSES = ROOT + "/traces/golden/losses.pcapng"
PKI = ROOT + "/sim/scenarios/pki/"
SERVE = "serve --tap tapir-none --addr 10.7.0.2/24 --port 80 --app echo"
COMMANDS = "run show sweep explore script explain check plot serve connect replay help".split()

# name, arguments, exit code, what stderr (or, with code 0, stdout) says
ROWS = [
    ("no command", "", 2, r"usage: tapir COMMAND"),
    ("an unknown command", "explan", 2, r"did you mean 'explain'"),
    ("run: an option misspelt", f"run --sed 3 {CLEAN}", 2, r"unknown option '--sed', did you mean '--seed'\?"),
    ("sweep: an option misspelt", f"sweep --collct {CLEAN}", 2, r"did you mean '--collect'"),
    ("explain: an option misspelt", f"explain --jsn {LOSSES}", 2, r"did you mean '--json'"),
    ("plot: no value", "plot --kind", 2, r"--kind wants a value"),
    ("run: a value too many", f"run --json=x {CLEAN}", 2, r"--json takes no value"),
    ("help: one word too many", "help run explain", 2, r"'explain' is one word too many"),
    ("a version, and more", "--version run", 2, r"'run' is one word too many"),
    ("a control character", "show a\nb", 2, r"^tapir: word 2 holds a control character, expected printable text$"),
    ("run: check and no check", f"run --check --no-check {CLEAN}", 2, r"exclude each other"),
    ("run: files and none", f"run --out x --no-trace {CLEAN}", 2, r"exclude each other"),
    ("run: a time below 0", f"run --set stop=-1s {CLEAN}", 2, r"^--set 1:1:1: stop: got `-1s`, expected a time"),
    ("run: a time beyond all", f"run --set stop=99999999999h {CLEAN}", 2, r"stop: got `99999999999h`, expected a time"),
    ("show: no UTF-8", "show latin1", 2, r"^latin1:2:\d+: .*expected printable UTF-8"),
    ("show: an alias", "show alias", 2, r"^alias:1:4: got an anchor or a tag, expected plain YAML"),
    ("show: aliases that grow", "show laughs", 2, r"^laughs:1:4: got an anchor"),
    ("show: nested without end", "show deep", 2, r"^deep:1:13: nested too deeply, expected at most 12 levels"),
    ("show: a key twice", "show twice", 2, r"^twice:3:1: got the key `seed` twice, expected each once"),
    ("show: a key misspelt", "show misspelt", 2, r"^misspelt:2:24: got the key `min_rot`, expected perhaps `min_rto`"),
    ("show: a size beyond all", "show huge", 2, r"^huge:2:32: sndbuf: got `99999999999999999999GB`, expected a size"),
    ("show: a device without end", "show /dev/zero", 2, r"^/dev/zero:1:1: got \d+ bytes, expected at most"),
    ("run: no file", "run", 2, r"expected one scenario"),
    ("run: two files", f"run {CLEAN} {CLEAN}", 2, r"expected one scenario"),
    ("run: no such file", "run nosuch", 2, r"^nosuch:1:1: cannot be read, expected"),
    ("run: a folder", "run folder", 2, r"^folder:1:1: cannot be read, expected"),
    ("run: an empty file", "run empty", 2, r"^empty:1:1: .*expected YAML"),
    ("run: binary junk", "run junk", 2, r"^junk:1:\d+: .*expected"),
    ("run: an unknown option", f"run --bogus {CLEAN}", 2, r"^tapir run: unknown option.*--bogus"),
    ("run: seed below 0", f"run --seed -1 {CLEAN}", 2, r"--seed: got `-1`, expected a whole number"),
    ("run: seed no number", f"run --seed nan {CLEAN}", 2, r"--seed: got `nan`"),
    ("run: seed beyond 64 bits", f"run --seed 99999999999999999999 {CLEAN}", 2, r"expected a whole number"),
    ("run: set without =", f"run --set x {CLEAN}", 2, r"^--set 1:1:1: got no `=`"),
    ("run: set of an unknown key", f"run --set x=1 {CLEAN}", 2, r"^--set 1:1:1: got the key `x`, expected"),
    ("run: loss over 100 %", f"run --set links.wire.loss=200% {CLEAN}", 2, r"expected a share between"),
    ("run: out below a file", f"run --out empty/x {CLEAN}", 2, r"^--out 'empty/x': .*expected a folder"),
    ("run: out is a file", f"run --out empty {CLEAN}", 2, r"^--out 'empty': .*expected a folder"),
    ("run: out is a device", f"run --out /dev/full {CLEAN}", 2, r"^--out '/dev/full': .*expected a folder"),
    ("run: an expectation fails", f"run --no-trace --set traffic.1.send=1kB {CLEAN}", 1, r""),
    ("sweep: no number of processes", f"sweep -j 0 {CLEAN}", 2, r"-j '0', expected a number from 1"),
    ("sweep: a share beyond the last", f"sweep --task 3/2 {CLEAN}", 2, r"--task '3/2', expected K/N"),
    ("sweep: list and task", f"sweep --list --task 1/2 {CLEAN}", 2, r"exclude each other"),
    ("sweep: nothing to collect", f"sweep --collect --out folder {CLEAN}", 2, r"^folder: no runs-1-of-N.csv, expected"),
    ("explore: an unknown fault", f"explore --faults drop,lose {CLEAN}", 2, r"--faults: expected some of"),
    ("explore: no number", f"explore --pairs -5 {CLEAN}", 2, r"--pairs '-5', expected a number"),
    ("explore: a sample of none", f"explore --singles 0 {CLEAN}", 2, r"--singles '0', expected a number from 1 on"),
    ("explore: a sample", f"explore --set traffic.1.send=3kB --singles 7 --pairs 2 {CLEAN}", 0,
     r"^9 runs \(7 single faults, 2 pairs, 0 of a swarm\), 0 failed$"),
    ("explore: nothing found", f"explore --set traffic.1.send=3kB --pairs 9 --swarm 9 -j 2 {CLEAN}", 0,
     r"^\d+ runs .*, 9 pairs, 9 of a swarm\), 0 failed$"),
    ("explore: too little time for a lost SYN",
     f"explore --set traffic.1.send=3kB --set stop=900ms --faults drop --pairs 9 {CLEAN}", 1, r""),
    ("script: nothing", "script", 2, r"expected FILE.pkt or a folder"),
    ("script: no such file", "script nosuch", 2, r""),
    ("script: a folder without scripts", "script folder", 2, r"^folder: no scripts, expected"),
    ("script: no number", f"script --seed x {ROOT}/tests/scripts/close", 2, r"--seed: got `x`"),
    ("script: an unknown profile", "script --profile x empty", 2, r"unknown profile 'x', expected"),
    ("script: out is a file", f"script --out empty {ROOT}/tests/scripts/close", 2, r"^--out empty: not a folder"),
    ("explain: no such file", "explain nosuch", 2, r"^nosuch: No such file"),
    ("explain: an empty file", "explain empty", 2, r"^empty:0: .*expected a pcap or pcapng header"),
    ("explain: junk", "explain junk", 2, r"^junk:0: magic .*expected"),
    ("explain: a folder", "explain folder", 2, r"^folder: Is a directory"),
    ("explain: cut short", "explain cut", 2, r"^cut:777: .*expected"),
    ("explain: no such stream", f"explain --stream 1 {LOSSES}", 2, r"no stream 1, expected one under 1"),
    ("explain: a stream below 0", f"explain --stream -1 {LOSSES}", 2, r"--stream '-1', expected a number"),
    ("explain: a stream beyond numbers", f"explain --stream 99999999999999999999 {LOSSES}", 2, r"expected a number"),
    ("explain: frame 0", f"explain --frame 0 {LOSSES}", 2, r"--frame '0', expected a number from 1"),
    ("explain: no such frame", f"explain --frame 99 {LOSSES}", 2, r"frame 99 .*expected one of its 22"),
    ("explain: two forms", f"explain --json --markdown {LOSSES}", 2, r"exclude each other"),
    ("explain: page on a full disk", f"explain --html /dev/full {LOSSES}", 2, r"^/dev/full: cannot be written"),
    ("explain: page into a folder", f"explain --html folder {LOSSES}", 2, r"^folder: cannot be written"),
    ("explain: why a frame was sent", f"explain --frame 14 {LOSSES}", 0, r"sends bytes 1001\.\.2000 again"),
    ("explain: of two captures", f"explain --with {LOSSES} {LOSSES}", 0, r"Between the two captures"),
    ("explain: no second capture", f"explain --with nosuch {LOSSES}", 2, r"^nosuch: No such file"),
    ("check: an unknown option", f"check --bogus {LOSSES}", 2, r"^tapir check: unknown option"),
    ("plot: no kind", f"plot -o x.svg {LOSSES}", 2, r"--kind is missing"),
    ("plot: an unknown kind", f"plot --kind pie -o x.svg {LOSSES}", 2, r"expected timeseq, ladder"),
    ("plot: no output", f"plot --kind rtt {LOSSES}", 2, r"-o FILE.svg is missing"),
    ("plot: a full disk", f"plot --kind rtt -o /dev/full {LOSSES}", 2, r"^/dev/full: cannot be written"),
    ("plot: no such stream", f"plot --kind rtt -o x.svg --stream 7 {LOSSES}", 2, r"no stream 7, expected"),
    ("serve: no device", "serve --addr 10.7.0.2/24 --port 80 --app echo", 2, r"--tap NAME or --raw IFACE"),
    ("serve: a device's name that is none", SERVE.replace("tapir-none", "a/b"), 2, r"no name for a device"),
    ("serve: an empty value", SERVE + " --capture=", 2, r"an option with an empty value, expected something"),
    ("serve: no prefix", SERVE.replace("/24", ""), 2, r"ADDRESS/LENGTH expected"),
    ("serve: the network's own address", SERVE.replace(".2/", ".0/"), 2, r"expected that of a host"),
    ("serve: the network's broadcast", SERVE.replace(".2/", ".255/"), 2, r"expected that of a host"),
    ("serve: an address twice", SERVE + " --addr 10.7.0.2/24", 2, r"10\.7\.0\.2 twice"),
    ("serve: a gateway elsewhere", SERVE + " --gateway 10.8.0.1", 2, r"in no network of --addr"),
    ("serve: no station's address", SERVE + " --mac 00:00:00:00:00:00", 2, r"no station's address"),
    ("serve: port 0", SERVE.replace("80", "0"), 2, r"a port of 1 to 65535 expected"),
    ("serve: an unknown app", SERVE.replace("echo", "ecco"), 2, r"--app: no 'ecco'"),
    ("serve: one word too many", SERVE + " more", 2, r"'more' is one word too many"),
    ("serve: the network made 200 % worse", SERVE + " --impair loss_200%", 2, r"--impair: .*expected"),
    ("serve: a key without its ids", SERVE + " --ao key:_x", 2, r"--ao: got a key without `send`, expected"),
    ("serve: a key with a word that is none", SERVE + " --ao send:_1,_recv:_2,_kee:_x", 2, r"--ao: got the key `kee`"),
    ("serve: no such algorithm", SERVE + " --ao send:_1,_recv:_2,_key:_x,_alg:_md5", 2, r"--ao: .*hmac-sha-1-96"),
    ("serve: a key's file that is not there", SERVE + " --ao @nosuch", 2, r"--ao: cannot read nosuch: No such file"),
    ("serve: count 0", SERVE + " --count 0", 2, r"--count: '0' is no number from 1"),
    ("serve: TLS without certificate", SERVE + " --tls", 2, r"--cert FILE and --key FILE"),
    ("serve: another's key", SERVE + f" --tls --cert {PKI}server.pem --key {PKI}client.key", 2, r"expected a pair"),
    ("serve: certificate and key swapped", SERVE + f" --tls --cert {PKI}server.key --key {PKI}server.pem", 2, r"swapped"),
    ("serve: an empty certificate", SERVE + f" --tls --cert empty --key {PKI}server.key", 2, r"expected a PEM CERT"),
    ("connect: a name, not an address", "connect --tap t --addr 10.7.0.2/24 localhost 80", 2, r"address is expected"),
    ("connect: to itself", "connect --tap t --addr 10.7.0.2/24 10.7.0.2 80", 2, r"the stack's own"),
    ("connect: a name that is too long",
     f"connect --tap t --addr 10.7.0.2/24 --tls --cacert {PKI}ca.pem --servername {'a' * 256} 10.7.0.1 80", 2,
     r"1 to 255 characters"),
    ("replay: no such file", "replay nosuch", 2, r"nosuch: No such file"),
    ("replay: no recording", "replay junk", 2, r"no recording"),
]

passed = failed = 0


def result(name, problem):
    global passed, failed
    if problem:
        failed += 1
        print(f"not ok {name}: {problem}")
    else:
        passed += 1
        print(f"ok {name}")


def tapir(*args, **kw):
    return subprocess.run([TAPIR, *args], capture_output="stdout" not in kw, timeout=120, stdin=subprocess.DEVNULL, **kw)


def row(name, line, code, says):
    before = set(os.listdir("."))
    r = tapir(*(w.replace("loss_", "loss ").replace(":_", ": ").replace(",_", ", ") for w in line.split(" ") if w))
    err, out = r.stderr.decode(errors="replace"), r.stdout.decode(errors="replace")
    if r.returncode != code:
        return f"exit code {r.returncode}, expected {code}: {(err or out)[:300]}"
    if not re.search(says, out if code == 0 else err, re.M):
        return f"said {(out if code == 0 else err)[:300]!r}, expected {says}"
    if code == 2 and line and err.count("\n") > 1:
        return f"more than one line: {err!r}"
    if code == 2 and set(os.listdir(".")) != before:
        return f"left {set(os.listdir('.')) - before} behind"
    return None


def full_disk(line):
    with open("/dev/full", "w") as full:
        r = tapir(*line.split(), stdout=full, stderr=subprocess.PIPE)
    return None if r.returncode == 2 and b"stdout" in r.stderr and r.stderr.count(b"\n") == 1 else f"exit code {r.returncode}, {r.stderr!r}"


def reader_that_has_seen_enough(line):
    """Quiet, and no message, whatever the parent does with SIGPIPE."""
    for ignored in (False, True):
        r, w = os.pipe()
        os.close(r)
        how = signal.SIG_IGN if ignored else signal.SIG_DFL
        p = subprocess.run([TAPIR, *line.split()], stdout=w, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                           preexec_fn=lambda: signal.signal(signal.SIGPIPE, how))
        os.close(w)
        if p.returncode != -signal.SIGPIPE or p.stderr:
            return f"exit code {p.returncode}, {p.stderr!r}"
    return None


def run_that_is_killed_does_not_look_complete():
    tapir("run", "--quiet", "--out", "killed", CLEAN)
    if not os.path.exists("killed/summary.json"):
        return "no summary.json"
    p = subprocess.Popen([TAPIR, "run", "--quiet", "--out", "killed", "--set", "traffic.1.send=forever", "--set",
                          "traffic.1.until=1000h", "--set", "stop=1001h", CLEAN], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while os.path.exists("killed/summary.json") and time.monotonic() < end and p.poll() is None:
        time.sleep(0.005)
    p.kill()
    p.wait()
    return "summary.json of a former run" if os.path.exists("killed/summary.json") else None


def picture_or_page_is_whole_or_as_it_was():
    """On a disk that takes so many bytes and no more."""
    for line, f in ((f"plot --kind timeseq -o pic.svg {LOSSES}", "pic.svg"), (f"explain --html page.html {LOSSES}", "page.html")):
        open(f, "w").write("before")
        r = subprocess.run(["sh", "-c", f'ulimit -f 1; "$0" {line}', TAPIR], capture_output=True)
        if r.returncode != 2 or r.stderr.count(b"\n") != 1 or open(f).read() != "before" or os.path.exists(f + ".part"):
            return f"{line}: exit code {r.returncode}, {r.stderr!r}, {os.listdir('.')}"
        if tapir(*line.split()).returncode or len(open(f).read()) < 2000 or os.path.exists(f + ".part"):
            return f"{line}: not written"
    return None


def file_limit():
    """A capture that may not grow: told, and no signal."""
    r = subprocess.run(["sh", "-c", 'ulimit -f 8; "$0" run --out limit "$1"', TAPIR, CLEAN], capture_output=True)
    left = [f for _, _, files in os.walk("limit") for f in files if f.endswith((".pcapng", ".json", ".txt", ".part"))]
    return None if r.returncode == 2 and b"File too large" in r.stderr and not left else (
        f"exit code {r.returncode}, {r.stderr!r}, left {left}")


def keys(have, want, where=""):
    for k, v in want.items():
        if k not in have:
            return f"{where}.{k} is missing"
        if isinstance(v, dict):
            bad = keys(have[k], v, f"{where}.{k}")
            if bad:
                return bad
    return None


def names(text):
    return dict.fromkeys(text.split())


def json_of_explain():
    j = json.loads(tapir("explain", "--json", LOSSES).stdout)
    c = j["connections"][0]
    end = names("isn window mss wscale sack timestamps ao")
    return (keys(j, names("file packets skipped connections")) or
            keys(c, {**names("id client server tap first last retransmissions late copies probes stalls text"),
                     "handshake": {**names("complete kind syn syn_ack ack rtt"), "client": end, "server": end},
                     "teardown": names("kind first frames client_state server_state"),
                     "bytes": names("client server"), "packets": names("client server")}) or
            keys(c["retransmissions"][0], names("frame bytes cause original trigger needless proof certainty text")))


def json_of_a_frame():
    j = json.loads(tapir("explain", "--json", "--frame", "14", LOSSES).stdout)
    return (keys(j, {**names("file frame time connection from bytes text"), "retransmission": names("cause original")}) or
            (None if j["verdict"] == "retransmission" else f"verdict {j['verdict']}"))


def json_of_a_run():
    r = tapir("run", "--quiet", "--out", "run", "--set", "traffic.1.send=50kB", CLEAN)
    j = json.load(open("run/summary.json"))
    return (None if r.returncode == 1 else f"exit code {r.returncode}: the goodput of clean.yaml is for 1 MB") or keys(
        j, {**names("scenario seed hash virtual_s events flows expect"),
            "frames": names("sent delivered lost queue_dropped duplicated corrupted reordered")}) or keys(
        j["flows"][0], {**names("id from to bytes start end goodput_bps segments retransmissions timeouts spurious"
                                " cwnd_max tls"), "states": names("client server"),
                        "rtt_s": names("min median p95 max")}) or keys(j["expect"][0], names("ok"))


def json_of_show():
    r = tapir("show", "--json", "--set", "hosts.client.tcp.min_rto=2ms", CLEAN)
    j = json.loads(r.stdout)
    s = j["scenario"]
    return (keys(j, {**names("file warnings"), "scenario": names("seed hosts links traffic expect capture output")}) or
            (None if s["hosts"]["client"]["tcp"]["min_rto"] == "2ms" and s["hosts"]["client"]["tcp"]["iw"] == 10 and
             s["hosts"]["client"]["tcp"]["sack"] is True and s["links"][0]["between"] == ["client", "server"] and
             "every lone segment" in j["warnings"][0] and not r.stderr else f"values: {s} {j['warnings']}"))


def json_of_scripts():
    open("good.pkt", "w").write("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n")
    open("bad.pkt", "w").write("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(9, ..., ...) = 0\n")
    open("skip.pkt", "w").write("0 sockets() = 3\n")
    open("junk.pkt", "w").write("0 (\n")
    r = tapir("script", "--json", "good.pkt", "bad.pkt", "skip.pkt", "junk.pkt")
    j = json.loads(r.stdout)
    verdicts = [s["verdict"] for s in j["scripts"]]
    return keys(j, names("profile ticks passed_over deviation passed failed skipped scripts")) or keys(
        j["scripts"][0], names("path verdict line text checked deviation")) or (
        None if r.returncode == 2 and verdicts == ["pass", "fail", "skip", "unreadable"] and j["scripts"][1]["line"] == 2
        and (j["passed"], j["failed"], j["skipped"]) == (1, 2, 1) else f"{r.returncode} {j}")


def json_of_a_sweep():
    text = open(CLEAN).read().replace("1MB", "$size").split("expect:")[0] + "sweep: {size: [20kB, 60kB], seeds: 1..3}\n"
    open("grid.yaml", "w").write(text)
    listed = json.loads(tapir("sweep", "--json", "--list", "grid.yaml").stdout)
    share = json.loads(tapir("sweep", "--json", "--task", "2/2", "--out", "shares", "grid.yaml").stdout)
    j = json.loads(tapir("sweep", "--json", "--out", "swept", "grid.yaml").stdout)
    p = j["points"][1]
    return keys(j, names("file out runs points not_as_expected")) or keys(
        p, {**names("values runs ok retransmissions timeouts lost"), "goodput_bps": names("mean ci95 median least most")}) or (
        None if [r["seed"] for r in listed["runs"]] == [1, 2, 3, 1, 2, 3] and p["values"] == {"size": "60kB"} and
        p["ok"] == p["runs"] == 3 and share["first"] == share["runs"] == 3 and os.path.exists(share["written"]) and
        p["goodput_bps"]["ci95"][0] <= p["goodput_bps"]["mean"] <= p["goodput_bps"]["ci95"][1] else f"{listed} {share} {j}")


def json_of_explore():
    r = tapir("explore", "--json", "--set", "traffic.1.send=3kB", "--set", "stop=900ms", "--faults", "drop,delay", CLEAN)
    j = json.loads(r.stdout)
    f = j["failures"][0]
    return keys(j, names("file seed runs singles pairs swarm failed failures")) or keys(
        f, names("what text seed faults command")) or (
        None if r.returncode == 1 and j["failed"] == len(j["failures"]) == 2 and f["faults"] == [
            {"host": "client", "segment": 1, "do": "drop"}] and f["command"].startswith("tapir run ") else f"{j}")


def json_of_names_that_are_no_text():
    os.mkdir(b"b\xff")
    with open(CLEAN, "rb") as f, open(b"b\xff/x.yaml", "wb") as to:
        to.write(f.read())
    r = subprocess.run([TAPIR.encode(), b"show", b"--json", b"b\xff/x.yaml"], capture_output=True)
    return None if json.loads(r.stdout.decode("utf-8"))["file"] == "b\ufffd/x.yaml" else r.stdout[:200]


def macs_are_right_by_other_means():
    """tests/ao_verify.py has no code of ours: RFC 9235's packets, then captures of both ends of a scenario."""
    verify = [sys.executable, ROOT + "/tests/ao_verify.py"]
    keys_of = [f"{i}:{a}:{k}" for i, a, k in ((10, "hmac-sha-1-96", "old secret"), (20, "hmac-sha-1-96", "old secret"),
                                              (11, "aes-128-cmac-96", "new secret"), (21, "aes-128-cmac-96", "new secret"))]
    r = subprocess.run(verify + ["--vectors", ROOT + "/tests/data/ao/rfc9235.tsv"], capture_output=True)
    if r.stdout != b"32 segments, 32 right, KeyIDs\n":
        return f"RFC 9235: {r.stdout} {r.stderr[-200:]}"
    tapir("run", "--quiet", "--out", "ao", "--set", "traffic.1.send=300kB", "--set", "traffic.1.receive=300kB",
          "--set", "events.1.at=150ms", "--set", "events.2.at=200ms", "--set", "expect=[]", ROOT + "/sim/scenarios/tcp-ao.yaml")
    for end in ("client", "server"):
        r = subprocess.run(verify + [f"ao/{end}.pcapng"] + keys_of, capture_output=True)
        said = re.match(rb"(\d+) segments, (\d+) right, KeyIDs 10 11 20 21$", r.stdout)
        if r.returncode or not said or int(said[1]) < 400:
            return f"{end}: {r.stdout} {r.stderr[-200:]}"
    j = json.loads(tapir("explain", "--json", "ao/client.pcapng").stdout)["connections"][0]["handshake"]
    ends = [j[end]["ao"] for end in ("client", "server")]
    want = [{"keyid": 10, "rnextkeyid": 20}, {"keyid": 20, "rnextkeyid": 10}]
    return None if ends == want else f"explain: {ends}"


def sweep_does_not_depend_on_shares():
    line = ["sweep", "grid.yaml", "--quiet"]
    text = open(CLEAN).read().replace("1MB", "$size").split("expect:")[0] + "sweep: {size: [20kB, 60kB], seeds: 1..3}\n"
    open("grid.yaml", "w").write(text)
    codes = [tapir(*line, "-j", "3", "--out", "one").returncode]
    codes += [tapir(*line, "--task", f"{k}/2", "--out", "two").returncode for k in (2, 1)]
    codes += [tapir(*line, "--collect", "--out", "two").returncode]
    same = all(open(f"one/{f}").read() == open(f"two/{f}").read() for f in ("sweep.csv", "goodput.svg"))
    return None if codes == [0] * 4 and same else f"exit codes {codes}, same files: {same}"


def explore_prints_what_repeats_it():
    out = tapir("explore", "--set", "traffic.1.send=3kB", "--set", "stop=900ms", "--faults", "drop", "--pairs", "9",
                CLEAN).stdout.decode()
    line = re.search(r"tapir (run .*)", out).group(1)
    r = subprocess.run(f"{TAPIR} {line} --no-trace", shell=True, capture_output=True)
    return None if r.returncode == 1 and b"done is true: false" in r.stdout else f"{line}: exit code {r.returncode}"


def manual_has_what_help_has():
    man = open(ROOT + "/sim/tapir.1").read()
    for c in COMMANDS:
        text = tapir("help", c).stdout.decode()
        if not text.startswith(f"usage: tapir {c}"):
            return f"no help on {c}"
        missing = [o for o in set(re.findall(r"--[a-z-]+[a-z]", text)) if o not in man]
        if missing:
            return f"{c}: {' '.join(sorted(missing))} not in sim/tapir.1"
        if not re.search(rf'^\.BI "{c} ', man, re.M):
            return f"{c} not in sim/tapir.1"
    shown = re.findall(r"^  ([a-z]+) ", tapir("help").stdout.decode(), re.M)
    return None if sorted(shown) == sorted(COMMANDS) else f"`tapir help` shows {shown}"


def main():
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        os.mkdir("folder")
        open("empty", "w").close()
        open("junk", "wb").write(bytes(range(251, 0, -3)) * 4)
        open("latin1", "wb").write(b"scenario: 1\nname: \xe4\n")
        open("alias", "w").write("a: &a [1]\nb: *a\n")
        open("laughs", "w").write("a: &a [x]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n"
                                                     for i in range(9)))
        open("deep", "w").write("[" * 100000)
        open("twice", "w").write("scenario: 1\nseed: 1\nseed: 2\n")
        open("misspelt", "w").write("scenario: 1\nhosts: {client: {tcp: {min_rot: 1s}}}\n")
        open("huge", "w").write("scenario: 1\nhosts: {client: {tcp: {sndbuf: 99999999999999999999GB}}}\n")
        open("cut", "wb").write(open(LOSSES, "rb").read()[:777])
        for r in ROWS:
            result(r[0], row(*r))
        explore = f"explore --set traffic.1.send=1B --faults drop {CLEAN}"
        for line in (f"run --no-trace {CLEAN}", f"show {CLEAN}", f"show --json {CLEAN}", f"explain {LOSSES}",
                     f"explain --json {LOSSES}", f"explain --markdown {LOSSES}", f"check {LOSSES}",
                     f"script {ROOT}/tests/scripts/close", f"script --json {ROOT}/tests/scripts/close", "help run",
                     f"sweep --list {CLEAN}", f"sweep --json --list {CLEAN}", explore, explore + " --json"):
            name = " ".join(w for w in line.split() if "/" not in w)
            result("stdout on a full disk: " + name, full_disk(line))
            result("a reader that has seen enough: " + name, reader_that_has_seen_enough(line))
        for f in (run_that_is_killed_does_not_look_complete, picture_or_page_is_whole_or_as_it_was, file_limit, json_of_explain, json_of_a_frame, json_of_a_run, json_of_show, json_of_scripts,
                  json_of_a_sweep, json_of_explore, json_of_names_that_are_no_text, macs_are_right_by_other_means,
                  sweep_does_not_depend_on_shares, explore_prints_what_repeats_it, manual_has_what_help_has):
            result(f.__name__.replace("_", " "), f())
        os.chdir("/")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
