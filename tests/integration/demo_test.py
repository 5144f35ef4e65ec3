#!/usr/bin/python3
"""./dev demo is a test, too: it compares record by record and exits non-zero on any skip or repeat."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import suite  # noqa: E402

DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo.py")


def test_the_demo_skips_and_repeats_nothing():
    done = subprocess.run(["/usr/bin/python3", DEMO], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0 and "OK: 0 records skipped, repeated or lost" in done.stdout, done.stdout[-6000:] + done.stderr[-2000:]


if __name__ == "__main__":
    suite.main()
