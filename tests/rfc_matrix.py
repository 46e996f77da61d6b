"""The matrix of RFC 9293 3.10: each event in each state, from the scripts below tests/scripts/states. A cell holds how
many scripts there are; an empty one is a missing test, unless it says here why nothing can happen."""
import os
import re

STATES = ('closed listen syn-sent syn-received established fin-wait-1 fin-wait-2 close-wait closing last-ack '
          'time-wait').split()
NO_CONNECTION = {'closed': 'no connection', 'listen': 'no connection'}
NO_SEGMENT = {'closed': 'no segment of ours is out', 'listen': 'no segment of ours is out'}
# event, section, names of the scripts, cells that cannot be
EVENTS = (
    ('OPEN, passive', '3.10.1', r'listen', {'closed': 'every script begins so', 'syn-received': 'no socket yet'}),
    ('OPEN, active', '3.10.1', r'connect', {'closed': 'every script of SYN-SENT begins so'}),
    ('SEND', '3.10.2', r'send', {}),
    ('RECEIVE', '3.10.3', r'receive.*', {}),
    ('CLOSE', '3.10.4', r'close.*|shutdown', {}),
    ('ABORT', '3.10.5', r'abort', {}),
    ('SYN', '3.10.7', r'syn(?!-ack).*', {}),
    ('SYN, ACK', '3.10.7', r'syn-ack.*', {}),
    ('ACK', '3.10.7', r'ack.*', {}),
    ('RST', '3.10.7', r'rst.*', {}),
    ('text', '3.10.7', r'data.*', {}),
    ('FIN', '3.10.7', r'fin.*', {}),
    ('URG', '3.10.7', r'urg.*', {}),
    ('no flags', '3.10.7', r'no-flags', {}),
    ('ICMP', '3.9.2.2', r'icmp.*', NO_SEGMENT),
    ('user timeout, or its own', '3.10.8', r'user-timeout|timeout|keepalive', NO_CONNECTION),
    ('retransmission', '3.10.8', r'retransmission',
     {**NO_SEGMENT, 'fin-wait-2': 'all is acknowledged', 'time-wait': 'all is acknowledged'}),
)


def show():
    """Prints the matrix; what is missing."""
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'scripts', 'states')
    scripts = {s: [f[:-4] for f in os.listdir(os.path.join(root, s)) if f.endswith('.pkt')] for s in STATES}
    faults = []
    print('\nRFC 9293 3.10: scripts for each event in each state (-: it cannot be)\n')
    print(f'{"":<26}' + ''.join(f'{s:>13}' for s in STATES))
    for event, section, names, cannot in EVENTS:
        cells = []
        for state in STATES:
            n = sum(bool(re.fullmatch(names, name)) for name in scripts[state])
            cells.append(str(n) if n else '-' if cannot.get(state) else '?')
            if cells[-1] == '?':
                faults.append(f'tests/scripts/states/{state}: no script for {event} (RFC 9293 {section})')
        print(f'{event:<26}' + ''.join(f'{c:>13}' for c in cells))
    return faults
