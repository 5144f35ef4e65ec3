#!/usr/bin/python3
"""The real broker and command line: start, memory, SIGKILL at any moment, configuration errors, exit codes."""
import json
import os
import random
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import suite  # noqa: E402
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition  # noqa: E402
from meridian import BIN, ROOT, Broker, cli, wait_until  # noqa: E402


def test_idle_memory_is_small(directory):
    broker = Broker(directory, "broker").start()
    try:
        cli("-b", broker.kafka, "cluster", "info")
        with open(f"/proc/{broker.process.pid}/statm") as f:
            resident = int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20
        assert resident < 40, f"{resident:.1f} MiB"
    finally:
        broker.kill()


def test_one_process_per_data_directory(directory):
    broker = Broker(directory, "broker").start()
    try:
        second = subprocess.run([os.path.join(BIN, "meridian-broker"), "--data-dir", os.path.join(directory, "broker"), "--kafka", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
                                capture_output=True, text=True, timeout=10)
        assert second.returncode == 1 and "another process" in second.stderr, second
    finally:
        broker.kill()


def test_a_data_directory_of_kafka_is_left_alone(directory):
    os.makedirs(os.path.join(directory, "kafka", "t-0"))
    with open(os.path.join(directory, "kafka", "meta.properties"), "w") as f:
        f.write("version=1\n")
    refused = subprocess.run([os.path.join(BIN, "meridian-broker"), "--data-dir", os.path.join(directory, "kafka"), "--kafka", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
                             capture_output=True, text=True, timeout=10)
    assert refused.returncode == 1 and "Apache Kafka's" in refused.stderr, refused
    assert sorted(os.listdir(os.path.join(directory, "kafka"))) == ["meta.properties", "t-0"]


def kill_loop(directory, durability, rounds):
    dice = random.Random(3)
    broker = Broker(directory, "broker", {"log.segment.bytes": "200000"}, durability=durability).start()
    cli("-b", broker.kafka, "topic", "create", "t", "-p", 3)
    acknowledged, stopping = {}, threading.Event()
    producer = Producer({"bootstrap.servers": broker.kafka, "enable.idempotence": True, "linger.ms": 1, "message.timeout.ms": 120000, "reconnect.backoff.max.ms": 100, "log_level": 0})

    def delivered(error, message):
        assert error is None, error
        acknowledged[(message.partition(), message.offset())] = message.value()

    def produce():
        n = 0
        while not stopping.wait(0.002):
            for _ in range(20):
                producer.produce("t", f"{n}-{'x' * (n % 200)}", partition=n % 3, on_delivery=delivered)
                n += 1
            producer.poll(0)
        producer.flush(60)

    thread = threading.Thread(target=produce)
    thread.start()
    try:
        for _ in range(rounds):
            time.sleep(dice.uniform(0.05, 0.4))  # the random moment of the kill
            broker.kill()
            broker.start()
    finally:
        stopping.set()
        thread.join()
    consumer = Consumer({"bootstrap.servers": broker.kafka, "group.id": "audit", "enable.auto.commit": False, "log_level": 0})
    there, values = {}, set()
    for n in range(3):
        end = consumer.get_watermark_offsets(TopicPartition("t", n), timeout=20)[1]
        consumer.assign([TopicPartition("t", n, OFFSET_BEGINNING)])
        while not there or (n, end - 1) not in there:
            for m in consumer.consume(5000, timeout=1):
                if not m.error():
                    assert m.value() not in values, "a record is there twice"
                    values.add(m.value())
                    there[(n, m.offset())] = m.value()
    consumer.close()
    lost = [key for key, value in acknowledged.items() if there.get(key) != value]
    assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged records are lost or changed, e.g. {lost[:3]}"
    assert len(acknowledged) > 1000, len(acknowledged)
    broker.stop()


def test_sigkill_loses_nothing_acknowledged_under_fsync(directory):
    kill_loop(directory, "fsync", 15)


def test_sigkill_loses_nothing_acknowledged_under_page_cache(directory):
    kill_loop(directory, "page-cache", 15)


def several_shards(directory):
    """Partitions, groups and connections on different shards; consumers wait on several at once."""
    broker = Broker(directory, "broker", {"shards": "3"}).start()
    try:
        cli("-b", broker.kafka, "topic", "create", "t", "-p", 6)
        seen, lock = set(), threading.Lock()

        def consume():
            consumer = Consumer({"bootstrap.servers": broker.kafka, "group.id": "g", "auto.offset.reset": "earliest", "session.timeout.ms": 6000, "log_level": 0})
            consumer.subscribe(["t"])
            deadline = time.monotonic() + 40
            while len(seen) < 3000 and time.monotonic() < deadline:
                for m in consumer.consume(500, timeout=0.2):
                    if not m.error():
                        with lock:
                            seen.add(m.value())
            consumer.close()

        threads = [threading.Thread(target=consume) for _ in range(3)]
        for thread in threads:
            thread.start()
        producers = [Producer({"bootstrap.servers": broker.kafka, "enable.idempotence": True, "log_level": 0}) for _ in range(3)]
        for n in range(3000):
            producers[n % 3].produce("t", str(n), partition=n % 6)
        for producer in producers:
            assert producer.flush(30) == 0
        for thread in threads:
            thread.join()
        assert len(seen) == 3000, len(seen)
        assert broker.stop() == 0, broker.log()
    finally:
        broker.kill()
    return broker.log()


def test_several_shards_serve_partitions_groups_and_fetches(directory):
    several_shards(directory)


def test_groups_and_offsets_survive_sigkill(directory):
    broker = Broker(directory, "broker").start()
    try:
        cli("-b", broker.kafka, "topic", "create", "t", "-p", 2)
        cli("-b", broker.kafka, "topic", "produce", "t", stdin="a\nb\nc\n")
        cli("-b", broker.kafka, "group", "seek", "g", "--topic", "t", "--to", "end")
        broker.kill()
        broker.start()
        rows = json.loads(cli("-b", broker.kafka, "group", "describe", "g", "-o", "json")[1])
        assert [(r["partition"], r["current_offset"], r["lag"]) for r in rows] == [(0, 2, 0), (1, 1, 0)], rows
    finally:
        broker.kill()


def test_a_signal_right_after_the_start_is_a_clean_stop(directory):
    broker = Broker(directory, "broker")
    for _ in range(10):
        broker.start()
        assert broker.stop() == 0, broker.log()


def test_a_start_that_fails_does_not_mark_the_logs_clean(directory):
    broker = Broker(directory, "broker").start()
    cli("-b", broker.kafka, "topic", "create", "t")
    cli("-b", broker.kafka, "topic", "produce", "t", stdin="a\nb\n")
    broker.kill()
    data = os.path.join(directory, "broker")
    with open(os.path.join(data, "t-0", "0" * 20 + ".log"), "ab") as f:
        f.write(b"torn" * 30)
    names = [name for name in os.listdir(data) if name.startswith("metadata.db")]
    for name in names:
        os.rename(os.path.join(data, name), os.path.join(directory, name))
    os.mkdir(os.path.join(data, "metadata.db"))
    try:
        broker.start()
        raise AssertionError("it started on a damaged metadata store")
    except RuntimeError as error:
        assert "metadata store" in str(error), error
    os.rmdir(os.path.join(data, "metadata.db"))
    for name in names:
        os.rename(os.path.join(directory, name), os.path.join(data, name))
    broker.start()
    try:
        assert "cut from" in broker.log(), broker.log()
        cli("-b", broker.kafka, "topic", "produce", "t", stdin="c\n")
        assert cli("-b", broker.kafka, "topic", "consume", "t")[1] == "0:0 a\n0:1 b\n0:2 c\n"
    finally:
        broker.kill()


def test_damage_below_the_recovery_point_takes_one_partition_offline_and_says_where(directory):
    broker = Broker(directory, "broker", {"log.flush.offset.checkpoint.interval.ms": "100"}).start()
    cli("-b", broker.kafka, "topic", "create", "t", "-p", 2)
    cli("-b", broker.kafka, "topic", "produce", "t", stdin="a\nb\nc\nd\n")
    data = os.path.join(directory, "broker")
    checkpoint = os.path.join(data, "recovery-point-offset-checkpoint")
    wait_until(lambda: os.path.exists(checkpoint) and "t 0 2" in open(checkpoint).read(), 10, "a checkpoint")
    broker.kill()
    with open(os.path.join(data, "t-0", "0" * 20 + ".log"), "r+b") as f:
        f.seek(64)
        byte = f.read(1)
        f.seek(64)
        f.write(bytes([byte[0] ^ 1]))
    try:
        for _ in range(2):  # the second start must not take the damage for clean
            broker.start()
            assert "t-0 is offline" in broker.log() and "position 0" in broker.log(), broker.log()
            status, _, err = cli("-b", broker.kafka, "--timeout", "2000", "topic", "produce", "t", "-p", 0, stdin="x\n", check=False)
            assert status == 1 and "KAFKA_STORAGE_ERROR" in err, err
            cli("-b", broker.kafka, "topic", "produce", "t", "-p", 1, stdin="y\n")
            broker.stop()
    finally:
        broker.kill()


def test_retention_and_topic_deletion_remove_files(directory):
    broker = Broker(directory, "broker", {"log.retention.check.interval.ms": "200"}).start()
    try:
        cli("-b", broker.kafka, "topic", "create", "t", "-c", "segment.bytes=1000", "-c", "retention.bytes=3000")
        for n in range(30):
            cli("-b", broker.kafka, "topic", "produce", "t", stdin="x" * 300 + "\n")
        start = lambda: json.loads(cli("-b", broker.kafka, "topic", "describe", "t", "-o", "json")[1])[0]["partitions"][0]["log_start"]  # noqa: E731
        wait_until(lambda: start() > 0, 10, "retention")
        data = os.path.join(directory, "broker")
        assert len([f for f in os.listdir(os.path.join(data, "t-0")) if f.endswith(".log")]) < 15
        cli("-b", broker.kafka, "topic", "delete", "t", "--yes")
        wait_until(lambda: not [f for f in os.listdir(data) if f.startswith("t-0")], 10, "the files to go")
    finally:
        broker.kill()


def test_configuration_errors_say_where_and_what_else(directory):
    path = os.path.join(directory, "broker.yaml")
    with open(path, "w") as f:
        f.write("num.partitions: 3\nlog.retention.hour: 5\n")
    run = lambda *a: subprocess.run([os.path.join(BIN, "meridian-broker"), *a], capture_output=True, text=True, timeout=10)  # noqa: E731
    bad = run("--config", path)
    assert bad.returncode == 2 and ":2:1: unknown setting 'log.retention.hour'; did you mean 'log.retention.hours'?" in bad.stderr, bad
    assert run("--set", "num.partitions=0").returncode == 2
    assert run("--kafka", "nonsense").returncode == 2
    assert "advertised.listeners" in run("--data-dir", directory + "/d", "--kafka", "0.0.0.0:0", "--admin", "127.0.0.1:0").stderr


def test_example_configurations_are_valid(directory):
    broker = subprocess.run([os.path.join(BIN, "meridian-broker"), "--config", os.path.join(ROOT, "config/broker.yaml"), "--kafka", "x"], capture_output=True, text=True, timeout=10)
    assert "'x' is not HOST:PORT" in broker.stderr, broker.stderr
    mirror = subprocess.run([os.path.join(BIN, "meridian-mirror"), "--check", "--config", os.path.join(ROOT, "config/mirror.yaml")], capture_output=True, text=True, timeout=10)
    assert mirror.returncode == 0 and "link us-eu: us" in mirror.stdout and "link eu-us" in mirror.stdout, mirror


def test_exit_codes_and_suggestions(directory):
    broker = Broker(directory, "broker").start()
    try:
        assert cli("-b", broker.kafka, "topic", "create", "t")[0] == 0
        assert cli("-b", broker.kafka, "topic", "create", "t", check=False)[0] == 1
        status, _, err = cli("-b", broker.kafka, "topic", "descrbe", "t", check=False)
        assert status == 2 and "did you mean 'describe'?" in err, err
        assert cli("-b", "127.0.0.1:1", "topic", "list", check=False)[0] == 3
        assert cli("-b", broker.kafka, "cluster", "health")[0] == 0
        before = cli("-b", broker.kafka, "topic", "list", "-o", "json")[1]
        assert cli("-b", broker.kafka, "topic", "create", "dry", "--dry-run")[0] == 0
        assert cli("-b", broker.kafka, "topic", "delete", "t", "--dry-run")[0] == 0
        assert cli("-b", broker.kafka, "topic", "list", "-o", "json")[1] == before
        assert "topic" in cli("__complete", "--", "to")[1] and "describe" in cli("__complete", "--", "topic", "de")[1]
    finally:
        broker.kill()


def test_admin_http(directory):
    broker = Broker(directory, "broker").start()
    try:
        cli("-b", broker.kafka, "topic", "create", "t")
        assert broker.get("/healthz") == "ok\n"
        assert broker.get("/v1/status")["topics"] == 1
        text = broker.get("/metrics")
        assert 'meridian_kafka_requests_total{api="CreateTopics"} 1' in text and 'meridian_partition_high_watermark{topic="t",partition="0"} 0' in text
    finally:
        broker.kill()


if __name__ == "__main__":
    suite.main()
