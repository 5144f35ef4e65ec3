#!/usr/bin/python3
"""Malformed, truncated, oversized and random input: the decoders by the million (libFuzzer, ASan+UBSan), and a real broker by raw
sockets. No crash, no leak, no stall of another client."""
import os
import random
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import run as fuzz  # noqa: E402
import suite  # noqa: E402
from meridian import ROOT, Broker, cli  # noqa: E402

RUNS = 1_500_000


def test_a_million_inputs_through_every_decoder():
    done = fuzz.run(f"-runs={RUNS}")
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"stat::number_of_executed_units: {RUNS}" in done.stderr, done.stderr[-600:]


def golden_requests():
    with open(os.path.join(ROOT, "tests/golden/protocol/kafka-4.3.1.txt")) as f:
        for line in f:
            key, kind, version, _, *rest = line.split()
            if kind == "request" and rest and int(key) not in (24, 26, 61):
                yield int(key), int(version), bytes.fromhex(rest[0])


def frame(key, version, body, flexible_header=True):
    header = struct.pack(">hhih", key, version, 7, 4) + b"fuzz" + (b"\0" if flexible_header else b"")
    return struct.pack(">i", len(header) + len(body)) + header + body


def resident_mib(pid):
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def test_bad_frames_cost_nobody_else_anything(directory):
    dice = random.Random(5)
    broker = Broker(directory, "broker").start()
    host, port = broker.kafka.split(":")
    requests = list(golden_requests())
    cli("-b", broker.kafka, "topic", "create", "witness")
    open_sockets, slowest = [], 0
    try:
        for n in range(6000):
            s = socket.create_connection((host, int(port)), timeout=10)
            kind = n % 8
            key, version, body = dice.choice(requests)
            if kind == 0:  # noise
                data = dice.randbytes(dice.randrange(1, 400))
            elif kind == 1:  # a frame that claims gigabytes
                data = struct.pack(">i", dice.choice([2**31 - 1, -1, -2**31, 200_000_000])) + dice.randbytes(40)
            elif kind == 2:  # cut in the middle, connection left open
                data = frame(key, version, body)
                data = data[: dice.randrange(1, len(data))]
            elif kind == 3:  # unknown API, unknown version
                data = frame(dice.choice([4, 99, 30000, -1]), dice.randrange(-1, 40), body)
            elif kind == 4:  # bit flips
                data = bytearray(frame(key, version, body))
                for _ in range(dice.randrange(1, 8)):
                    data[dice.randrange(4, len(data))] ^= 1 << dice.randrange(8)
                data = bytes(data)
            elif kind == 5:  # a whole frame with a random body
                data = frame(key, version, dice.randbytes(dice.randrange(0, 300)))
            elif kind == 6:  # well-formed by Kafka's own serializer, values of no sense
                data = frame(key, version, body) + frame(key, version, body, False)
            else:  # a huge array count
                data = frame(key, version, b"\x7f\xff\xff\xff" * 8)
            try:
                s.sendall(data)
            except OSError:
                pass
            if kind in (2, 6) and len(open_sockets) < 200:
                open_sockets.append(s)  # never closed, never read
            else:
                s.close()
            if n % 200 == 0:
                began = time.monotonic()
                cli("-b", broker.kafka, "topic", "produce", "witness", stdin=f"{n}\n")
                slowest = max(slowest, time.monotonic() - began)
        assert broker.process.poll() is None, broker.log()[-3000:]
        assert slowest < 3, f"another client waited {slowest:.1f} s"
        assert resident_mib(broker.process.pid) < 200, resident_mib(broker.process.pid)
        assert len(cli("-b", broker.kafka, "topic", "consume", "witness")[1].splitlines()) == 30
        assert broker.stop() == 0, broker.log()[-2000:]
    finally:
        for s in open_sockets:
            s.close()
        broker.kill()


if __name__ == "__main__":
    suite.main()
