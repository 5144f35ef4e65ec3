#!/usr/bin/python3
"""The same mirror between two Apache Kafka brokers: the transactional fence, SIGKILL at random moments."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import suite  # noqa: E402
from kafka_peer import KafkaBroker  # noqa: E402
from mirror_test import kill_loop, stop_loop  # noqa: E402

KILLS = int(os.environ.get("MERIDIAN_KAFKA_MIRROR_KILLS", "60"))
STOPS = int(os.environ.get("MERIDIAN_KAFKA_MIRROR_STOPS", "20"))


def test_sigkill_between_two_kafkas_loses_and_repeats_nothing(directory):
    us, eu = KafkaBroker(directory, "us", heap="512m").start(), KafkaBroker(directory, "eu", heap="512m").start()
    try:
        status = kill_loop(directory, us.kafka, eu.kafka, KILLS)
        assert status["fence"] == "transactional", status["fence"]
    finally:
        us.kill(), eu.kill()


def test_two_mirrors_between_two_kafkas_lose_and_repeat_nothing(directory):
    us, eu = KafkaBroker(directory, "us", heap="512m").start(), KafkaBroker(directory, "eu", heap="512m").start()
    try:
        status = stop_loop(directory, us.kafka, eu.kafka, STOPS)
        assert status["fence"] == "transactional", status["fence"]
    finally:
        us.kill(), eu.kill()


if __name__ == "__main__":
    suite.main()
