#!/usr/bin/python3
"""Kafka's Java clients and tools against the real broker, and meridian's aliases of the scripts beside them: the same lines."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import kafka_peer  # noqa: E402
import suite  # noqa: E402
from meridian import Broker, cli  # noqa: E402


def both(broker, script, main, *arguments):
    """stdout of the alias and of Kafka's own tool."""
    at = ["--bootstrap-server", broker.kafka, *arguments]
    theirs = subprocess.run(kafka_peer.java(main, *at), capture_output=True, text=True, timeout=60)
    return cli(script, *at, check=False)[1], theirs.stdout


def test_aliases_print_kafkas_lines(directory):
    kafka_peer.fetch()
    broker = Broker(directory, "broker").start()
    try:
        tools = "org.apache.kafka.tools."
        out = cli("kafka-topics.sh", "--bootstrap-server", broker.kafka, "--create", "--topic", "a_b", "--partitions", 2, "--config", "retention.ms=1000")[1]
        assert out.endswith("Created topic a_b.\n") and out.startswith("WARNING: Due to limitations"), out
        cli("-b", broker.kafka, "topic", "produce", "a_b", "-p", 0, stdin="one\ntwo\n")
        cli("-b", broker.kafka, "group", "seek", "g", "--topic", "a_b", "--to", "1")
        cli("kafka-configs.sh", "--bootstrap-server", broker.kafka, "--alter", "--entity-type", "clients", "--entity-name", "c", "--add-config", "producer_byte_rate=1000")
        cli("kafka-configs.sh", "--bootstrap-server", broker.kafka, "--alter", "--entity-type", "client-metrics", "--entity-name", "m", "--add-config", "metrics=[a.,b.],match=[client_id=x.*]")
        request = os.path.join(directory, "records.json")
        with open(request, "w") as f:
            json.dump({"partitions": [{"topic": "a_b", "partition": 0, "offset": 1}], "version": 1}, f)
        for script, main, *arguments in (("kafka-topics.sh", tools + "TopicCommand", "--describe", "--topic", "a_b"), ("kafka-topics.sh", tools + "TopicCommand", "--list"),
                                         ("kafka-configs.sh", "kafka.admin.ConfigCommand", "--describe", "--entity-type", "topics", "--entity-name", "a_b"),
                                         ("kafka-configs.sh", "kafka.admin.ConfigCommand", "--describe", "--entity-type", "clients", "--entity-name", "c"),
                                         ("kafka-configs.sh", "kafka.admin.ConfigCommand", "--describe", "--entity-type", "client-metrics", "--entity-name", "m"),
                                         ("kafka-consumer-groups.sh", tools + "consumer.group.ConsumerGroupCommand", "--list"),
                                         ("kafka-consumer-groups.sh", tools + "consumer.group.ConsumerGroupCommand", "--describe", "--group", "g"),
                                         ("kafka-delete-records.sh", tools + "DeleteRecordsCommand", "--offset-json-file", request)):
            ours, theirs = both(broker, script, main, *arguments)
            assert ours == theirs and ours, f"{script} {arguments}:\n{ours!r}\n{theirs!r}"
        status, out, _ = cli("kafka-acls.sh", "--bootstrap-server", broker.kafka, "--list", check=False)
        assert status == 1 and out == "Error while executing ACL command: org.apache.kafka.common.errors.SecurityDisabledException: No Authorizer is configured.\n", out
        out = cli("kafka-console-consumer.sh", "--bootstrap-server", broker.kafka, "--topic", "a_b", "--from-beginning", "--max-messages", 1)[1]
        assert out == "two\n", out
    finally:
        broker.kill()


def test_verifiable_clients_in_both_group_protocols(directory):
    kafka_peer.fetch()
    broker = Broker(directory, "broker").start()
    try:
        cli("-b", broker.kafka, "topic", "create", "v", "-p", 3)
        produced = kafka_peer.tool("VerifiableProducer", "--bootstrap-server", broker.kafka, "--topic", "v", "--max-messages", 3000, "--acks", "-1")
        assert '"acked":3000' in produced, produced[-500:]
        for protocol in ("classic", "consumer"):
            consumed = kafka_peer.tool("VerifiableConsumer", "--bootstrap-server", broker.kafka, "--topic", "v", "--group-id", "g-" + protocol, "--group-protocol", protocol,
                                       "--max-messages", 3000, "--reset-policy", "earliest")
            events = [json.loads(line) for line in consumed.splitlines() if line.startswith("{")]
            assert sum(e["count"] for e in events if e["name"] == "records_consumed") == 3000
            assert all(e.get("success", True) for e in events if e["name"] == "offsets_committed")
        types = {g["group"]: g["type"] for g in json.loads(cli("-b", broker.kafka, "group", "list", "-o", "json")[1])}
        assert types == {"g-classic": "classic", "g-consumer": "consumer"}, types
    finally:
        broker.kill()


def test_java_transactions_of_the_second_protocol(directory):
    kafka_peer.fetch()
    broker = Broker(directory, "broker").start()
    try:
        cli("-b", broker.kafka, "topic", "create", "t", "-p", 2)
        kafka_peer.tool("ProducerPerformance", "--bootstrap-server", broker.kafka, "--topic", "t", "--num-records", 20000, "--record-size", 100, "--throughput", 20000,
                        "--transactional-id", "perf", "--transaction-duration-ms", 50, "--command-property", "acks=all")
        listed = kafka_peer.tool("TransactionsCommand", "--bootstrap-server", broker.kafka, "describe", "--transactional-id", "perf")
        assert "CompleteCommit" in listed, listed
        epoch = int(listed.splitlines()[1].split()[3])
        assert epoch >= 5, f"under version 2 every transaction raises the epoch: {listed}"
        out = kafka_peer.tool("consumer.ConsoleConsumer", "--bootstrap-server", broker.kafka, "--topic", "t", "--from-beginning", "--isolation-level", "read_committed", "--max-messages",
                              20000, "--timeout-ms", 20000)
        assert len(out.splitlines()) == 20000
        features = kafka_peer.tool("FeatureCommand", "--bootstrap-server", broker.kafka, "describe")
        assert "transaction.version" in features and "FinalizedVersionLevel: 2" in features, features
    finally:
        broker.kill()


if __name__ == "__main__":
    suite.main()
