#!/usr/bin/python3
"""./dev demo: two regions and a mirror on real input; one region is lost, a consumer group goes on in the other and comes back.

Every record carries a number in a header, so what the application read is compared record by record with what was acknowledged and
mirrored, independently of any offset. A skipped or repeated record makes the exit status 1.
"""
import argparse
import collections
import glob
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition  # noqa: E402

from meridian import BIN, Broker, Mirror, cli, wait_until  # noqa: E402

TOPICS = {"packages": 6, "package-log": 3}
GROUP = "inventory"
CODECS = ["none", "lz4", "snappy", "gzip", "zstd"]
RECORDS_MIN = 200_000
TTY = sys.stdout.isatty()


def say(text):
    print(text, flush=True)


def step(text):
    say(f"\n\033[1m== {text}\033[0m" if TTY else f"\n== {text}")


def real_input():
    """(topic, key, value) of the machine's package database and package log."""
    records = []
    with open("/var/lib/dpkg/status", "rb") as f:
        for entry in f.read().split(b"\n\n"):
            if entry.startswith(b"Package: "):
                records.append(("packages", entry.split(b"\n", 1)[0][9:], entry))
    for path in sorted(glob.glob("/var/log/dpkg.log*")) + sorted(glob.glob("/var/log/apt/history.log*")):
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
            records += [("package-log", None, line) for line in f.read().splitlines() if line]
    return records


class Feed:
    """Produces with several codecs and remembers what was acknowledged: number -> (topic, partition, offset)."""

    def __init__(self, bootstrap):
        self.acknowledged, self.sent, self.lock = {}, 0, threading.Lock()
        self.producers = [Producer({"bootstrap.servers": bootstrap, "compression.type": codec, "enable.idempotence": True, "linger.ms": 5,
                                    "queue.buffering.max.messages": 500000, "message.timeout.ms": 300000, "reconnect.backoff.max.ms": 300, "log_level": 0}) for codec in CODECS]

    def send(self, producer, record):
        topic, key, value = record
        number = self.sent
        self.sent += 1

        def delivered(error, message):
            if error is None:
                self.acknowledged[number] = (message.topic(), message.partition(), message.offset())

        while True:
            try:
                producer.produce(topic, key=key, value=value, headers=[("n", str(number))], on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.05)
        producer.poll(0)

    def flush(self):
        for producer in self.producers:
            producer.flush(60)


def number_of(message):
    return int(dict(message.headers())["n"])


class Application:
    """The consumer application: one group, the same code in both regions. Its pace differs per partition."""

    def __init__(self):
        self.read = collections.Counter()  # number -> times
        self.first_record_at = None

    def run(self, bootstrap, topics, stop_at):
        """Reads until `stop_at[(topic, partition)]`, committing as it goes, every so many records of a partition."""
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": GROUP, "enable.auto.commit": False, "auto.offset.reset": "earliest", "log_level": 0,
                             "session.timeout.ms": 10000, "fetch.wait.max.ms": 50})
        consumer.subscribe(list(topics))
        position, since_commit = {}, collections.Counter()
        left = {key for key, end in stop_at.items()}
        self.first_record_at = None
        deadline = time.monotonic() + 60
        committed = {(tp.topic, tp.partition): max(tp.offset, 0) for tp in consumer.committed([TopicPartition(*key) for key in stop_at], timeout=30)}
        left = {key for key in left if committed[key] < stop_at[key]}
        while left:
            if time.monotonic() > deadline:
                raise AssertionError(f"the application is stuck; left: {sorted(left)}")
            for message in consumer.consume(1000, timeout=0.1):
                if message.error():
                    continue
                key = (message.topic(), message.partition())
                if key not in left:
                    continue  # read ahead, not processed: the position below decides
                if self.first_record_at is None:
                    self.first_record_at = time.monotonic()
                self.read[number_of(message)] += 1
                position[key] = message.offset() + 1
                since_commit[key] += 1
                if position[key] >= stop_at[key]:
                    left.discard(key)
                if since_commit[key] >= 100 * (1 + message.partition()) or key not in left:
                    since_commit[key] = 0
                    consumer.commit(offsets=[TopicPartition(*key, position[key])], asynchronous=key in left)
        if position:
            consumer.commit(offsets=[TopicPartition(*key, offset) for key, offset in position.items()], asynchronous=False)
        consumer.close()
        return {**committed, **position}


def ends(bootstrap, topics):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "demo-ends"})
    found = {(topic, n): consumer.get_watermark_offsets(TopicPartition(topic, n), timeout=30)[1] for topic, count in topics.items() for n in range(count)}
    consumer.close()
    return found


def read_all(bootstrap, topics):
    """Every record number with its place, straight from the log."""
    limits = ends(bootstrap, topics)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "demo-audit", "enable.auto.commit": False, "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(*key, OFFSET_BEGINNING) for key, end in limits.items() if end > 0])
    places, left = collections.defaultdict(list), {key for key, end in limits.items() if end > 0}
    while left:
        for message in consumer.consume(5000, timeout=1):
            if message.error():
                continue
            key = (message.topic(), message.partition())
            places[number_of(message)].append((*key, message.offset()))
            if message.offset() + 1 >= limits[key]:
                left.discard(key)
    consumer.close()
    return places


def part_way(limits, low, high):
    """A different share of each partition."""
    keys = sorted(limits)
    return {key: int(limits[key] * (low + (high - low) * i / max(1, len(keys) - 1))) for i, key in enumerate(keys)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="leave everything running and print addresses and commands")
    parser.add_argument("--records", type=int, default=RECORDS_MIN)
    options = parser.parse_args()
    began = time.monotonic()
    directory = tempfile.mkdtemp(prefix="meridian-demo-")
    servers, problems = [], 0
    remote = {"us." + topic: count for topic, count in TOPICS.items()}
    feeding, feeder = threading.Event(), None
    try:
        step("Two regions and a mirror")
        us, eu = Broker(directory, "us").start(), Broker(directory, "eu").start()
        servers += [us, eu]
        mirror = Mirror(directory, {"us": us.kafka, "eu": eu.kafka}, [{"source": "us", "target": "eu"}]).start()
        servers.append(mirror)
        say(f"region us  kafka {us.kafka}\nregion eu  kafka {eu.kafka}\nmirror     admin {mirror.admin}\ndata       {directory}")
        for topic, count in TOPICS.items():
            cli("-b", us.kafka, "topic", "create", topic, "-p", count)

        step(f"Producing this machine's package database and package log into us (at least {options.records:,} records)")
        records = real_input()
        feed = Feed(us.kafka)
        start = time.monotonic()
        while feed.sent < options.records:
            producer = feed.producers[(feed.sent // len(records)) % len(CODECS)]
            for record in records:
                feed.send(producer, record)
        feed.flush()
        took = time.monotonic() - start
        say(f"{len(feed.acknowledged):,} records acknowledged in {took:.1f} s, {len(records):,} different ones, batches in {', '.join(CODECS)}")

        step("The application reads in us, at its own pace on each partition, and stops part-way")
        app = Application()
        at_us = app.run(us.kafka, TOPICS, part_way(ends(us.kafka, TOPICS), 0.2, 0.7))
        say(f"read {len(app.read):,} records, positions committed")
        wait_until(lambda: mirror.caught_up("us-eu", TOPICS), 60, "the mirror to catch up")
        wait_until(lambda: cli("--mirror", mirror.admin, "group", "readiness", GROUP, "--link", "us-eu", check=False)[0] == 0, 30, "the group's readiness")
        say(cli("--mirror", mirror.admin, "group", "readiness", GROUP, "--link", "us-eu")[1].rstrip())

        step("Records keep flowing; us is killed (SIGKILL)")
        before_flow = len(feed.acknowledged)

        def flow():
            for i in range(10**9):
                if feeding.is_set():
                    return
                feed.send(feed.producers[i % len(CODECS)], records[i % len(records)])
                if i % 100 == 99:
                    feeding.wait(0.004)  # a steady stream, not one burst

        feeder = threading.Thread(target=flow)
        feeder.start()
        wait_until(lambda: len(feed.acknowledged) > before_flow + 25000, 30, "records to flow")
        us.kill()
        feeding.set()
        feeder.join()
        acknowledged = dict(feed.acknowledged)
        say(f"us is gone; {len(acknowledged) - before_flow:,} more records had been acknowledged meanwhile")

        step("Failing the group over to eu")
        commanded = time.monotonic()
        report = json.loads(cli("--mirror", mirror.admin, "mirror", "failover", "us-eu", "-g", GROUP, "-o", "json")[1])
        limits = ends(eu.kafka, remote)
        moved = {(p["remote_topic"], p["partition"]): p for p in report["groups"][0]["partitions"]}
        stop_at = {key: moved[key]["target_offset"] + int((limits[key] - moved[key]["target_offset"]) * share)
                   for key, share in zip(sorted(moved), [0.3, 0.9, 0.5, 0.7, 0.4, 0.8, 0.6, 0.35, 0.55])}
        at_eu = app.run(eu.kafka, remote, stop_at)
        rto = app.first_record_at - commanded
        mirrored = read_all(eu.kafka, remote)
        doubled = sum(1 for places in mirrored.values() if len(places) > 1)
        skipped = sum(1 for number, places in mirrored.items() if places[0][2] < at_eu[places[0][:2]] and app.read[number] == 0)
        repeated = sum(1 for number, times in app.read.items() if times > 1)
        lost_so_far = sum(1 for number in acknowledged if number not in mirrored)
        say(f"replicated        {len(mirrored):,} records in eu, {doubled} of them more than once\n"
            f"skipped           {skipped}\nrepeated          {repeated}\n"
            f"not crossed yet   {lost_so_far:,} acknowledged records; the CLI's estimate was {report['at_risk']['records']:,}, from what it knew {report['at_risk']['source_last_seen_ms_ago']} ms earlier\n"
            f"failover          {rto:.2f} s from the command to the first record read in eu ({report['took_ms']} ms for the command itself)")
        say("position          " + "  ".join(f"{t.split('.', 1)[1]}-{p} us:{moved[(t, p)]['source_offset']} eu:{moved[(t, p)]['target_offset']}->{at_eu[(t, p)]}" for t, p in sorted(moved)))
        for (topic, partition), place in moved.items():
            problems += place["source_offset"] != at_us[(topic.split(".", 1)[1], partition)]
        problems += skipped + repeated + doubled

        step("us comes back: its last records cross, the group fails back")
        us.start()
        feed.flush()
        acknowledged = dict(feed.acknowledged)
        wait_until(lambda: mirror.caught_up("us-eu", TOPICS), 60, "the last records to cross")
        report = json.loads(cli("--mirror", mirror.admin, "mirror", "failback", "us-eu", "-g", GROUP, "-o", "json")[1])
        final = app.run(us.kafka, TOPICS, ends(us.kafka, TOPICS))
        mirrored = read_all(eu.kafka, remote)
        never_crossed = sum(1 for number in acknowledged if number not in mirrored)
        doubled = sum(1 for places in mirrored.values() if len(places) > 1)
        skipped = sum(1 for number in acknowledged if app.read[number] == 0)
        repeated = sum(1 for times in app.read.values() if times > 1)
        say(f"acknowledged      {len(acknowledged):,} records in us; {never_crossed} of them are not in eu, {doubled} are there twice\n"
            f"read in all       {len(app.read):,} records, in us, then eu, then us\nskipped           {skipped}\nrepeated          {repeated}\n"
            f"failback          {report['took_ms']} ms for the command itself")
        say("position          " + "  ".join(f"{t}-{p} us:{offset}" for (t, p), offset in sorted(final.items())))
        problems += skipped + repeated + never_crossed + doubled
        say(f"\n{'OK' if problems == 0 else 'FAILED'}: {problems} records skipped, repeated or lost, in {time.monotonic() - began:.1f} s")
        if options.keep:
            meridian = os.path.join(BIN, "meridian")
            say(f"\nStill running (stop with: kill {' '.join(str(s.process.pid) for s in servers)}):\n"
                f"  {meridian} -b {us.kafka} topic list\n  {meridian} -b {eu.kafka} group describe {GROUP}\n"
                f"  {meridian} --mirror {mirror.admin} link status us-eu\n  {meridian} --mirror {mirror.admin} link history us-eu")
    except (AssertionError, RuntimeError, subprocess.SubprocessError) as error:
        say(f"\nFAILED: {error}")
        for server in servers:
            say(f"--- {server.log_path}\n{server.log()[-3000:]}")
        return 1
    finally:
        feeding.set()
        if feeder and feeder.is_alive():
            feeder.join()
        if not options.keep:
            for server in servers:
                server.kill()
            shutil.rmtree(directory, ignore_errors=True)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
