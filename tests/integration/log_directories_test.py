#!/usr/bin/python3
"""Several log directories (KIP-112, KIP-113): one that does not work takes its own partitions offline and no others; logs move between them
while they are written, also when the broker is killed in the middle of it."""
import json
import os
import re
import shutil
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import kafka_peer  # noqa: E402
import suite  # noqa: E402
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition  # noqa: E402
from confluent_kafka.admin import AdminClient  # noqa: E402
from meridian import Broker, cli, wait_until  # noqa: E402

QUIET = {"log_level": 0}


def broker_with_two(directory, **settings):
    paths = [os.path.join(directory, name) for name in ("one", "two")]
    return Broker(directory, "broker", {"node.id": "1", "log.dirs": ",".join(paths), "offsets.topic.num.partitions": "2", **settings}), paths


def described(broker, topic):
    """{path: (error, {partition: is future})} as Kafka's tool tells it."""
    out = kafka_peer.tool("LogDirsCommand", "--bootstrap-server", broker.kafka, "--describe", "--topic-list", topic)
    told = json.loads(next(line for line in out.splitlines() if line.startswith("{")))["brokers"][0]["logDirs"]
    return {d["logDir"]: (d["error"], {int(p["partition"].rsplit("-", 1)[1]): p["isFuture"] for p in d["partitions"]}) for d in told}


def produce(broker, topic, partition, values):
    producer = Producer({"bootstrap.servers": broker.kafka, "message.timeout.ms": 3000, **QUIET})
    errors = []
    for value in values:
        producer.produce(topic, value, partition=partition, on_delivery=lambda error, _: errors.append(error) if error else None)
    producer.flush(20)
    return errors


def consume(broker, topic, partitions):
    """{partition: values}, from the beginning to what the end is now."""
    consumer = Consumer({"bootstrap.servers": broker.kafka, "group.id": "unused", "enable.auto.commit": False, "enable.partition.eof": True, "auto.offset.reset": "earliest", **QUIET})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    values, open_partitions = {partition: [] for partition in partitions}, set(partitions)
    while open_partitions:
        message = consumer.poll(20)
        assert message is not None, f"nothing more of {open_partitions}"
        if message.error():
            assert message.error().name() == "_PARTITION_EOF", message.error()
            open_partitions.discard(message.partition())
        else:
            values[message.partition()].append(message.value())
    consumer.close()
    return values


def without_leader(broker, topic):
    partitions = AdminClient({"bootstrap.servers": broker.kafka, **QUIET}).list_topics(topic, timeout=10).topics[topic].partitions
    return sorted(n for n, partition in partitions.items() if partition.leader == -1 and partition.error.code() == KafkaError.LEADER_NOT_AVAILABLE)


def offline_partitions(broker):
    return int(re.search(r"^meridian_offline_partitions (\d+)$", broker.get("/metrics"), re.M)[1])


def test_a_directory_that_does_not_work_takes_its_own_partitions_offline(directory):
    kafka_peer.fetch()
    broker, (one, two) = broker_with_two(directory)
    broker.start()
    try:
        cli("-b", broker.kafka, "topic", "create", "t", "-p", "8")
        before = described(broker, "t")
        homes = {partition: path for path in (one, two) for partition in before[path][1]}
        assert sorted(homes) == list(range(8)) and len(before[one][1]) == 4, before
        for partition in range(8):
            assert produce(broker, "t", partition, [b"first"] * 10) == []
        broker.kill()
        os.rename(two, two + ".away")
        open(two, "w").close()
        broker.start()
        lost = [partition for partition in range(8) if homes[partition] == two]
        kept = [partition for partition in range(8) if homes[partition] == one]
        after = described(broker, "t")
        assert after[two] == ("org.apache.kafka.common.errors.KafkaStorageException", {}) or after[two][0], after
        assert sorted(after[one][1]) == kept, after
        assert without_leader(broker, "t") == lost
        told = kafka_peer.tool("TopicCommand", "--bootstrap-server", broker.kafka, "--describe", "--topic", "t", "--unavailable-partitions")
        assert told.count("Leader: none") == len(lost), told
        for partition in kept:
            assert produce(broker, "t", partition, [b"second"] * 10) == []
        assert all(values == [b"first"] * 10 + [b"second"] * 10 for values in consume(broker, "t", kept).values())
        # A change of the topic looks for them again, and must not begin them anew in the directory that works.
        cli("kafka-configs.sh", "--bootstrap-server", broker.kafka, "--alter", "--entity-type", "topics", "--entity-name", "t", "--add-config", "retention.ms=1000000000")
        assert produce(broker, "t", lost[0], [b"second"]), "it is offline"
        cli("-b", broker.kafka, "topic", "create", "u", "-p", "3")
        assert len(described(broker, "u")[one][1]) == 3, "new partitions go where it works"
        assert broker.stop() == 0, broker.log()
        os.remove(two)
        os.rename(two + ".away", two)
        broker.start()
        back = consume(broker, "t", range(8))
        assert all(back[partition] == [b"first"] * 10 for partition in lost), back
        assert all(back[partition] == [b"first"] * 10 + [b"second"] * 10 for partition in kept), back
        assert described(broker, "t") == before
    finally:
        broker.kill()


def test_logs_of_topics_that_were_deleted_meanwhile_are_set_aside(directory):
    broker, (one, two) = broker_with_two(directory)
    broker.start()
    try:
        for topic in "tu":
            cli("-b", broker.kafka, "topic", "create", topic, "-p", "4")
            for partition in range(4):
                assert produce(broker, topic, partition, [b"old"]) == []
        there = sorted(name for name in os.listdir(two) if name[:2] in ("t-", "u-"))
        assert len(there) == 4, there
        broker.kill()
        os.rename(two, two + ".away")
        open(two, "w").close()
        broker.start()
        cli("-b", broker.kafka, "topic", "delete", "t", "u")
        cli("-b", broker.kafka, "topic", "create", "u", "-p", "4")
        for partition in range(4):
            assert produce(broker, "u", partition, [b"new"]) == []
        broker.kill()
        os.remove(two)
        os.rename(two + ".away", two)
        for _ in range(2):
            broker.start()
            assert consume(broker, "u", range(4)) == {partition: [b"new"] for partition in range(4)}
            now = [name for name in os.listdir(two) if name[:2] in ("t-", "u-")]
            assert sorted(name.split(".")[0] for name in now) == there and all(name.endswith("-stray") for name in now), now
            assert all(os.path.getsize(os.path.join(two, name, "0" * 20 + ".log")) > 0 for name in now)
            broker.kill()
    finally:
        broker.kill()


def unmount(path):
    os.rename(path, path + ".volume")
    os.mkdir(path)


def mount(path):
    shutil.rmtree(path)
    os.rename(path + ".volume", path)


def test_an_empty_directory_where_another_was_does_not_begin_its_logs_anew(directory):
    kafka_peer.fetch()
    broker, (one, two) = broker_with_two(directory)
    broker.start()
    try:
        cli("-b", broker.kafka, "topic", "create", "t", "-p", "6")
        for partition in range(6):
            assert produce(broker, "t", partition, [b"first"] * 10) == []
        before = described(broker, "t")
        kept, lost = sorted(before[one][1]), sorted(before[two][1])
        assert len(lost) == 3, before
        assert broker.stop() == 0, broker.log()
        unmount(two)
        broker.start()
        assert "is its volume not mounted?" in broker.log()
        after = described(broker, "t")
        assert without_leader(broker, "t") == lost and offline_partitions(broker) == len(lost)
        assert sorted(after[one][1]) == kept and "KafkaStorageException" in after[two][0], after
        for partition in kept:
            assert produce(broker, "t", partition, [b"second"] * 10) == []
        assert produce(broker, "t", lost[0], [b"second"]), "it is offline"
        broker.kill()
        # Nor where log.dirs does not name it any more, or another in its place.
        for directories in (one, one + "," + os.path.join(directory, "three")):
            broker.settings["log.dirs"] = directories
            broker.start()
            assert f"last seen at {two}, is none of log.dirs" in broker.log()
            assert without_leader(broker, "t") == lost, (directories, without_leader(broker, "t"), lost, broker.log())
            broker.kill()
        broker.settings["log.dirs"] = ",".join((one, two, os.path.join(directory, "three")))
        mount(two)
        broker.start()
        values = consume(broker, "t", range(6))
        assert all(values[partition] == [b"first"] * 10 + ([b"second"] * 10 if partition in kept else []) for partition in range(6)), values
        broker.kill()
        # For good: its line is removed.
        unmount(two)
        file = os.path.join(one, "directory.metadata")
        with open(file) as f:
            lines = [line for line in f if not line.endswith(f" {two}\n")]
        with open(file, "w") as f:
            f.writelines(lines)
        broker.start()
        assert without_leader(broker, "t") == [] and offline_partitions(broker) == 0
        assert produce(broker, "t", lost[0], [b"anew"]) == []
        assert consume(broker, "t", lost[:1]) == {lost[0]: [b"anew"]}
    finally:
        broker.kill()


def test_directories_that_are_not_of_one_broker_are_refused(directory):
    broker, (one, two) = broker_with_two(directory)
    broker.start()
    cli("-b", broker.kafka, "topic", "create", "t", "-p", "2")
    assert broker.stop() == 0
    before = sorted(os.listdir(two))
    unmount(one)
    for directories, why in ((f"{one},{two}", "is a volume not mounted?"), (f"{two},{one}.volume", "name that one first in log.dirs")):
        broker.settings["log.dirs"] = directories
        try:
            broker.start()
            raise AssertionError("it started")
        except RuntimeError as error:
            assert two in str(error) and why in str(error), error
    assert sorted(os.listdir(two)) == before
    mount(one)
    broker.settings["log.dirs"] = f"{one},{two}"
    try:
        broker.start()
        assert all(produce(broker, "t", partition, [b"v"]) == [] for partition in range(2))
    finally:
        broker.kill()


def test_the_broker_ends_when_no_directory_works(directory):
    broker, (one, two) = broker_with_two(directory)
    for path in (one, two):
        open(path, "w").close()
    try:
        broker.start()
        raise AssertionError("it started")
    except RuntimeError as error:
        assert one in str(error), error


def test_a_failing_device_takes_its_directory_offline_and_no_other(directory):
    flag = os.path.join(directory, "failing")
    broker, (one, two) = broker_with_two(directory)  # durability fsync: nothing is acknowledged before its sync
    broker.start_preloaded("failing_sync.c", FAILING_SYNC=flag)
    try:
        cli("-b", broker.kafka, "topic", "create", "t", "-p", "4")
        homes = {partition: path for path in (one, two) for partition in range(4) if os.path.isdir(os.path.join(path, f"t-{partition}"))}
        for partition in range(4):
            assert produce(broker, "t", partition, [b"first"]) == []
        with open(flag, "w") as f:
            f.write(two)
        lost = [partition for partition in range(4) if homes[partition] == two]
        kept = [partition for partition in range(4) if homes[partition] == one]
        assert len(lost) == 2 and produce(broker, "t", lost[0], [b"second"]), "acknowledged without a sync"
        assert produce(broker, "t", lost[1], [b"second"]), "the whole directory is offline"
        assert without_leader(broker, "t") == lost and offline_partitions(broker) == len(lost)
        for partition in kept:
            assert produce(broker, "t", partition, [b"second"]) == []
        assert "its log directory is offline" in broker.log()
        with open(flag, "w") as f:
            f.write(one)
        assert produce(broker, "t", kept[0], [b"third"])
        assert broker.process.wait(30) == 1, "nothing is left to serve"
        broker.process.stdout.close()
        assert "no log directory works any more" in broker.log()
        os.remove(flag)
        broker.start()
        for partition, values in consume(broker, "t", range(4)).items():
            acknowledged = [b"first"] if partition in lost else [b"first", b"second"]
            assert values[: len(acknowledged)] == acknowledged, (partition, values)
    finally:
        broker.kill()


class Writer:
    """Counts up in every partition; what was acknowledged has to be there once and in order."""

    def __init__(self, broker, topic, partitions):
        # One request at a time: after a restart a broker knows a producer's last batch alone (docs/status.md).
        self.producer = Producer({"bootstrap.servers": broker.kafka, "enable.idempotence": True, "linger.ms": 2, "message.timeout.ms": 120000, **QUIET})
        self.topic, self.partitions, self.acked, self.failed = topic, partitions, [0] * partitions, []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def delivered(self, error, message):
        if error:
            self.failed.append(error)
        else:
            self.acked[message.partition()] += 1

    def run(self):
        n = 0
        while not self.stopping.wait(0.001):
            for partition in range(self.partitions):
                while True:
                    try:
                        self.producer.produce(self.topic, b"%d %s" % (n, b"x" * 500), partition=partition, on_delivery=self.delivered)
                        break
                    except BufferError:
                        self.producer.poll(0.1)
            n += 1
            self.producer.poll(0)

    def stop(self):
        self.stopping.set()
        self.thread.join()
        assert self.producer.flush(120) == 0


def test_logs_move_while_they_are_written(directory):
    kafka_peer.fetch()
    partitions = 4
    broker, paths = broker_with_two(directory, **{"log.segment.bytes": "1000000"})
    broker.start()
    cli("-b", broker.kafka, "topic", "create", "t", "-p", str(partitions))
    writer = Writer(broker, "t", partitions)
    plan = os.path.join(directory, "plan.json")

    def move(path):
        with open(plan, "w") as f:
            json.dump({"version": 1, "partitions": [{"topic": "t", "partition": n, "replicas": [1], "log_dirs": [path]} for n in range(partitions)]}, f)
        kafka_peer.tool("reassign.ReassignPartitionsCommand", "--bootstrap-server", broker.kafka, "--reassignment-json-file", plan, "--execute")

    try:
        for round_ in range(4):
            move(paths[round_ % 2])
            if round_ >= 2:  # somewhere in the middle of it
                broker.kill()
                broker.start()
                move(paths[round_ % 2])
            wait_until(lambda: described(broker, "t")[paths[round_ % 2]][1] == {n: False for n in range(partitions)}, 60, f"all logs in {paths[round_ % 2]}")
            verified = kafka_peer.tool("reassign.ReassignPartitionsCommand", "--bootstrap-server", broker.kafka, "--reassignment-json-file", plan, "--verify")
            assert verified.count("completed successfully") >= partitions, verified
            assert not [name for name in os.listdir(paths[(round_ + 1) % 2]) if name.startswith("t-")]
        writer.stop()
        assert not writer.failed, writer.failed[:3]
        values = consume(broker, "t", range(partitions))
        for partition in range(partitions):
            numbers = [int(value.split()[0]) for value in values[partition]]
            assert numbers == list(range(writer.acked[partition])), f"partition {partition}: {len(numbers)} of {writer.acked[partition]}"
        print(f"{sum(writer.acked)} records, 4 moves, 2 kills", file=sys.stderr)
    finally:
        writer.stop()
        broker.kill()


if __name__ == "__main__":
    suite.main()
