#!/usr/bin/python3
"""Share groups (KIP-932) as Kafka's own tools and clients use them, also while the broker is killed. librdkafka's share tests are in
librdkafka_test.py."""
import json
import os
import re
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import kafka_peer  # noqa: E402
import suite  # noqa: E402
from confluent_kafka import Producer  # noqa: E402
from meridian import Broker, cli, wait_until  # noqa: E402


def share_tool(broker, *arguments):
    return kafka_peer.tool("consumer.group.ShareGroupCommand", "--bootstrap-server", broker.kafka, *arguments)


def rows(table):
    return [line.split() for line in table.splitlines() if line.strip()][1:]


def consume(broker, count, *arguments):
    return kafka_peer.tool("consumer.ConsoleShareConsumer", "--bootstrap-server", broker.kafka, "--topic", "q", "--group", "sg", "--max-messages", count, *arguments).split()


def test_kafkas_share_tools(directory):
    kafka_peer.fetch()
    broker = Broker(directory, "broker").start()
    try:
        cli("-b", broker.kafka, "topic", "create", "q", "-p", 1)
        kafka_peer.tool("TopicCommand", "--bootstrap-server", broker.kafka, "--create", "--topic", "other")
        configs = ("java", "-cp", f"{kafka_peer.LIB}/*", "kafka.admin.ConfigCommand", "--bootstrap-server", broker.kafka, "--entity-type", "groups", "--entity-name", "sg")
        for value, good in (("earliest", True), ("by_duration:PT1H", True), ("sometime", False), ("earliest", True)):
            done = subprocess.run([*configs, "--alter", "--add-config", f"share.auto.offset.reset={value}"], capture_output=True, text=True, timeout=60)
            assert ("Invalid value" in done.stderr + done.stdout) != good, (value, done)
        cli("-b", broker.kafka, "topic", "produce", "q", stdin="".join(f"{n}\n" for n in range(10)))
        assert consume(broker, 10, "--release") == [str(n) for n in range(10)]  # given back: they come again
        assert consume(broker, 4, "--command-property", "max.poll.records=4", "--command-property", "share.acquire.mode=record_limit") == [str(n) for n in range(4)]
        assert rows(share_tool(broker, "--describe", "--group", "sg")) == [["sg", "q", "0", "4", "6"]]
        assert rows(share_tool(broker, "--describe", "--group", "sg", "--state"))[0][3:] == ["Empty", "0"]
        assert rows(share_tool(broker, "--list", "--state")) == [["sg", "Empty"]]
        member = subprocess.Popen(kafka_peer.java("org.apache.kafka.tools.VerifiableShareConsumer", "--bootstrap-server", broker.kafka, "--topic", "q", "--group-id", "sg"),
                                  stdout=subprocess.PIPE, text=True)
        try:
            assert any('"offsets_acknowledged"' in line for line in iter(member.stdout.readline, ""))
            described = share_tool(broker, "--describe", "--group", "sg", "--members")
            assert re.search(r"q:0", described), described
            refused = subprocess.run(kafka_peer.java("org.apache.kafka.tools.consumer.group.ShareGroupCommand", "--bootstrap-server", broker.kafka, "--reset-offsets", "--group",
                                                     "sg", "--topic", "q", "--to-earliest", "--execute"), capture_output=True, text=True, timeout=60)
            assert "Share group 'sg' is not empty." in refused.stderr, refused
        finally:
            member.terminate()
            member.wait(30)
            member.stdout.close()
        wait_until(lambda: rows(share_tool(broker, "--describe", "--group", "sg")) == [["sg", "q", "0", "10", "0"]], 60, "the member's end")
        share_tool(broker, "--reset-offsets", "--group", "sg", "--topic", "q", "--to-earliest", "--execute")
        assert rows(share_tool(broker, "--describe", "--group", "sg")) == [["sg", "q", "0", "0", "10"]]
        broker.kill()
        broker.start()
        assert consume(broker, 10) == [str(n) for n in range(10)]  # from where it was set to, also after a kill
        share_tool(broker, "--delete-offsets", "--group", "sg", "--topic", "q")
        assert not rows(share_tool(broker, "--describe", "--group", "sg"))
        assert consume(broker, 10) == [str(n) for n in range(10)]  # begins anew, by its setting
        share_tool(broker, "--delete", "--group", "sg")
        assert not rows(share_tool(broker, "--list", "--state"))
    finally:
        broker.kill()


class Member:
    """Notes every offset that it was given and every one whose acknowledgement succeeded, in that order."""

    def __init__(self, broker, notes):
        self.process = subprocess.Popen(kafka_peer.java("org.apache.kafka.tools.VerifiableShareConsumer", "--bootstrap-server", broker.kafka, "--topic", "work", "--group-id",
                                                        "workers", "--acknowledgement-mode", "sync", "--offset-reset-strategy", "earliest"), stdout=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=self.read, args=(notes,))
        self.thread.start()

    def read(self, notes):
        for line in self.process.stdout:
            event = json.loads(line)
            good = event["name"] == "offsets_acknowledged" and event["success"]
            if good or event["name"] == "records_consumed":
                notes += [(good, entry["partition"], offset) for entry in event["partitions"] for offset in entry["offsets"]]

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.thread.join()
        self.process.stdout.close()


def test_kills_lose_and_repeat_nothing_that_is_acknowledged(directory):
    """Two members and a producer go on while the broker is killed ten times: all that was produced is acknowledged, and what was acknowledged
    never comes again."""
    kafka_peer.fetch()
    broker = Broker(directory, "broker", {"group.share.min.record.lock.duration.ms": "1000", "group.share.record.lock.duration.ms": "2000"}).start()
    cli("-b", broker.kafka, "topic", "create", "work", "-p", 3)
    notes, sent, producing = [], set(), True

    def produce():
        producer = Producer({"bootstrap.servers": broker.kafka, "enable.idempotence": True, "linger.ms": 5, "log_level": 0})
        while producing:
            for _ in range(20):
                producer.produce("work", b"x", on_delivery=lambda error, m: None if error else sent.add((m.partition(), m.offset())))
            producer.poll(0.02)
        assert producer.flush(60) == 0

    members = [Member(broker, notes) for _ in range(2)]
    producer = threading.Thread(target=produce)
    producer.start()
    try:
        for _ in range(10):
            before = len(notes)
            wait_until(lambda: len(notes) > before + 500, 60, "members that work")
            broker.kill()
            broker.start()
    finally:
        producing = False
        producer.join()
    try:
        done = lambda: {(partition, offset) for good, partition, offset in notes if good}  # noqa: E731
        # An answer that was lost leaves a record acknowledged that nobody knows of: the group is at its end.
        wait_until(lambda: all(row[4] == "0" for row in rows(share_tool(broker, "--describe", "--group", "workers"))), 120, "the end of the work")
    finally:
        for member in members:
            member.stop()
        broker.stop()
    given, acknowledged, again = set(), set(), 0
    for good, partition, offset in notes:
        if good:
            acknowledged.add((partition, offset))
            continue
        assert (partition, offset) not in acknowledged, f"work-{partition} {offset} was acknowledged, and came again"
        again += (partition, offset) in given
        given.add((partition, offset))
    print(f"{len(sent)} records, {len(acknowledged)} acknowledged, {again} delivered again, 10 kills", file=sys.stderr)
    assert sent <= given, f"{len(sent - given)} records never came"
    assert len(sent - done()) <= 10 * 2 * 500, "one answer a member and kill can be lost"


if __name__ == "__main__":
    suite.main()
