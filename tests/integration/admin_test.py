#!/usr/bin/python3
"""What administrators set takes effect: quotas, dynamic defaults, compaction, deleted records, aborted transactions that nobody ends."""
import glob
import json
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import suite  # noqa: E402
from confluent_kafka import Consumer, Producer, TopicPartition  # noqa: E402
from meridian import Broker, cli, wait_until  # noqa: E402

QUIET = {"log_level": 0}


def produce(broker, topic, count, size, client, key=None):
    producer = Producer({"bootstrap.servers": broker.kafka, "client.id": client, "linger.ms": 1, "batch.size": 50000, **QUIET})
    for n in range(count):
        producer.produce(topic, value=b"x" * size, key=key(n) if key else None)
        producer.poll(0)
    assert producer.flush(60) == 0


def took(work):
    began = time.monotonic()
    work()
    return time.monotonic() - began


def configs(broker, *arguments):
    return cli("kafka-configs.sh", "--bootstrap-server", broker.kafka, *arguments)[1]


def test_quotas_slow_the_client_they_name_and_nobody_else(directory):
    broker = Broker(directory, "broker", {"quota.window.num": "1"}).start()
    try:
        cli("-b", broker.kafka, "topic", "create", "q")
        configs(broker, "--alter", "--entity-type", "clients", "--entity-name", "slow", "--add-config", "producer_byte_rate=500000")
        # One window's worth is free, the rest goes at the quota's rate: 2 MB at 500 kB/s are three seconds.
        assert took(lambda: produce(broker, "q", 2000, 1000, "slow")) > 1.5
        assert took(lambda: produce(broker, "q", 2000, 1000, "other")) < 1.5
        configs(broker, "--alter", "--entity-type", "clients", "--entity-name", "slow", "--delete-config", "producer_byte_rate")
        assert took(lambda: produce(broker, "q", 2000, 1000, "slow")) < 1.5
    finally:
        broker.kill()


def test_request_time_is_charged_to_who_took_it(directory):
    """KIP-124, also on the requests that brokers spend most of their time on."""
    broker = Broker(directory, "broker", {"quota.window.num": "1"}).start()
    throttled = []

    def client(name, **more):
        return {"bootstrap.servers": broker.kafka, "client.id": name, "throttle_cb": lambda event: throttled.append((name, event.throttle_time)), **more, **QUIET}

    try:
        for topic in ("q", "empty"):
            cli("-b", broker.kafka, "topic", "create", topic)
        for name, percentage in (("slow", 0.1), ("waiting", 10)):
            configs(broker, "--alter", "--entity-type", "clients", "--entity-name", name, "--add-config", f"request_percentage={percentage}")
        for name in ("other", "slow"):
            producer = Producer(client(name, **{"linger.ms": 0, "batch.num.messages": 1}))
            for _ in range(300):
                producer.produce("q", b"x" * 1000)
                producer.poll(0)
            assert producer.flush(60) == 0
        assert {name for name, _ in throttled} == {"slow"}, throttled
        # Long polls are no work.
        consumer = Consumer(client("waiting", **{"group.id": "g", "enable.auto.commit": False}))
        consumer.assign([TopicPartition("empty", 0, 0)])
        assert all(consumer.poll(1) is None for _ in range(3))
        consumer.close()
        assert {name for name, _ in throttled} == {"slow"}, throttled
    finally:
        broker.kill()


def test_connections_of_an_address_come_at_its_rate(directory):
    """KIP-612: what is over the rate is held and closed, unserved; other addresses do not notice."""
    broker = Broker(directory, "broker", {"quota.window.num": "1"}).start()

    def served(source):
        """True when a new connection from `source` is answered, False when it is closed."""
        host, port = broker.kafka.split(":")
        with socket.create_connection((host, int(port)), timeout=10, source_address=(source, 0)) as connection:
            connection.sendall(struct.pack(">ihhih", 10, 18, 0, 1, -1))  # ApiVersions 0, no client id
            try:
                return len(connection.recv(4)) == 4
            except ConnectionResetError:
                return False

    try:
        assert all(served("127.0.0.2") for _ in range(20))
        configs(broker, "--alter", "--entity-type", "ips", "--entity-name", "127.0.0.2", "--add-config", "connection_creation_rate=3")
        began = time.monotonic()
        answers = [served("127.0.0.2") for _ in range(12)]
        assert not all(answers), "nobody was held"
        assert sum(answers) <= 3 + 3 * (time.monotonic() - began) + 1, answers
        assert all(served("127.0.0.3") for _ in range(20))
        configs(broker, "--alter", "--entity-type", "ips", "--entity-name", "127.0.0.2", "--delete-config", "connection_creation_rate")
        assert all(served("127.0.0.2") for _ in range(20))
    finally:
        broker.kill()


def test_dynamic_defaults_reach_topics_and_survive_a_restart(directory):
    broker = Broker(directory, "broker").start()
    try:
        cli("-b", broker.kafka, "topic", "create", "d")
        configs(broker, "--alter", "--entity-type", "brokers", "--entity-default", "--add-config", "message.max.bytes=2000")
        for _ in range(2):
            status, _, error = cli("-b", broker.kafka, "topic", "produce", "d", stdin="x" * 5000 + "\n", check=False)
            assert status != 0 and "MESSAGE_TOO_LARGE" in error, error
            broker.kill()
            broker.start()
        described = configs(broker, "--describe", "--entity-type", "topics", "--entity-name", "d", "--all")
        assert "max.message.bytes=2000 sensitive=false synonyms={DYNAMIC_DEFAULT_BROKER_CONFIG:message.max.bytes=2000" in described, described
    finally:
        broker.kill()


def test_the_cleaner_compacts_and_readers_go_on(directory):
    broker = Broker(directory, "broker", {"log.cleaner.backoff.ms": "100"}).start()
    try:
        cli("-b", broker.kafka, "topic", "create", "c", "-p", 1, "-c", "cleanup.policy=compact", "-c", "segment.bytes=100000", "-c", "min.cleanable.dirty.ratio=0.01")
        produce(broker, "c", 4000, 200, "client", key=lambda n: str(n % 10))
        size = lambda: sum(os.path.getsize(f) for f in glob.glob(os.path.join(directory, "broker", "c-0", "*.log")))  # noqa: E731
        wait_until(lambda: size() < 250_000, 30, "compaction")
        for _ in range(2):
            consumer = Consumer({"bootstrap.servers": broker.kafka, "group.id": "g", **QUIET})
            consumer.assign([TopicPartition("c", 0, 0)])
            last = {}
            while consumer.position([TopicPartition("c", 0)])[0].offset < 4000:
                for m in consumer.consume(500, 1):
                    last[m.key()] = m.offset()
            consumer.close()
            assert sorted(last.values()) == list(range(3990, 4000)), last
            broker.kill()
            broker.start()
    finally:
        broker.kill()


def test_deleted_records_stay_deleted(directory):
    broker = Broker(directory, "broker").start()
    try:
        cli("-b", broker.kafka, "topic", "create", "r")
        cli("-b", broker.kafka, "topic", "produce", "r", stdin="one\ntwo\nthree\n")
        request = os.path.join(directory, "request.json")
        with open(request, "w") as f:
            json.dump({"partitions": [{"topic": "r", "partition": 0, "offset": 2}], "version": 1}, f)
        assert "low_watermark: 2" in cli("kafka-delete-records.sh", "--bootstrap-server", broker.kafka, "--offset-json-file", request)[1]
        broker.kill()
        broker.start()
        partition = json.loads(cli("-b", broker.kafka, "topic", "describe", "r", "-o", "json")[1])[0]["partitions"][0]
        assert (partition["log_start"], partition["high_watermark"]) == (2, 3), partition
    finally:
        broker.kill()


def test_a_transaction_that_nobody_ends_is_aborted(directory):
    broker = Broker(directory, "broker", {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "100"}).start()
    try:
        cli("-b", broker.kafka, "topic", "create", "t")
        producer = Producer({"bootstrap.servers": broker.kafka, "transactional.id": "gone", "transaction.timeout.ms": 1000, **QUIET})
        producer.init_transactions(10)
        producer.begin_transaction()
        producer.produce("t", value="never")
        producer.flush(10)
        cli("-b", broker.kafka, "topic", "produce", "t", stdin="after\n")
        consumer = Consumer({"bootstrap.servers": broker.kafka, "group.id": "g", "isolation.level": "read_committed", **QUIET})
        consumer.assign([TopicPartition("t", 0, 0)])
        message = wait_until(lambda: consumer.poll(0.2), 20, "the record behind the transaction")
        assert message.value() == b"after", message.value()
        consumer.close()
    finally:
        broker.kill()


if __name__ == "__main__":
    suite.main()
