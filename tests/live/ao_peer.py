#!/usr/bin/env python3
"""A client that signs with TCP-AO (RFC 5925) and shares no code with the stack: frames by a packet socket,
MACs by hashlib and openssl (tests/ao_verify.py). It wants back what it says, signed.

usage: ao_peer.py DEVICE PEER PORT. An unsigned SYN and one with a wrong MAC come first, from other ports:
whatever answers them fails the run. In mid-transfer it asks for the peer's second key, then uses its own.
Prints one line of JSON."""
import json
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import ao_verify  # noqa: E402

ME, MAC = "10.99.0.77", bytes.fromhex("020000000077")
ISN = 0xfffffff0  # the numbers wrap after a few bytes
KEYS = {10: (ao_verify.HMAC, b"old secret"), 20: (ao_verify.HMAC, b"old secret"),
        11: (ao_verify.CMAC, b"new secret"), 21: (ao_verify.CMAC, b"new secret")}
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
SECONDS = 10


def checksum(b):
    b += bytes(len(b) % 2)
    s = sum(struct.unpack(f">{len(b) // 2}H", b))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


class Peer:
    def __init__(self, device, address, port):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.sock.bind((device, 0))
        self.sock.settimeout(SECONDS)
        self.peer, self.dport = socket.inet_aton(address), port
        self.me, self.mac = socket.inet_aton(ME), None
        self.keyid, self.rnext = 10, 20
        self.peer_isn = 0
        self.verified, self.keyids = 0, []
        self.ask_for_mac()

    def ask_for_mac(self):
        ask = MAC + self.me + bytes(6) + self.peer
        self.sock.send(b"\xff" * 6 + MAC + b"\x08\x06" + bytes.fromhex("0001080006040001") + ask)
        while not self.mac:
            f = self.sock.recv(2000)
            if f[12:14] == b"\x08\x06" and f[20:22] == b"\0\2" and f[28:32] == self.peer:
                self.mac = f[22:28]

    def key(self, key_id, segment, sisn, disn):
        algorithm, master = KEYS[key_id]
        return algorithm, ao_verify.traffic_key(algorithm, master, segment.context(sisn, disn))

    def say(self, sport, flags, number, text=b"", signed=True, spoil=False):
        """number: in 64 bits; acknowledges all that came."""
        options = b"\x02\x04\x05\xb4" if flags & SYN else b""
        if signed:
            options += bytes([29, 16, self.keyid, self.rnext]) + bytes(12)
        ack = self.nxt & 0xffffffff if flags & ACK else 0
        tcp = struct.pack(">HHIIBBHHH", sport, self.dport, number & 0xffffffff, ack, (20 + len(options)) << 2, flags,
                          30000, 0, 0) + options + text
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0x4000, 64, 6, 0) + self.me + self.peer
        if signed:
            g = ao_verify.Segment(ip + tcp)
            algorithm, key = self.key(self.keyid, g, ISN, self.peer_isn if flags & ACK else 0)
            mac = bytearray(ao_verify.mac(algorithm, key, g.covered(number >> 32, False)))
            mac[5] ^= spoil
            at = g.ao[0] + 4
            tcp = tcp[:at] + bytes(mac) + tcp[at + 12:]
        pseudo = self.me + self.peer + struct.pack(">HH", 6, len(tcp))
        tcp = tcp[:16] + struct.pack(">H", checksum(pseudo + tcp)) + tcp[18:]
        ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
        self.sock.send(self.mac + MAC + b"\x08\x00" + ip + tcp)

    def hear(self, sport):
        """The next segment for us, its MAC checked."""
        while True:
            f = self.sock.recv(3000)
            if f[:6] != MAC or f[12:14] != b"\x08\x00":
                continue
            g = ao_verify.Segment(f[14:])
            assert g.dport == sport, f"an answer to port {g.dport}"
            assert g.ao, "an unsigned segment"
            if g.syn:
                self.peer_isn = g.seq
                self.number = ao_verify.End(g.seq)
            key_id = g.tcp[g.ao[0] + 2]
            algorithm, key = self.key(key_id, g, self.peer_isn, ISN)
            sne = self.number.extension(g.seq, g.rst)
            assert ao_verify.mac(algorithm, key, g.covered(sne, False)) == g.mac(), "a wrong MAC"
            self.verified += 1
            if key_id not in self.keyids:
                self.keyids.append(key_id)
            return g

    def echo(self, sport, number, text):
        """Says text and takes it back; the number after it."""
        self.say(sport, PSH | ACK, number, text)
        got = b""
        while len(got) < len(text):
            g = self.hear(sport)
            part = g.tcp[g.hdr:]
            if part and g.seq == self.nxt & 0xffffffff:
                got += part
                self.nxt += len(part)
                self.say(sport, ACK, number + len(text))
        assert got == text, "other text came back"
        return number + len(text)


def main(device, address, port):
    p = Peer(device, address, int(port))
    p.nxt = 0
    p.say(1001, SYN, ISN, signed=False)
    p.say(1002, SYN, ISN, spoil=True)
    p.say(1003, SYN, ISN)
    g = p.hear(1003)
    assert g.syn and g.has_ack, "no SYN-ACK"
    p.nxt = g.seq + 1
    number = ISN + 1
    p.say(1003, ACK, number)
    p.say(1003, PSH | ACK, number, b"X" * 10, spoil=True)   # nothing of this is echoed,
    p.say(1003, RST, number, signed=False)                  # and this ends nothing
    number = p.echo(1003, number, b"signed, over the wrap of the numbers")
    p.rnext = 21
    for _ in range(3):
        number = p.echo(1003, number, b"please use your second key")
    p.keyid = 11
    number = p.echo(1003, number, b"and here is mine")
    p.say(1003, FIN | ACK, number)
    while not p.hear(1003).tcp[13] & FIN:
        pass
    p.nxt += 1
    p.say(1003, ACK, number + 1)
    print(json.dumps({"verified": p.verified, "keyids": p.keyids}))


if __name__ == "__main__":
    main(*sys.argv[1:])
