#!/usr/bin/python3
"""Runs the fuzzer on a corpus of golden messages: --seconds N, or --runs N for the smoke test."""
import argparse
import glob
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
APIS = sorted((int(key), int(low)) for path in glob.glob(os.path.join(ROOT, "common/kafka/messages/*.h"))
              for key, low in re.findall(r"\.key = (\d+), .*?\.versions = \{(\d+),", open(path).read()))
KEYS, LOWEST = [key for key, _ in APIS], dict(APIS)  # in the order of AllMessages


def corpus(directory):
    """Kafka's own bytes, with the header that picks the decoder."""
    with open(os.path.join(ROOT, "tests/golden/protocol/kafka-4.3.1.txt")) as f:
        for n, line in enumerate(f):
            key, kind, version, _, *rest = line.split()
            head = bytes([n % 3 * 8 // 8, KEYS.index(int(key)), int(version) - LOWEST[int(key)], kind == "request"])
            with open(os.path.join(directory, f"{n}"), "wb") as out:
                out.write(head + bytes.fromhex(rest[0] if rest else ""))


def run(limit):
    with tempfile.TemporaryDirectory() as directory:
        corpus(directory)
        artifacts = os.path.join(ROOT, "build", "fuzz-")
        # Not detect_leaks at each input: at the end, once.
        return subprocess.run([os.path.join(ROOT, "build/asan/bin/fuzz_decoders"), limit, "-max_len=4096", "-rss_limit_mb=2048", "-timeout=10", "-print_final_stats=1",
                               f"-artifact_prefix={artifacts}", directory], capture_output=True, text=True, errors="replace")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--runs", type=int)
    options = parser.parse_args()
    done = run(f"-runs={options.runs}" if options.runs else f"-max_total_time={options.seconds or 60}")
    print(done.stderr[-3000:])
    sys.exit(done.returncode)
