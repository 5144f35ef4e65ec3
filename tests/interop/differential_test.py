#!/usr/bin/python3
"""The same seeded requests, valid and not, over all APIs and versions, to Meridian and to Apache Kafka 4.3.1; the answers compared field by
field (Differential.java). What may differ is in differential.txt."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import kafka_peer  # noqa: E402
import suite  # noqa: E402
from meridian import Broker  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = int(os.environ.get("MERIDIAN_DIFFERENTIAL_STEPS", "3000"))


def test_answers_are_those_of_apache_kafka(directory):
    permitted = set()
    for line in open(os.path.join(HERE, "differential.txt")):
        if line.strip() and not line.startswith("#"):
            api, path = line.split()[:2]
            permitted.add((api, path.rstrip(":")))
    # What runs by the clock would change logs at other moments in the one than in the other.
    idle = {"log.retention.check.interval.ms": "3600000", "log.cleaner.backoff.ms": "3600000", "offsets.retention.check.interval.ms": "3600000"}
    meridian = Broker(directory, "meridian", {"node.id": "1", **idle}, "page-cache").start()
    kafka = kafka_peer.KafkaBroker(directory, "kafka", {**idle, "log.initial.task.delay.ms": "3600000"}, heap="700m").start()
    try:
        done = subprocess.run(["java", f"-Dlog4j2.configurationFile={kafka_peer.LIB}/log4j2.properties", "-cp", f"{kafka_peer.LIB}/*",
                               os.path.join(HERE, "Differential.java"), meridian.kafka, kafka.kafka, str(STEPS), "1"], capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, done.stderr[-3000:]
    finally:
        meridian.kill()
        kafka.kill()
    lines = done.stdout.splitlines()
    bad = [line for line in lines if line.startswith("DIFFERENCE") and (line.split()[1], line.split()[3].rstrip(":")) not in permitted]
    print(lines[-1], file=sys.stderr)
    assert not bad, f"{len(bad)} differences, first:\n" + "\n".join(line[:1500] for line in bad[:12])
    same, steps = int(lines[-1].split()[1]), int(lines[-1].split()[3])
    assert same > 0.85 * steps, lines[-1]


if __name__ == "__main__":
    suite.main()
