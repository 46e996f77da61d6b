#!/usr/bin/env python3
"""Checks the MACs of TCP-AO (RFC 5925) without any code of ours: hashlib and hmac, and openssl for CMAC.

    ao_verify.py CAPTURE ID:ALGORITHM:KEY[:bare]...   every TCP segment of a pcap or pcapng
    ao_verify.py --vectors FILE                       the packets of RFC 9235 (tests/data/ao)

ID is the KeyID that segments bear: the sender's SendID. Prints `N segments, N right, KeyIDs ...`; exit
code 1 when a MAC is missing or wrong, or there is none to check."""
import hashlib
import hmac
import struct
import subprocess
import sys

HMAC, CMAC = 'hmac-sha-1-96', 'aes-128-cmac-96'


def cmac(key, message):
    out = subprocess.run(['openssl', 'mac', '-cipher', 'AES-128-CBC', '-macopt', 'hexkey:' + key.hex(), 'CMAC'],
                         input=message, capture_output=True, check=True)
    return bytes.fromhex(out.stdout.decode().strip())


def traffic_key(algorithm, master, context):
    """RFC 5926 3.1."""
    if algorithm == HMAC:
        return hmac.new(master, b'\x01TCP-AO' + context + struct.pack('>H', 160), hashlib.sha1).digest()
    if len(master) != 16:
        master = cmac(bytes(16), master)
    return cmac(master, b'\x01TCP-AO' + context + struct.pack('>H', 128))


def mac(algorithm, key, message):
    """RFC 5926 3.2."""
    whole = hmac.new(key, message, hashlib.sha1).digest() if algorithm == HMAC else cmac(key, message)
    return whole[:12]


class Segment:
    """An IP packet with TCP in it."""

    def __init__(self, ip):
        if ip[0] >> 4 == 4:
            self.src, self.dst = ip[12:16], ip[16:20]
            self.tcp = ip[(ip[0] & 15) * 4:struct.unpack('>H', ip[2:4])[0]]
            self.is_tcp = ip[9] == 6 and not struct.unpack('>H', ip[6:8])[0] & 0x3fff
        else:
            self.src, self.dst = ip[8:24], ip[24:40]
            self.tcp = ip[40:40 + struct.unpack('>H', ip[4:6])[0]]
            self.is_tcp = ip[6] == 6
        if not self.is_tcp:
            return
        self.sport, self.dport, self.seq, self.ack = struct.unpack('>HHII', self.tcp[:12])
        self.hdr = (self.tcp[12] >> 4) * 4
        self.syn, self.rst, self.has_ack = (bool(self.tcp[13] & bit) for bit in (2, 4, 16))
        self.ao = self.find_ao()

    def find_ao(self):
        """Offset and length of the option."""
        i = 20
        while i < self.hdr and self.tcp[i] != 0:
            if self.tcp[i] == 1:
                i += 1
                continue
            if self.tcp[i] == 29:
                return i, self.tcp[i + 1]
            i += self.tcp[i + 1]
        return None

    def covered(self, sne, bare):
        """RFC 5925 5.1."""
        at, size = self.ao
        head = bytearray(self.tcp[:self.hdr])
        head[16:18] = b'\0\0'
        head[at + 4:at + size] = bytes(size - 4)
        if bare:
            head = head[:20] + head[at:at + size]
        n = len(self.tcp)
        pseudo = self.src + self.dst + (struct.pack('>HH', 6, n) if len(self.src) == 4 else struct.pack('>II', n, 6))
        return struct.pack('>I', sne) + pseudo + bytes(head) + self.tcp[self.hdr:]

    def context(self, sisn, disn):
        """RFC 5925 5.2."""
        return self.src + self.dst + struct.pack('>HHII', self.sport, self.dport, sisn, disn)

    def mac(self):
        at, size = self.ao
        return self.tcp[at + 4:at + size]


def check_vectors(path):
    n = right = 0
    with open(path, encoding='ascii') as f:
        for line in f:
            if line.startswith('#'):
                continue
            _, algorithm, options, client, server, sender, want, packet = line.rstrip('\n').split('\t')
            g = Segment(bytes.fromhex(packet))
            isn = [int(client, 16), int(server, 16)]
            if sender == 'server':
                isn.reverse()
            key = traffic_key(algorithm, b'testvector', g.context(isn[0], 0 if g.syn and not g.has_ack else isn[1]))
            n += 1
            right += key.hex() == want and mac(algorithm, key, g.covered(0, options == 'omits')) == g.mac()
    return n, right, set()


def packets(path):
    """Frames of Ethernet in a pcap or pcapng, little-endian."""
    with open(path, 'rb') as f:
        b = f.read()
    if b[:4] == b'\x0a\x0d\x0d\x0a':
        at = 0
        while at < len(b):
            kind, size = struct.unpack('<II', b[at:at + 8])
            if kind == 6:
                caught = struct.unpack('<I', b[at + 20:at + 24])[0]
                yield b[at + 28:at + 28 + caught]
            at += size
        return
    at = 24
    while at < len(b):
        caught = struct.unpack('<I', b[at + 8:at + 12])[0]
        yield b[at + 16:at + 16 + caught]
        at += 16 + caught


class End:
    """What one end of a connection has said."""

    def __init__(self, isn):
        self.isn = isn
        self.furthest = isn

    def extension(self, seq, rst):
        """The number in 64 bits that is nearest to the furthest one."""
        diff = (seq - self.furthest) & 0xffffffff
        number = self.furthest + diff - (1 << 32 if diff >> 31 else 0)
        if not rst:
            self.furthest = max(self.furthest, number)
        return (number >> 32) & 0xffffffff


def check_capture(path, keys):
    ends, made, seen = {}, {}, set()
    n = right = 0
    for frame in packets(path):
        if frame[12:14] not in (b'\x08\x00', b'\x86\xdd'):
            continue
        g = Segment(frame[14:])
        if not g.is_tcp:
            continue
        n += 1
        here = g.src, g.sport, g.dst, g.dport
        there = g.dst, g.dport, g.src, g.sport
        if g.syn and (here not in ends or ends[here].isn != g.seq):
            ends[here] = End(g.seq)
            if not g.has_ack:
                ends.pop(there, None)
        me, peer = ends.get(here, End(0)), ends.get(there, End(0))
        if not g.ao or g.tcp[g.ao[0] + 2] not in keys:
            print(f'segment {n} (seq {g.seq}): no MAC, or no key for it', file=sys.stderr)
            continue
        key_id = g.tcp[g.ao[0] + 2]
        algorithm, master, bare = keys[key_id]
        context = g.context(me.isn, 0 if g.syn and not g.has_ack else peer.isn)
        if (key_id, context) not in made:
            made[key_id, context] = traffic_key(algorithm, master, context)
        if mac(algorithm, made[key_id, context], g.covered(me.extension(g.seq, g.rst), bare)) == g.mac():
            right += 1
            seen.add(key_id)
        else:
            print(f'segment {n} (seq {g.seq}): the MAC is wrong', file=sys.stderr)
    return n, right, seen


def main(argv):
    if len(argv) == 3 and argv[1] == '--vectors':
        n, right, seen = check_vectors(argv[2])
    elif len(argv) > 2:
        keys = {}
        for spec in argv[2:]:
            key_id, algorithm, master, *rest = spec.split(':')
            keys[int(key_id)] = algorithm, master.encode(), rest == ['bare']
        n, right, seen = check_capture(argv[1], keys)
    else:
        sys.exit(__doc__)
    print(f'{n} segments, {right} right, KeyIDs {" ".join(map(str, sorted(seen)))}'.rstrip())
    return 0 if n and n == right else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv))
