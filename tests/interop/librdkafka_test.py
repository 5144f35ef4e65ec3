#!/usr/bin/python3
"""librdkafka's own test suite against the real binary. What must pass is in librdkafka.txt: a smoke subset in every run, all of it with
--full (./dev test --full), in four modes. The suite comes with the npm package of the JavaScript client and is built here."""
import concurrent.futures
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from meridian import BIN, ROOT, Broker  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = "@confluentinc/kafka-javascript@1.10.1"
HOME = os.path.join(ROOT, "build", "peers", "librdkafka-2.15.1")
TESTS = os.path.join(HOME, "package", "deps", "librdkafka", "tests")
MODES = ("classic", "classic -P", "consumer", "consumer -P")
WORKERS = 4  # most tests wait rather than work
WHOLE = "whole"  # a mode of its own, for tests of which -Q leaves out most: share groups, which know neither protocol nor producer mode
KAFKA_VERSION = {WHOLE: "4.2.0"}  # else 4.1.0: from 4.2.0 on some tests for everybody want share groups with configurations of their own


def build():
    stamp = os.path.join(HOME, "complete-with-rapidjson")
    if os.path.exists(stamp):
        return
    shutil.rmtree(HOME, ignore_errors=True)
    os.makedirs(HOME)
    jobs = str(os.cpu_count() or 2)
    source = os.path.dirname(TESTS)
    for command, where in ((["npm", "pack", PACKAGE], HOME), (["sh", "-c", "tar xzf *.tgz && rm *.tgz"], HOME),
                           (["./configure", "--disable-sasl", "--disable-curl"], source), (["make", "-j", jobs, "libs"], source),
                           (["make", "-j", jobs, "-C", "tests", "build"], source)):
        done = subprocess.run(command, cwd=where, capture_output=True, text=True, errors="replace", timeout=900)
        assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    open(stamp, "w").close()


def read_list(full):
    """[(test number, mode)]"""
    runs = []
    for line in open(os.path.join(HERE, "librdkafka.txt")):
        line = line.split("#")[0].strip()
        if not line or line.startswith("-"):
            continue
        number, rest = line[:4], line[4:]
        left_out = [mode for mode in MODES if re.search(rf"not {mode}:", rest)]
        words = rest.split()
        if WHOLE in words:
            runs += [(number, WHOLE)] if full or "smoke" in words else []
            continue
        wanted = MODES if full else [mode for mode, word in (("classic", "smoke"), ("consumer", "smoke848")) if word in words]
        runs += [(number, mode) for mode in wanted if mode not in left_out]
    return runs


def shim(directory):
    """Kafka's scripts that some tests call: the command line under its other names."""
    bin_directory = os.path.join(directory, "bin")
    os.makedirs(bin_directory)
    for name in ("kafka-topics.sh", "kafka-acls.sh"):
        os.symlink(os.path.join(BIN, "meridian"), os.path.join(bin_directory, name))
    return directory


def run_one(number, mode, broker, directory):
    conf = os.path.join(directory, broker.name + ".conf")
    with open(conf, "w") as f:
        f.write(f"bootstrap.servers={broker.kafka}\ntest.timeout.multiplier={2 if mode == WHOLE else 1}\n")
    protocol, *arguments = ("classic",) if mode == WHOLE else (*mode.split(), "-Q")
    environment = {**os.environ, "TESTS": number, "RDKAFKA_TEST_CONF": conf, "LD_LIBRARY_PATH": "../src:../src-cpp", "TEST_KAFKA_VERSION": KAFKA_VERSION.get(mode, "4.1.0"),
                   "TEST_CONSUMER_GROUP_PROTOCOL": protocol, "BROKERS": broker.kafka, "KAFKA_PATH": os.path.join(directory, "shim")}
    environment.pop("CI", None)
    began = time.monotonic()
    try:
        done = subprocess.run(["./test-runner", "-p1", "-E", "-L", *arguments], cwd=TESTS, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=400)
        status, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as expired:
        status, output = "timeout", (expired.stdout or b"").decode(errors="replace")
    return status == 0, time.monotonic() - began, output


def main():
    full = "--full" in sys.argv
    build()
    runs = read_list(full)
    directory = tempfile.mkdtemp(prefix="meridian-librdkafka-")
    shim(os.path.join(directory, "shim"))
    brokers = queue.Queue()
    started = []
    for n in range(WORKERS):
        broker = Broker(directory, f"broker{n}", {"num.partitions": "4", "group.initial.rebalance.delay.ms": "500"}, "page-cache").start()
        started.append(broker)
        brokers.put(broker)

    def work(run):
        broker = brokers.get()
        try:
            return run, run_one(*run, broker, directory)
        finally:
            brokers.put(broker)

    passed, failed = 0, []
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for (number, mode), (ok, seconds, output) in pool.map(work, runs):
            print(f"{'ok    ' if ok else 'FAILED'} librdkafka {number} {mode}  {seconds:.1f} s", file=sys.stderr, flush=True)
            if ok:
                passed += 1
                continue
            failed.append(f"librdkafka {number} {mode}")
            print(f"librdkafka {number} {mode}:\n" + "\n".join(re.sub(r"\x1b\[\d*m", "", output).splitlines()[-40:]))
    for broker in started:
        status = broker.stop()
        if status != 0:
            failed.append(f"{broker.name} ended with {status}")
            print(broker.log()[-4000:])
    shutil.rmtree(directory, ignore_errors=True)
    print(json.dumps({"passed": passed, "failed": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
