#!/usr/bin/python3
"""A group changes from the classic to the consumer protocol and back while its members work (KIP-848): Java's VerifiableConsumer of both kinds
and a librdkafka consumer in one group, rolled one by one. Every record is consumed; twice only where the commit of it was refused."""
import json
import os
import re
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import kafka_peer  # noqa: E402
import suite  # noqa: E402
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition  # noqa: E402
from meridian import Broker, cli, wait_until  # noqa: E402

PARTITIONS = 6


class JavaMember:
    """Notes what it was given and which offsets it consumed; it commits what it has consumed before it asks for more."""

    def __init__(self, broker, protocol, assignor=None):
        classic = ["--session-timeout", 10000, "--assignment-strategy", "org.apache.kafka.clients.consumer." + assignor] if assignor else []
        self.process = subprocess.Popen(kafka_peer.java("org.apache.kafka.tools.VerifiableConsumer", "--bootstrap-server", broker.kafka, "--topic", "moving", "--group-id",
                                                        "g", "--group-protocol", protocol, "--reset-policy", "earliest", *classic), stdout=subprocess.PIPE, text=True)
        self.assigned, self.ranges, self.refused = set(), [], 0
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            partitions = {entry["partition"] for entry in event.get("partitions", []) if isinstance(entry, dict)}
            if event["name"] == "partitions_assigned":
                self.assigned |= partitions
            elif event["name"] == "partitions_revoked":
                self.assigned -= partitions
            elif event["name"] == "records_consumed":
                self.ranges += [(entry["partition"], entry["minOffset"], entry["maxOffset"]) for entry in event["partitions"]]
                count = event["count"]
            elif event["name"] == "offsets_committed" and not event["success"]:
                self.refused += count

    def stop(self):
        self.process.terminate()
        assert self.process.wait(30) is not None
        self.thread.join()
        self.process.stdout.close()
        return self.ranges, self.refused


class LibrdkafkaMember:
    """Commits each record after it was taken."""

    def __init__(self, broker, assignor):
        self.ranges, self.assigned, self.uncommitted, self.refused, self.stopping = [], set(), {}, 0, False
        self.consumer = Consumer({"bootstrap.servers": broker.kafka, "group.id": "g", "auto.offset.reset": "earliest", "enable.auto.commit": False,
                                  "partition.assignment.strategy": assignor, "session.timeout.ms": 10000, "log_level": 0})
        self.consumer.subscribe(["moving"])
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.stopping:
            message = self.consumer.poll(0.05)
            self.assigned = {partition.partition for partition in self.consumer.assignment()}
            if message and not message.error():
                self.ranges.append((message.partition(), message.offset(), message.offset()))
                self.commit({message.partition(): message.offset() + 1})
        wait_until(lambda: self.commit({}), 20, "the last commit")
        self.consumer.close()

    def commit(self, positions):
        """What could not be committed because the generation changed meanwhile goes with the next commit: the partitions are still ours."""
        self.uncommitted.update(positions)
        owned = [TopicPartition("moving", partition, offset) for partition, offset in self.uncommitted.items() if partition in self.assigned]
        try:
            if owned:
                self.consumer.commit(offsets=owned, asynchronous=False)
        except KafkaException as error:
            assert error.args[0].name() in ("ILLEGAL_GENERATION", "REBALANCE_IN_PROGRESS", "NOT_COORDINATOR", "_TRANSPORT", "REQUEST_TIMED_OUT"), error
            self.refused += 1
            return False
        self.uncommitted.clear()
        return True

    def stop(self):
        self.stopping = True
        self.thread.join()
        return self.ranges, self.refused


class Load:
    """Some records to every partition, all the time."""

    def __init__(self, broker):
        self.producer = Producer({"bootstrap.servers": broker.kafka, "enable.idempotence": True, "log_level": 0})
        self.ends, self.stopping = [0] * PARTITIONS, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.stopping.wait(0.02):
            for partition in range(PARTITIONS):
                self.producer.produce("moving", b"x", partition=partition)
                self.ends[partition] += 1
            self.producer.poll(0)

    def stop(self):
        self.stopping.set()
        self.thread.join()
        assert self.producer.flush(30) == 0
        return self.ends


def group_type(broker):
    listing = kafka_peer.tool("consumer.group.ConsumerGroupCommand", "--bootstrap-server", broker.kafka, "--list", "--type")
    found = re.search(r"^g\s+(\w+)", listing, re.MULTILINE)
    return found.group(1) if found else None


def roll(directory, java_assignor, rdkafka_assignor):
    kafka_peer.fetch()
    broker = Broker(directory, "broker", durability="page-cache").start()
    cli("-b", broker.kafka, "topic", "create", "moving", "-p", str(PARTITIONS))
    load, members, ranges, refused = Load(broker), {}, [], 0

    def shared(*names):
        """The members named hold all partitions between them, each some."""
        def check():
            held = [members[name].assigned for name in names]
            return all(held) and set().union(*held) == set(range(PARTITIONS)) and sum(map(len, held)) == PARTITIONS
        wait_until(check, 60, f"{names} to share the partitions: {[(name, members[name].assigned) for name in names]}")

    def leave(name):
        nonlocal refused
        more, failed = members.pop(name).stop()
        ranges.extend(more)
        refused += failed

    try:
        members["java"] = JavaMember(broker, "classic", java_assignor)
        members["rdkafka"] = LibrdkafkaMember(broker, rdkafka_assignor)
        shared("java", "rdkafka")
        assert group_type(broker) == "Classic"
        members["new"] = JavaMember(broker, "consumer")
        shared("java", "rdkafka", "new")
        assert group_type(broker) == "Consumer"
        described = kafka_peer.tool("consumer.group.ConsumerGroupCommand", "--bootstrap-server", broker.kafka, "--describe", "--group", "g", "--members", "--verbose")
        assert sorted(line.split()[-1] for line in described.splitlines() if line.startswith("g ")) == ["false", "false", "true"], described
        # The broker comes back with what it had written of them, in the middle of it all.
        broker.kill()
        broker.start()
        leave("java")
        members["newer"] = JavaMember(broker, "consumer")
        shared("rdkafka", "new", "newer")
        leave("rdkafka")
        shared("new", "newer")
        # And back.
        members["old"] = JavaMember(broker, "classic", java_assignor)
        shared("new", "newer", "old")
        leave("new")
        shared("newer", "old")
        leave("newer")
        shared("old")
        assert group_type(broker) == "Classic"
        ends = load.stop()
        wait_until(lambda: all(any(p == partition and last >= ends[partition] - 1 for p, _, last in members["old"].ranges) for partition in range(PARTITIONS)), 60,
                   "the end of every partition")
        leave("old")
    finally:
        load.stop()
        for member in members.values():
            member.stop()
        broker.kill()
    repeated = 0
    for partition in range(PARTITIONS):
        consumed = sorted((first, last) for p, first, last in ranges if p == partition)
        at = 0
        for first, last in consumed:
            assert first <= at, f"partition {partition}: {at} to {first} were skipped"
            repeated += at - first
            at = max(at, last + 1)
        assert at == ends[partition], f"partition {partition}: {at} of {ends[partition]}"
    print(f"{sum(ends)} records, {repeated} repeated, {refused} in refused commits", file=sys.stderr)
    assert repeated <= refused


def test_eager_members_are_rolled_to_the_consumer_protocol_and_back(directory):
    roll(directory, "RangeAssignor", "range")


def test_cooperative_members_are_rolled_to_the_consumer_protocol_and_back(directory):
    roll(directory, "CooperativeStickyAssignor", "cooperative-sticky")


if __name__ == "__main__":
    suite.main()
