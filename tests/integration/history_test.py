#!/usr/bin/python3
"""Histories of transactional clients while the broker is killed and stopped: sends, commits and aborts end ok, failed or unknown; what
read_committed shows afterwards must fit them. Invariants by the names of Jepsen's Kafka checker: lost-write, duplicate, G1a (aborted
read), all-or-nothing over partitions and offsets, and none may hang. Apache Kafka 4.3.1 on one node fails this."""
import os
import random
import signal
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import suite  # noqa: E402
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition  # noqa: E402
from meridian import Broker, cli, wait_until  # noqa: E402
from mirror_test import read_all  # noqa: E402

FAULTS = int(os.environ.get("MERIDIAN_HISTORY_FAULTS", "8"))
QUIET = {"log_level": 0}


class Pairs(threading.Thread):
    """Writes each value to two partitions in one transaction, and aborts some. Outcome by value: ok, aborted, unknown."""

    def __init__(self, bootstrap, name, stopping):
        super().__init__()
        self.bootstrap, self.id, self.stopping, self.outcomes, self.problem = bootstrap, name, stopping, {}, None
        self.dice = random.Random(name)

    def producer(self):
        while True:
            producer = Producer({"bootstrap.servers": self.bootstrap, "transactional.id": self.id, "transaction.timeout.ms": 20000, "linger.ms": 0, **QUIET})
            try:
                producer.init_transactions(20)
                return producer
            except KafkaException:
                if self.stopping.is_set():
                    return None

    def run(self):
        try:
            self.work()
        except BaseException as problem:  # told by the test
            self.problem = problem

    def work(self):
        producer, n = self.producer(), 0
        while producer is not None and not self.stopping.is_set():
            value = f"{self.id}-{n}"
            n += 1
            abort = self.dice.random() < 0.3
            self.outcomes[value] = "unknown"
            try:
                producer.begin_transaction()
                for partition in (0, 1):
                    producer.produce("pairs", value=value, partition=partition)
                if abort:
                    producer.flush(5)
                    producer.abort_transaction(20)
                    self.outcomes[value] = "aborted"
                else:
                    producer.commit_transaction(20)
                    self.outcomes[value] = "ok"
            except KafkaException as error:
                if error.args[0].txn_requires_abort():
                    try:
                        producer.abort_transaction(20)
                        self.outcomes[value] = "aborted"
                        continue
                    except KafkaException:
                        pass
                producer = self.producer()  # which fences what may still be open


class Transform(threading.Thread):
    """Consume, transform, produce: offsets and output in one transaction, so that each input leads to one output whatever happens."""

    def __init__(self, bootstrap, name, stopping):
        super().__init__()
        self.bootstrap, self.id, self.stopping, self.problem = bootstrap, name, stopping, None

    def run(self):
        while not self.stopping.is_set():
            try:
                self.session()
            except KafkaException:
                continue  # a new session goes on from the committed offsets
            except BaseException as problem:
                self.problem = problem
                return

    def session(self):
        producer = Producer({"bootstrap.servers": self.bootstrap, "transactional.id": self.id, "transaction.timeout.ms": 20000, "linger.ms": 0, **QUIET})
        producer.init_transactions(20)
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "transform", "enable.auto.commit": False, "auto.offset.reset": "earliest",
                             "isolation.level": "read_committed", "session.timeout.ms": 6000, **QUIET})
        consumer.subscribe(["in"])
        try:
            while not self.stopping.is_set():
                messages = [m for m in consumer.consume(50, timeout=0.5) if not m.error()]
                if not messages:
                    continue
                producer.begin_transaction()
                try:
                    for m in messages:
                        producer.produce("out", value=m.value(), partition=m.partition())
                    positions = {}
                    for m in messages:
                        positions[m.partition()] = max(positions.get(m.partition(), 0), m.offset() + 1)
                    producer.send_offsets_to_transaction([TopicPartition("in", p, o) for p, o in positions.items()], consumer.consumer_group_metadata(), 20)
                    producer.commit_transaction(20)
                except KafkaException as error:
                    if error.args[0].txn_requires_abort():
                        producer.abort_transaction(20)
                    raise
        finally:
            consumer.close()


def committed(bootstrap, topic, partitions):
    """Values per partition, as read_committed shows them; ends where the last stable offset ends."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": str(uuid.uuid4()), "enable.auto.commit": False, "isolation.level": "read_committed",
                         "enable.partition.eof": True, "auto.offset.reset": "earliest", **QUIET})
    consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
    out, ended = {p: [] for p in range(partitions)}, set()
    deadline = time.monotonic() + 60
    while len(ended) < partitions:
        assert time.monotonic() < deadline, f"{topic}: no end in partitions {set(range(partitions)) - ended}"
        m = consumer.poll(1)
        if m is None:
            continue
        if m.error():
            assert m.error().code() == KafkaError._PARTITION_EOF, m.error()
            ended.add(m.partition())
        else:
            out[m.partition()].append(m.value().decode())
    consumer.close()
    return out


def run_history(directory, faults, seed):
    broker = Broker(directory, "broker", {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000"}).start()
    dice, stopping = random.Random(seed), threading.Event()
    cli("-b", broker.kafka, "topic", "create", "pairs", "out", "in", "-p", 2)
    feed = Producer({"bootstrap.servers": broker.kafka, "enable.idempotence": True, "message.timeout.ms": 300000, **QUIET})
    fed, failures = 0, []
    workers = [Pairs(broker.kafka, f"pairs-{n}", stopping) for n in range(3)] + [Transform(broker.kafka, f"transform-{n}", stopping) for n in range(2)]
    for worker in workers:
        worker.start()
    try:
        for _ in range(faults):
            until = time.monotonic() + dice.uniform(0.5, 2.0)
            while time.monotonic() < until:  # load for a while, then a fault wherever that is
                for _ in range(10):
                    feed.produce("in", value=str(fed), partition=fed % 2, on_delivery=lambda error, _: error and failures.append(error))
                    fed += 1
                feed.poll(0.01)
            if dice.random() < 0.3:
                broker.process.send_signal(signal.SIGSTOP)
                time.sleep(dice.uniform(0.2, 1.5))  # the length of the pause is the fault
                broker.process.send_signal(signal.SIGCONT)
            else:
                broker.kill()
                broker.start()
        assert feed.flush(120) == 0 and not failures, failures[:3]
        wait_until(lambda: sum(map(len, committed(broker.kafka, "out", 2).values())) >= fed, 120, f"{fed} transformed records")
    finally:
        stopping.set()
        for worker in workers:
            worker.join()
        for worker in workers:
            assert worker.problem is None, worker.problem
    # An unknown outcome is decided at the latest when its transaction times out.
    consumer = Consumer({"bootstrap.servers": broker.kafka, "group.id": "x", "isolation.level": "read_committed", **QUIET})
    consumer.close()
    ends = {p: len(read_all(broker.kafka, "pairs", 2)[p]) for p in range(2)}
    out, pairs = committed(broker.kafka, "out", 2), committed(broker.kafka, "pairs", 2)
    for p in range(2):
        numbers = list(map(int, out[p]))
        assert numbers == list(range(p, fed, 2)), f"out-{p}: {len(numbers)} records, {len(set(numbers))} different, of {len(range(p, fed, 2))}"
    outcomes = {value: outcome for worker in workers if isinstance(worker, Pairs) for value, outcome in worker.outcomes.items()}
    for p in range(2):
        assert len(set(pairs[p])) == len(pairs[p]), f"duplicate: {len(pairs[p]) - len(set(pairs[p]))} in pairs-{p}"
    assert set(pairs[0]) == set(pairs[1]), f"half a transaction: {sorted(set(pairs[0]) ^ set(pairs[1]))[:5]}"
    for value, outcome in outcomes.items():
        assert outcome != "ok" or value in set(pairs[0]), f"lost-write: {value}"
        assert outcome != "aborted" or value not in set(pairs[0]), f"G1a: {value} was aborted and is read"
    counts = {outcome: list(outcomes.values()).count(outcome) for outcome in ("ok", "aborted", "unknown")}
    print(f"{faults} faults, {fed} transformed, pairs {counts}, {sum(ends.values())} records in pairs with aborted ones", file=sys.stderr)
    assert counts["ok"] > 0 and counts["aborted"] > 0
    assert broker.stop() == 0


def test_transactions_while_the_broker_is_killed_and_stopped(directory):
    run_history(directory, FAULTS, 1)


if __name__ == "__main__":
    suite.main()
