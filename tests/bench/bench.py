#!/usr/bin/python3
"""./dev bench broker|partitions|share [--peer kafka]: throughput, broker CPU per GB, resident memory and start time, with one load generator, in
alternating rounds (A B A B A B) on the same machine; medians, and ratios against the peer. Each round measures the floor, too."""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from meridian import BIN, Broker, cli  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid):
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def floor(mode, path, size):
    program = os.path.join(tempfile.gettempdir(), f"meridian-floor-{os.getuid()}")
    subprocess.run(["cc", "-O2", "-msse4.2", "-o", program, os.path.join(HERE, "floor.c")], check=True)
    return float(subprocess.run([program, mode, path, str(size)], check=True, capture_output=True, text=True).stdout)


def bench(*arguments):
    return json.loads(cli("-o", "json", "--timeout", "30000", *arguments)[1])


def answer_time(start, ask):
    began = time.monotonic()
    server = start()
    ask(server)
    return server, time.monotonic() - began


def one_round(make, directory, options):
    ask = lambda server: cli("-b", server.kafka, "cluster", "info")  # noqa: E731
    server, ready = answer_time(lambda: make(directory).start(), ask)
    result = {"ready_s": ready}
    try:
        pid, gigabytes = server.process.pid, options.records * options.size / 1e9
        result["idle_mib"] = resident_mib(pid)
        cli("-b", server.kafka, "topic", "create", "bench", "-p", 4, "-r", 1)
        before = cpu_seconds(pid)
        produced = bench("-b", server.kafka, "bench", "produce", "--records", options.records, "--size", options.size)
        result["produce_mb_s"] = produced["mb_per_second"]
        result["produce_cpu_s_gb"] = (cpu_seconds(pid) - before) / gigabytes
        before = cpu_seconds(pid)
        consumed = bench("-b", server.kafka, "bench", "consume", "--records", options.records)
        result["consume_mb_s"] = consumed["mb_per_second"]
        result["consume_cpu_s_gb"] = (cpu_seconds(pid) - before) / gigabytes
        cli("-b", server.kafka, "topic", "create", "latency", "-p", 4, "-r", 1)
        bench("-b", server.kafka, "bench", "produce", "--topic", "latency", "--records", 20000, "--rate", 10000)
        paced = bench("-b", server.kafka, "bench", "produce", "--topic", "latency", "--records", options.rate * 5, "--rate", options.rate)
        result.update({name: paced[name] for name in ("p50_ms", "p99_ms", "p999_ms")})
        result["loaded_mib"] = resident_mib(pid)
    finally:
        server.kill()
    return result


def broker(options):
    settings = {"log.retention.check.interval.ms": "3600000"}
    sides = {"meridian": lambda d: Broker(d, "broker", settings, durability=options.durability)}
    if options.peer == "kafka":
        from kafka_peer import KafkaBroker
        extra = {"log.flush.interval.messages": "1"} if options.durability == "fsync" else {}
        sides["kafka"] = lambda d: KafkaBroker(d, "broker", extra)
    rounds = {side: [] for side in sides}
    for n in range(options.rounds):
        for side, make in sides.items():
            directory = tempfile.mkdtemp(prefix="meridian-bench-")
            try:
                size = min(options.records * options.size, 2_000_000_000)
                scratch = os.path.join(directory, "floor")
                floors = {"floor_produce_cpu_s_gb": floor("produce", scratch, size), "floor_consume_cpu_s_gb": floor("consume", scratch, size)}
                os.unlink(scratch)
                rounds[side].append({**one_round(make, directory, options), **floors})
                print(f"round {n + 1} {side}: " + "  ".join(f"{k} {v:.3g}" for k, v in rounds[side][-1].items()), file=sys.stderr, flush=True)
            finally:
                shutil.rmtree(directory, ignore_errors=True)
    medians = {side: {k: statistics.median(r[k] for r in results) for k in results[0]} for side, results in rounds.items()}
    print(f"{options.records:,} x {options.size} B, acks=all, 4 partitions, durability {options.durability}, {os.cpu_count()} cores, {options.rounds} rounds, medians")
    width = max(map(len, medians["meridian"]))
    for key, value in medians["meridian"].items():
        line = f"{key:{width}}  meridian {value:10.3f}"
        if "kafka" in medians:
            peer = medians["kafka"][key]
            line += f"  kafka {peer:10.3f}  ratio {value / peer if peer else float('nan'):6.2f}"
        print(line)


RECORDS_A_REQUEST, REQUESTS_A_SECOND = 20, 5_000


def partition_round(server, count, options):
    """The same bytes to `count` partitions: as the producer likes, and in requests of one small batch each, as many whatever the count; those
    as fast as the client is, which has more to do with more partitions, and at one pace."""
    cli("-b", server.kafka, "--timeout", "120000", "topic", "create", f"p{count}", "-p", count, "-r", 1)
    produce = ("-b", server.kafka, "bench", "produce", "--topic", f"p{count}", "--partitions", count, "--records", options.records, "--size", options.size)
    before = cpu_seconds(server.process.pid)
    result = {"mb_s": bench(*produce)["mb_per_second"]}
    result["cpu_s_gb"] = (cpu_seconds(server.process.pid) - before) / (options.records * options.size / 1e9)
    for name, pace in (("cpu_us_request", ()), ("cpu_us_paced", ("--rate", REQUESTS_A_SECOND * RECORDS_A_REQUEST))):
        before = cpu_seconds(server.process.pid)
        bench(*produce, *pace, "-X", f"batch.num.messages={RECORDS_A_REQUEST}", "-X", "linger.ms=5000")
        result[name] = (cpu_seconds(server.process.pid) - before) / (options.records / RECORDS_A_REQUEST) * 1e6
    result["resident_mib"] = resident_mib(server.process.pid)
    # The next round writes into memory that is warm: on a virtual machine the first use of a page costs more than all else.
    cli("-b", server.kafka, "--timeout", "120000", "topic", "delete", f"p{count}")
    return result


def restarts(server, options):
    """How long a broker that holds data in 10,000 partitions takes to answer again."""
    for name in ("left", "right"):
        cli("-b", server.kafka, "--timeout", "120000", "topic", "create", name, "-p", 5000, "-r", 1)
        bench("-b", server.kafka, "bench", "produce", "--topic", name, "--partitions", 5000, "--records", options.records, "--size", options.size)
    server.timeout = 120
    for ending in ("kill", "clean") * 3:
        server.stop(120) if ending == "clean" else server.kill()
        _, ready = answer_time(server.start, lambda each: cli("-b", each.kafka, "cluster", "info"))
        print(f"10,000 partitions with data: answers {ready:.2f} s after a start, the end before was {ending}; {resident_mib(server.process.pid):.1f} MiB", flush=True)


def partitions(options):
    """Cost of producing the same bytes to more and more partitions; and how long a broker that holds many takes to start again."""
    settings = {"log.retention.check.interval.ms": "3600000"}
    sides = {"meridian": lambda d: Broker(d, "broker", settings, durability=options.durability)}
    if options.peer == "kafka":
        from kafka_peer import KafkaBroker
        sides["kafka"] = lambda d: KafkaBroker(d, "broker")
    counts = (1, 100, 1000, 5000)
    for side, make in sides.items():
        directory = tempfile.mkdtemp(prefix="meridian-bench-")
        server = make(directory).start()
        try:
            rounds = [{count: partition_round(server, count, options) for count in counts} for _ in range(options.rounds)]
            for count in counts:
                best = {key: (min if key.startswith("cpu") else max)(r[count][key] for r in rounds) for key in rounds[0][count]}
                print(f"{side:10} {count:6} partitions  {best['mb_s']:8.1f} MB/s  {best['cpu_s_gb']:6.3f} CPU-s/GB  {best['cpu_us_request']:6.1f} CPU-us a request of "
                      f"{RECORDS_A_REQUEST} records, {best['cpu_us_paced']:6.1f} at {REQUESTS_A_SECOND}/s  {best['resident_mib']:7.1f} MiB   (best of {options.rounds} rounds)", flush=True)
            if side == "meridian":
                restarts(server, options)
        finally:
            server.kill()
            shutil.rmtree(directory, ignore_errors=True)


def share(options):
    """A share group reads what is there (KIP-932): Kafka's own ShareConsumerPerformance with one member, against both brokers."""
    import kafka_peer
    kafka_peer.fetch()
    settings = {"log.retention.check.interval.ms": "3600000"}
    sides = {"meridian": lambda d: Broker(d, "broker", settings, durability=options.durability)}
    if options.peer == "kafka":
        sides["kafka"] = lambda d: kafka_peer.KafkaBroker(d, "broker")
    for n in range(options.rounds):
        for side, make in sides.items():
            directory = tempfile.mkdtemp(prefix="meridian-bench-")
            server = make(directory).start()
            try:
                cli("-b", server.kafka, "topic", "create", "bench", "-p", 4, "-r", 1)
                bench("-b", server.kafka, "bench", "produce", "--records", options.records, "--size", options.size)
                subprocess.run(kafka_peer.java("kafka.admin.ConfigCommand", "--bootstrap-server", server.kafka, "--alter", "--group", "readers", "--add-config",
                                               "share.auto.offset.reset=earliest"), check=True, capture_output=True, timeout=60)
                before = cpu_seconds(server.process.pid)
                done = kafka_peer.tool("ShareConsumerPerformance", "--bootstrap-server", server.kafka, "--topic", "bench", "--group", "readers", "--num-records", options.records,
                                       "--threads", 1, "--timeout", 60000, "--hide-header", timeout=300)
                cpu = cpu_seconds(server.process.pid) - before
                print(f"round {n + 1} {side:10} {done.strip().splitlines()[-1]}  broker CPU-s/GB {cpu / (options.records * options.size / 1e9):.2f}", flush=True)
            finally:
                server.kill()
                shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["broker", "partitions", "share"])
    parser.add_argument("--peer", choices=["kafka"])
    parser.add_argument("--records", type=int, default=2_000_000)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--durability", choices=["fsync", "page-cache"], default="page-cache")
    parsed = parser.parse_args()
    {"broker": broker, "partitions": partitions, "share": share}[parsed.what](parsed)
