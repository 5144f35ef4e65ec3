#!/usr/bin/python3
"""Where threads meet, under ThreadSanitizer: several shards and the blocking pool serve producers, groups and fetches."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
sys.path.insert(0, HERE)
os.environ["MERIDIAN_BIN"] = os.path.join(HERE, "..", "..", "build", "tsan", "bin")
os.environ["TSAN_OPTIONS"] = "halt_on_error=0:exitcode=66:history_size=4:second_deadlock_stack=1"
import suite  # noqa: E402
from broker_test import several_shards  # noqa: E402


def test_three_shards_have_no_data_race(directory):
    log = several_shards(directory)
    assert "ThreadSanitizer" not in log, log[:6000]


if __name__ == "__main__":
    suite.main()
