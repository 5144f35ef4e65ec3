#!/usr/bin/python3
"""Where threads meet, under ThreadSanitizer: several shards and the blocking pool serve producers, groups and fetches."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "interop"))
os.environ["MERIDIAN_BIN"] = os.path.join(HERE, "..", "..", "build", "tsan", "bin")
os.environ["TSAN_OPTIONS"] = "halt_on_error=0:exitcode=66:history_size=4:second_deadlock_stack=1"
import kafka_peer  # noqa: E402
import suite  # noqa: E402
from broker_test import several_shards  # noqa: E402
from meridian import Broker, cli, wait_until  # noqa: E402
from share_groups_test import Member  # noqa: E402


def test_three_shards_have_no_data_race(directory):
    log = several_shards(directory)
    assert "ThreadSanitizer" not in log, log[:6000]


def test_a_share_group_over_three_shards_has_no_data_race(directory):
    kafka_peer.fetch()
    broker = Broker(directory, "broker", {"shards": "3", "group.share.min.record.lock.duration.ms": "1000", "group.share.record.lock.duration.ms": "1000"}).start()
    notes = []
    cli("-b", broker.kafka, "topic", "create", "work", "-p", 6)
    members = [Member(broker, notes) for _ in range(2)]
    try:
        cli("-b", broker.kafka, "topic", "produce", "work", stdin="".join(f"{n}\n" for n in range(600)))
        wait_until(lambda: len({(partition, offset) for good, partition, offset in notes if good}) == 600, 60, "600 acknowledgements")
    finally:
        for member in members:
            member.stop()
        assert broker.stop() == 0, broker.log()
    assert "ThreadSanitizer" not in broker.log(), broker.log()[:6000]


def test_logs_opened_side_by_side_have_no_data_race(directory):
    paths = [os.path.join(directory, name) for name in ("one", "two")]
    broker = Broker(directory, "broker", {"shards": "3", "log.dirs": ",".join(paths)}).start()
    try:
        cli("-b", broker.kafka, "topic", "create", "many", "-p", 300)
        cli("-b", broker.kafka, "topic", "produce", "many", stdin="".join(f"{n}\n" for n in range(3000)))
        for _ in range(2):
            broker.kill()
            broker.start()
        logs = [sum(name.startswith("many-") for name in os.listdir(path)) for path in paths]
        assert logs == [150, 150], logs
    finally:
        assert broker.stop() == 0, broker.log()
    assert "ThreadSanitizer" not in broker.log(), broker.log()[:6000]


if __name__ == "__main__":
    suite.main()
