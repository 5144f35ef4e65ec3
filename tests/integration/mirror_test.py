#!/usr/bin/python3
"""The mirror against real brokers: killed at random moments, source away, growth, naming, exact translation both ways."""
import json
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import suite  # noqa: E402
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition  # noqa: E402
from meridian import Broker, Mirror, cli, wait_until  # noqa: E402

KILLS = int(os.environ.get("MERIDIAN_MIRROR_KILLS", "60"))
STOPS = int(os.environ.get("MERIDIAN_MIRROR_STOPS", "40"))
QUIET = {"log_level": 0}


def read_all(bootstrap, topic, partitions):
    """Per partition a list of (offset, key, value, timestamp, headers)."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "audit", "enable.auto.commit": False, "isolation.level": "read_uncommitted", **QUIET})
    out = {}
    for n in range(partitions):
        end = consumer.get_watermark_offsets(TopicPartition(topic, n), timeout=20)[1]
        out[n] = []
        consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING)])
        deadline = time.monotonic() + 60
        position = 0
        while position < end:
            assert time.monotonic() < deadline, f"{topic}-{n} ends at {end}, read to {position}"
            for m in consumer.consume(5000, timeout=0.5):
                if not m.error():
                    out[n].append((m.offset(), m.key(), m.value(), m.timestamp()[1], m.headers()))
            position = consumer.position([TopicPartition(topic, n)])[0].offset
    consumer.close()
    return out


class Load:
    """Numbered records into every partition, in the background."""

    def __init__(self, bootstrap, topic, partitions, rate=4000):
        self.stopping, self.acknowledged = threading.Event(), 0
        self.producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 2, "compression.type": "lz4", "message.timeout.ms": 120000, **QUIET})
        self.thread = threading.Thread(target=self.run, args=(topic, partitions, rate))
        self.thread.start()

    def delivered(self, error, _):
        assert error is None, error
        self.acknowledged += 1

    def run(self, topic, partitions, rate):
        n = 0
        while not self.stopping.wait(0.005):
            for _ in range(rate // 200):
                self.producer.produce(topic, partition=n % partitions, key=str(n % 97), value=f"value-{n}", headers=[("n", str(n))], on_delivery=self.delivered)
                n += 1
            self.producer.poll(0)

    def stop(self):
        self.stopping.set()
        self.thread.join()
        assert self.producer.flush(60) == 0


def content(records):
    return [r[1:] for r in records]


def audit(mirror, source, target, partitions, dice):
    """Both sides hold the same, in the same order, and every offset translates both ways. The mirror's status and the record count."""
    wait_until(lambda: mirror.caught_up("us-eu", ["load"]), 120, "the mirror to catch up")
    there, here = read_all(target, "us.load", partitions), read_all(source, "load", partitions)
    for n in range(partitions):
        numbers_here, numbers_there = [r[2] for r in here[n]], [r[2] for r in there[n]]
        assert len(set(numbers_there)) == len(numbers_there), f"partition {n}: {len(numbers_there) - len(set(numbers_there))} repeated"
        assert numbers_here == numbers_there, f"partition {n}: {len(numbers_here)} on the source, {len(numbers_there)} on the target"
        assert content(here[n]) == content(there[n]), f"partition {n}: key, value, timestamp or headers differ"
        pairs = list(zip([r[0] for r in here[n]], [r[0] for r in there[n]]))
        for source_offset, target_offset in dice.sample(pairs, 25) + [pairs[0], pairs[-1]]:
            to = mirror.get(f"/v1/links/us-eu/translate?topic=load&partition={n}&offset={source_offset}")["to"]
            back = mirror.get(f"/v1/links/us-eu/translate?topic=load&partition={n}&offset={target_offset}&reverse=true")["to"]
            assert (to, back) == (target_offset, source_offset), (n, source_offset, target_offset, to, back)
    return mirror.get("/v1/links/us-eu"), sum(map(len, here.values()))


def kill_loop(directory, source, target, kills, fence="auto", seed=1):
    """Kills the mirror `kills` times under load; 0 lost, 0 repeated."""
    partitions = 3
    dice = random.Random(seed)
    cli("-b", source, "topic", "create", "load", "-p", partitions)
    mirror = Mirror(directory, {"us": source, "eu": target}, [{"source": "us", "target": "eu", "lanes": 2, "fence": fence}])
    load = Load(source, "load", partitions)
    try:
        for _ in range(kills):
            mirror.start()
            time.sleep(dice.uniform(0.02, 0.7))  # the moment of the kill is what is random here, nothing waits for it
            mirror.kill()
    finally:
        load.stop()
    mirror.start()
    status, records = audit(mirror, source, target, partitions, dice)
    print(f"{kills} kills, {records} records, fence {status['fence']}", file=sys.stderr)
    assert mirror.stop() == 0
    return status


def stop_loop(directory, source, target, stops, fence="auto", seed=2):
    """Two mirrors, each of which believes that the lanes are its own: one is stopped in mid-flight, the other takes over, the first goes on
    where it was; `stops` times, in turns. 0 lost, 0 repeated."""
    partitions = 3
    dice = random.Random(seed)
    cli("-b", source, "topic", "create", "load", "-p", partitions)
    link = [{"source": "us", "target": "eu", "lanes": 2, "fence": fence}]
    mirrors = [Mirror(directory, {"us": source, "eu": target}, link, name) for name in ("one", "two")]
    load = Load(source, "load", partitions, rate=3000)
    running = mirrors[0].start()
    try:
        for n in range(stops):
            time.sleep(dice.uniform(0.1, 0.6))  # under way, wherever that is
            running.process.send_signal(signal.SIGSTOP)
            stopped, running = running, mirrors[(n + 1) % 2]
            running.kill()
            running.start()
            # Half of the time the stopped one wakes up while the other is still taking over.
            if dice.random() < 0.5:
                at = running.get("/v1/links/us-eu")["topics"].get("load", {}).get("partitions", [])
                wait_until(lambda: [p["source_next"] for p in running.get("/v1/links/us-eu")["topics"].get("load", {}).get("partitions", [])] != [p["source_next"] for p in at],
                           60, "the other mirror to copy")
            stopped.process.send_signal(signal.SIGCONT)
    finally:
        for mirror in mirrors:
            if mirror.process and mirror.process.poll() is None:
                mirror.process.send_signal(signal.SIGCONT)
        load.stop()
    stopped.kill()
    status, records = audit(running, source, target, partitions, dice)
    print(f"{stops} stops, {records} records, fence {status['fence']}", file=sys.stderr)
    assert running.stop() == 0
    return status


def test_sigkill_at_random_moments_loses_and_repeats_nothing(directory):
    us, eu = Broker(directory, "us").start(), Broker(directory, "eu").start()
    try:
        assert kill_loop(directory, us.kafka, eu.kafka, KILLS)["fence"] == "append-at"
    finally:
        us.kill(), eu.kill()


def test_sigkill_with_the_transactional_fence_loses_and_repeats_nothing(directory):
    us, eu = Broker(directory, "us").start(), Broker(directory, "eu").start()
    try:
        assert kill_loop(directory, us.kafka, eu.kafka, KILLS, "transactional")["fence"] == "transactional"
    finally:
        us.kill(), eu.kill()


def test_two_mirrors_that_both_own_a_lane_lose_and_repeat_nothing(directory):
    for fence, told in (("auto", "append-at"), ("transactional", "transactional")):
        place = os.path.join(directory, fence)
        os.mkdir(place)
        us, eu = Broker(place, "us").start(), Broker(place, "eu").start()
        try:
            assert stop_loop(place, us.kafka, eu.kafka, STOPS, fence)["fence"] == told
        finally:
            us.kill(), eu.kill()


def test_two_mirrors_on_a_target_that_commits_late_lose_and_repeat_nothing(directory):
    """What the former owner appended is in the log, and behind the end offset, when the next one comes."""
    us, eu = Broker(directory, "us").start(), Broker(directory, "eu").start_preloaded("slow_sync.c", SLOW_SYNC="us.load")
    try:
        assert stop_loop(directory, us.kafka, eu.kafka, 6, "transactional")["fence"] == "transactional"
    finally:
        us.kill(), eu.kill()


def test_brokers_killed_under_the_mirror_lose_and_repeat_nothing(directory):
    us, eu = Broker(directory, "us").start(), Broker(directory, "eu").start()
    cli("-b", us.kafka, "topic", "create", "load", "-p", 2)
    mirror = Mirror(directory, {"us": us.kafka, "eu": eu.kafka}, [{"source": "us", "target": "eu"}]).start()
    load = Load(us.kafka, "load", 2, rate=2000)
    try:
        for broker in (eu, us, eu, us, eu):
            time.sleep(random.uniform(0.3, 0.8))  # under way, wherever that is
            broker.kill()
            broker.start()
        load.stop()
        wait_until(lambda: mirror.caught_up("us-eu", ["load"]), 60, "the mirror to catch up")
        there, here = read_all(eu.kafka, "us.load", 2), read_all(us.kafka, "load", 2)
        for n in range(2):
            assert content(here[n]) == content(there[n]), f"{len(here[n])} {len(there[n])}"
    finally:
        load.stopping.set()
        mirror.kill(), us.kill(), eu.kill()


def test_topics_appear_grow_and_keep_their_configuration(directory):
    us, eu = Broker(directory, "us").start(), Broker(directory, "eu").start()
    mirror = Mirror(directory, {"us": us.kafka, "eu": eu.kafka}, [{"source": "us", "target": "eu"}]).start()
    try:
        cli("-b", us.kafka, "topic", "create", "orders", "-p", 2, "-c", "retention.ms=123456")
        describe = lambda: json.loads(cli("-b", eu.kafka, "topic", "describe", "us.orders", "-o", "json", check=False)[1] or "[]")  # noqa: E731
        found = wait_until(describe, 10, "us.orders")
        assert len(found[0]["partitions"]) == 2 and found[0]["configs"] == {"retention.ms": "123456"}, found
        cli("-b", us.kafka, "topic", "add-partitions", "orders", "-p", 5)
        wait_until(lambda: len(describe()[0]["partitions"]) == 5, 10, "growth")
        for n in range(5):
            cli("-b", us.kafka, "topic", "produce", "orders", "-p", n, stdin=f"record {n}\n")
        wait_until(lambda: mirror.caught_up("us-eu", ["orders"]), 20, "the records")
        assert [r[0][2] for r in read_all(eu.kafka, "us.orders", 5).values()] == [f"record {n}".encode() for n in range(5)]
    finally:
        mirror.kill(), us.kill(), eu.kill()


def test_identity_naming_both_ways_does_not_loop(directory):
    us, eu = Broker(directory, "us").start(), Broker(directory, "eu").start()
    mirror = Mirror(directory, {"us": us.kafka, "eu": eu.kafka}, [{"source": "us", "target": "eu", "naming": "identity"}, {"source": "eu", "target": "us", "naming": "identity"}]).start()
    try:
        cli("-b", us.kafka, "topic", "create", "orders")
        cli("-b", us.kafka, "topic", "produce", "orders", stdin="one\ntwo\n")
        wait_until(lambda: mirror.caught_up("us-eu", ["orders"]), 20, "the copy")
        beats = lambda: mirror.get("/v1/links/eu-us")["topics"].get("heartbeats", {"partitions": [{"source_next": 0}]})["partitions"][0]["source_next"]  # noqa: E731
        seen = wait_until(beats, 20, "the other link's heartbeats")
        wait_until(lambda: beats() > seen + 2, 20, "the other link to have had every chance")
        assert "orders" not in mirror.get("/v1/links/eu-us")["topics"]
        assert [len(p) for p in read_all(us.kafka, "orders", 1).values()] == [2]
        assert [len(p) for p in read_all(eu.kafka, "orders", 1).values()] == [2]
    finally:
        mirror.kill(), us.kill(), eu.kill()


def test_a_recreated_topic_halts_with_a_named_reason(directory):
    us, eu = Broker(directory, "us").start(), Broker(directory, "eu").start()
    mirror = Mirror(directory, {"us": us.kafka, "eu": eu.kafka}, [{"source": "us", "target": "eu"}]).start()
    try:
        cli("-b", us.kafka, "topic", "create", "orders")
        cli("-b", us.kafka, "topic", "produce", "orders", stdin="one\n")
        wait_until(lambda: mirror.caught_up("us-eu", ["orders"]), 20, "the copy")
        cli("-b", us.kafka, "topic", "delete", "orders", "--yes")
        cli("-b", us.kafka, "topic", "create", "orders")
        partition = lambda: mirror.get("/v1/links/us-eu")["topics"]["orders"]["partitions"][0]  # noqa: E731
        wait_until(lambda: partition()["state"] == "halted", 20, "the halt")
        assert "source" in partition()["problem"], partition()
        assert [len(p) for p in read_all(eu.kafka, "us.orders", 1).values()] == [1]
    finally:
        mirror.kill(), us.kill(), eu.kill()


def test_a_signal_right_after_the_start_is_a_clean_stop(directory):
    us, eu = Broker(directory, "us").start(), Broker(directory, "eu").start()
    mirror = Mirror(directory, {"us": us.kafka, "eu": eu.kafka}, [{"source": "us", "target": "eu"}])
    try:
        for _ in range(20):
            mirror.start()
            assert mirror.stop() == 0, mirror.log()
    finally:
        mirror.kill(), us.kill(), eu.kill()


def test_mm2_properties_drive_the_same_mirror(directory):
    us, eu = Broker(directory, "us").start(), Broker(directory, "eu").start()
    path = os.path.join(directory, "mm2.properties")
    with open(path, "w") as f:
        f.write(f"# an existing file\nclusters = us, eu\nus.bootstrap.servers = {us.kafka}\neu.bootstrap.servers = {eu.kafka}\n"
                "us->eu.enabled = true\nus->eu.topics = ord.*\nreplication.factor = 1\nsync.group.offsets.enabled = true\n")
    mirror = Mirror(directory, {}, [{}])
    mirror.command[2] = path
    try:
        mirror.start()
        cli("-b", us.kafka, "topic", "create", "orders", "other")
        cli("-b", us.kafka, "topic", "produce", "orders", stdin="one\n")
        wait_until(lambda: mirror.caught_up("us-eu", ["orders"]), 20, "the copy")
        names = json.loads(cli("-b", eu.kafka, "topic", "list", "-o", "json")[1])
        assert "us.orders" in [t["topic"] for t in names] and "us.other" not in [t["topic"] for t in names], names
        assert "meridian_mirror_source_reachable" in mirror.get("/metrics")
    finally:
        mirror.kill(), us.kill(), eu.kill()


if __name__ == "__main__":
    suite.main()
