#!/usr/bin/env python3
"""The kernel's end of the live tests: small clients and servers on ordinary sockets, run inside a
network namespace. Each prints one line of JSON when it is done; servers print `ready` first."""
import hashlib
import json
import socket
import ssl
import sys
import threading


def pattern(n):
    """n bytes that do not repeat within any window of TCP's."""
    out = bytearray()
    i = 0
    while len(out) < n:
        out += hashlib.sha256(i.to_bytes(8, "big")).digest() * 32
        i += 1
    return bytes(out[:n])


def connect(host, port):
    s = socket.create_connection((host, port), timeout=60)
    return s


def listen(host, port):
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((host, port))
    s.listen()
    s.settimeout(60)
    print("ready", flush=True)
    c, _ = s.accept()
    c.settimeout(60)
    return c


def digest_of(s):
    h, n = hashlib.sha256(), 0
    while True:
        b = s.recv(1 << 18)
        if not b:
            return {"bytes": n, "sha256": h.hexdigest()}
        h.update(b)
        n += len(b)


def both_ways(s, n):
    """Sends n bytes and reads to the end at the same time."""
    t = threading.Thread(target=lambda: (s.sendall(pattern(n)), s.shutdown(socket.SHUT_WR)))
    t.start()
    got = digest_of(s)
    t.join()
    return got


def echo_client(host, port, n):
    return both_ways(connect(host, int(port)), int(n))


def sink_server(host, port):
    return digest_of(listen(host, int(port)))


def source_server(host, port, n):
    c = listen(host, int(port))
    c.sendall(pattern(int(n)))
    c.shutdown(socket.SHUT_WR)
    return digest_of(c)


def lab_client(host, port, ca, cert=None, key=None):
    """As the networking lab writes it."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=ca)
    if cert:
        context.load_cert_chain(certfile=cert, keyfile=key)
    sock = connect(host, int(port))
    try:
        with context.wrap_socket(sock, server_side=False, server_hostname="example.com") as conn:
            text, version = conn.recv(1024).decode(), conn.version()
            try:
                conn.unwrap()
                end = "close_notify"
            except (ssl.SSLError, OSError) as e:
                end = str(e)
            return {"text": text, "version": version, "end": end}
    except (ssl.SSLError, OSError) as e:
        return {"error": str(e)}


def lab_server(host, port, cert, key, ca, manners="unwrap"):
    """The lab's server; manners `shutdown` is how the lab's own code ends: no close_notify."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certfile=cert, keyfile=key)
    context.load_verify_locations(cafile=ca)
    raw = listen(host, int(port))
    try:
        conn = context.wrap_socket(raw, server_side=True)
        conn.send(b"Welcome to Server!")
        if manners == "unwrap":
            conn.unwrap()
        else:
            conn.shutdown(socket.SHUT_RDWR)
        conn.close()
        return {"ok": True}
    except (ssl.SSLError, OSError) as e:
        return {"error": str(e)}


COMMANDS = {f.__name__.replace("_", "-"): f
            for f in (echo_client, sink_server, source_server, lab_client, lab_server)}

if __name__ == "__main__":
    print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])), flush=True)
