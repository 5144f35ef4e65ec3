#!/usr/bin/python3
"""Clients nobody here wrote, unmodified, against the real broker: kcat, librdkafka (python3-confluent-kafka), python3-kafka, kafkajs,
node-rdkafka, and Java's tools. Each creates, lists, describes, produces, consumes alone and in groups, and deletes."""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import kafka_peer  # noqa: E402
import suite  # noqa: E402
from meridian import ROOT, Broker, cli, wait_until  # noqa: E402

NODE = os.path.join(ROOT, "build", "peers", "node")
NODE_PACKAGES = {"kafkajs": "2.2.4", "node-rdkafka": "3.6.1", "mocha": "10.8.2"}
# node-rdkafka's own end-to-end suite. Outside: both.spec.js, whose first test races the error that its topic does not exist against its own
# creation of it: an Apache Kafka 4.3.1 that has its coordinator already fails the same six tests, and may hang. groups.spec.js: it disconnects
# a flowing consumer while records still arrive, and the client then hands on records of a consumer that is gone (KafkaConsumerConsumeLoop::
# HandleMessageCallback, SIGSEGV; one run of six on a busy machine). What it checks, test_node_rdkafka does without that.
NODE_SUITE = ["admin", "consumer", "producer", "producer-transaction"]
NODE_SUITE_QUIET = os.path.join(ROOT, "tests", "interop", "node_rdkafka_quiet.js")
# Outside: expects that no broker answers before the client has looked at its queue, with a timeout of 0 ms; now and then one does.
NODE_SUITE_RACES = "should obey the timeout"
# Fails on Apache Kafka 4.3.1 too: an empty key is told as null by the client.
NODE_SUITE_FAILS = {"Producer with_dr_msg_cb should produce a message with an empty payload and empty key (https://github.com/Blizzard/node-rdkafka/issues/117)"}
PYTHON = os.path.join(ROOT, "build", "peers", "python")
PYTHON_PACKAGES = ["confluent-kafka==2.16.1", "kafka-python==3.0.12"]


def with_broker(test):
    def run(directory):
        broker = Broker(directory, "broker", {"num.partitions": "4"}).start()
        try:
            test(broker)
        finally:
            assert broker.stop() == 0, broker.log()
    run.__name__ = test.__name__
    return run


def shell(command, stdin=None, timeout=60, env=None, cwd=None):
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, env={**os.environ, **(env or {})}, cwd=cwd)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr[-4000:]}"
    return done.stdout


def node_packages():
    stamp = os.path.join(NODE, "complete-" + "-".join(NODE_PACKAGES.values()))
    if not os.path.exists(stamp):
        os.makedirs(NODE, exist_ok=True)
        with open(os.path.join(NODE, "package.json"), "w") as f:
            json.dump({"name": "peers", "version": "1.0.0", "private": True, "dependencies": NODE_PACKAGES}, f)
        # node-rdkafka builds its own librdkafka; without a compiler for it this fails loudly.
        shell(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"], timeout=900, cwd=NODE, env={"CI": "1"})
        open(stamp, "w").close()
    return NODE


def python_packages():
    """An interpreter that has the newest clients, beside Debian's older ones."""
    stamp = os.path.join(PYTHON, "complete")
    if not os.path.exists(stamp):
        shell(["/usr/bin/python3", "-m", "venv", PYTHON], timeout=120)
        shell([os.path.join(PYTHON, "bin", "pip"), "install", "-q", "--disable-pip-version-check", *PYTHON_PACKAGES], timeout=300)
        open(stamp, "w").close()
    return os.path.join(PYTHON, "bin", "python")


@with_broker
def test_kcat_produces_and_consumes_every_codec(broker):
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        lines = "".join(f"{codec}-{n}-{'x' * 60}\n" for n in range(500))
        shell(["kcat", "-b", broker.kafka, "-P", "-t", "kcat-" + codec, "-z", codec, "-X", "acks=all", "-X", "enable.idempotence=true"], stdin=lines)
        out = shell(["kcat", "-b", broker.kafka, "-C", "-t", "kcat-" + codec, "-o", "beginning", "-e", "-q"])
        assert sorted(out.splitlines()) == sorted(lines.splitlines())
        if codec != "none":
            # KAFKA-18659: a librdkafka of this age compresses only if Produce is advertised from version 0.
            described = json.loads(cli("-b", broker.kafka, "topic", "describe", "kcat-" + codec, "-o", "json")[1])
            stored = sum(os.path.getsize(os.path.join(broker.directory, broker.name, f"kcat-{codec}-{p['partition']}", "0" * 20 + ".log")) for p in described[0]["partitions"])
            assert stored < len(lines), f"{codec}: {stored} bytes stored for {len(lines)}"
    listing = json.loads(shell(["kcat", "-b", broker.kafka, "-L", "-J"]))
    assert {"kcat-none", "kcat-zstd"} <= {t["topic"] for t in listing["topics"]}
    assert all(len(t["partitions"]) == 4 for t in listing["topics"] if t["topic"].startswith("kcat-"))


@with_broker
def test_kcat_groups_rebalance_when_members_come_and_go(broker):
    shell(["kcat", "-b", broker.kafka, "-P", "-t", "shared"], stdin="".join(f"{n}\n" for n in range(1000)))
    common = ["kcat", "-b", broker.kafka, "-G", "workers", "-X", "auto.offset.reset=earliest", "-X", "session.timeout.ms=6000", "-u", "shared"]
    first = subprocess.Popen(common, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    second = None
    describe = lambda: json.loads(cli("-b", broker.kafka, "group", "describe", "workers", "-o", "json", check=False)[1] or "[{}]")[0]  # noqa: E731
    try:
        got = [first.stdout.readline() for _ in range(1000)]
        assert sorted(map(int, got)) == list(range(1000))
        second = subprocess.Popen(common, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        wait_until(lambda: describe().get("members") == 2 and describe().get("state") == "Stable", 20, "two members")
        second.terminate()
        second.wait()
        wait_until(lambda: describe().get("members") == 1 and describe().get("state") == "Stable", 20, "one member again")
    finally:
        for process in (first, second):
            if process:
                process.kill()
                process.wait()
                process.stdout.close()


@with_broker
def test_librdkafka_admin_client(broker):
    from confluent_kafka import Producer, TopicPartition, Consumer
    from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic
    admin = AdminClient({"bootstrap.servers": broker.kafka, "log_level": 0})
    good, bad = admin.create_topics([NewTopic("a", 3, 1, config={"retention.ms": "1000"}), NewTopic("b", 0, 1)]).values()
    good.result()
    try:
        bad.result()
        raise AssertionError("zero partitions were accepted")
    except Exception as error:
        assert "INVALID_PARTITIONS" in str(error), error
    admin.create_partitions([NewPartitions("a", 5)])["a"].result()
    assert len(admin.list_topics(timeout=10).topics["a"].partitions) == 5
    configs = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, "a")])
    values = next(iter(configs.values())).result()
    assert values["retention.ms"].value == "1000" and values["max.message.bytes"].value == "1048588" and len(values) > 25
    producer = Producer({"bootstrap.servers": broker.kafka, "log_level": 0})
    seen = []
    for n in range(100):
        producer.produce("a", str(n), partition=0, timestamp=1_700_000_000_000 + n, on_delivery=lambda e, m: seen.append((e, m.offset())))
    producer.flush(10)
    assert seen == [(None, n) for n in range(100)]
    consumer = Consumer({"bootstrap.servers": broker.kafka, "group.id": "g"})
    found = consumer.offsets_for_times([TopicPartition("a", 0, 1_700_000_000_042)], timeout=10)
    assert found[0].offset == 42, found
    consumer.commit(offsets=[TopicPartition("a", 0, 7)], asynchronous=False)
    assert consumer.committed([TopicPartition("a", 0)], timeout=10)[0].offset == 7
    consumer.close()
    admin.delete_topics(["a"])["a"].result()
    wait_until(lambda: "a" not in admin.list_topics(timeout=10).topics, 10, "the deletion")


@with_broker
def test_python3_kafka(broker):
    script = f"""
import json
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
b = {broker.kafka!r}
admin = KafkaAdminClient(bootstrap_servers=b)
admin.create_topics([NewTopic('py', 2, 1)])
producer = KafkaProducer(bootstrap_servers=b, acks='all', compression_type='gzip')
for n in range(200): producer.send('py', key=str(n).encode(), value=('v%d' % n).encode(), partition=n % 2)
producer.flush()
got = []
for members in range(2):
    c = KafkaConsumer('py', bootstrap_servers=b, group_id='pyg', auto_offset_reset='earliest', consumer_timeout_ms=5000, enable_auto_commit=False)
    for m in c:
        got.append(m.value)
        if len(got) == 200: break
    c.commit()
    c.close()
    if len(got) == 200: break
assert sorted(got) == sorted(('v%d' % n).encode() for n in range(200)), len(got)
groups = [g[0] for g in admin.list_consumer_groups()]
assert 'pyg' in groups, groups
offsets = admin.list_consumer_group_offsets('pyg')
assert sum(o.offset for o in offsets.values()) == 200, offsets
assert 'py' in admin.list_topics()
admin.delete_topics(['py'])
print('done')
"""
    # The system's kafka package, not this folder's helper of a similar name.
    assert "done" in shell(["/usr/bin/python3", "-c", script], timeout=90, cwd="/")


@with_broker
def test_kafkajs(broker):
    script = """
const { Kafka, logLevel, CompressionTypes } = require('kafkajs');
(async () => {
  const kafka = new Kafka({ brokers: [process.env.BROKER], logLevel: logLevel.ERROR });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: 'js', numPartitions: 3 }], waitForLeaders: true });
  if (!(await admin.listTopics()).includes('js')) throw new Error('not listed');
  const described = await admin.fetchTopicMetadata({ topics: ['js'] });
  if (described.topics[0].partitions.length !== 3) throw new Error('not described');
  const producer = kafka.producer({ idempotent: true });
  await producer.connect();
  const messages = Array.from({ length: 300 }, (_, n) => ({ key: `k${n}`, value: `v${n}`, headers: { n: `${n}` } }));
  await producer.send({ topic: 'js', messages, acks: -1, compression: CompressionTypes.GZIP });
  const got = new Set();
  const members = [];
  for (let m = 0; m < 2; m++) {
    const consumer = kafka.consumer({ groupId: 'jsg', sessionTimeout: 10000 });
    members.push(consumer);
    await consumer.connect();
    await consumer.subscribe({ topic: 'js', fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message }) => { got.add(message.value.toString()); } });
  }
  const until = Date.now() + 40000;
  while (got.size < 300 && Date.now() < until) await new Promise(r => setTimeout(r, 50));
  if (got.size !== 300) throw new Error(`got ${got.size}`);
  for (const consumer of members) await consumer.disconnect();
  const offsets = await admin.fetchOffsets({ groupId: 'jsg', topics: ['js'] });
  const total = offsets[0].partitions.reduce((sum, p) => sum + Math.max(0, Number(p.offset)), 0);
  if (total !== 300) throw new Error(`committed ${total}`);
  await admin.deleteGroups(['jsg']);
  await admin.deleteTopics({ topics: ['js'] });
  await producer.disconnect();
  await admin.disconnect();
  console.log('done');
})().catch(e => { console.error(e); process.exit(1); });
"""
    assert "done" in shell(["node", "-e", script], timeout=120, cwd=node_packages(), env={"BROKER": broker.kafka})


@with_broker
def test_node_rdkafka(broker):
    script = """
const Kafka = require('node-rdkafka');
const b = process.env.BROKER;
const admin = Kafka.AdminClient.create({ 'metadata.broker.list': b });
admin.createTopic({ topic: 'nrd', num_partitions: 2, replication_factor: 1 }, 10000, (error) => {
  if (error) { console.error(error); process.exit(1); }
  const producer = new Kafka.HighLevelProducer({ 'metadata.broker.list': b, 'compression.codec': 'zstd' });
  producer.connect();
  producer.on('ready', () => {
    let acked = 0;
    for (let n = 0; n < 200; n++) producer.produce('nrd', n % 2, Buffer.from('v' + n), 'k' + n, Date.now(), (err) => {
      if (err) { console.error(err); process.exit(1); }
      if (++acked === 200) consume(() => { producer.disconnect(); admin.deleteTopic('nrd', 10000, () => { admin.disconnect(); console.log('done'); process.exit(0); }); });
    });
  });
});
const got = [];
function member() {
  return new Kafka.KafkaConsumer({ 'group.id': 'nrdg', 'metadata.broker.list': b, 'enable.auto.commit': false }, { 'auto.offset.reset': 'earliest' });
}
function consume(then) {  // half of them record by record, then another member goes on where that one committed
  const first = member();
  const next = () => first.consume(1, (error, messages) => {
    if (error) throw error;
    messages.forEach((m) => got.push(m.value.toString()));
    if (got.length < 100) return next();
    first.commitSync();
    first.committed(null, 10000, (error, partitions) => {
      if (error || partitions.reduce((sum, p) => sum + (p.offset || 0), 0) !== 100) throw error || new Error(JSON.stringify(partitions));
      first.disconnect(() => consumeRest(then));
    });
  });
  first.connect();
  first.on('ready', () => { first.subscribe(['nrd']); next(); });
}
function consumeRest(then) {
  const second = member();
  second.connect();
  second.on('ready', () => { second.subscribe(['nrd']); second.consume(); });
  second.on('data', (m) => {
    got.push(m.value.toString());
    if (got.length < 200) return;
    if (new Set(got).size !== 200) throw new Error('a record was read twice');
    second.disconnect(then);
  });
}
setTimeout(() => { console.error('timed out'); process.exit(1); }, 60000).unref();
"""
    assert "done" in shell(["node", "-e", script], timeout=90, cwd=node_packages(), env={"BROKER": broker.kafka})


def test_node_rdkafkas_own_suite(directory):
    broker = Broker(directory, "broker", {"num.partitions": "1"}).start()
    try:
        for topic in ("test", "test2", "test3"):  # other files of the suite would have made them
            cli("-b", broker.kafka, "topic", "create", topic)
        specs = [f"e2e/{name}.spec.js" for name in NODE_SUITE]
        command = ["../.bin/mocha", "--exit", "--timeout", "60000", "--reporter", "json", "--require", NODE_SUITE_QUIET, "--fgrep", NODE_SUITE_RACES, "--invert", *specs]
        suite_directory = os.path.join(node_packages(), "node_modules", "node-rdkafka")
        done = subprocess.run(command, cwd=suite_directory, env={**os.environ, "KAFKA_HOST": broker.kafka, "NODE_PATH": os.path.dirname(suite_directory)},
                              capture_output=True, text=True, timeout=240)
        assert "{\n" in done.stdout, f"ended with {done.returncode} before its report\n{done.stderr[-4000:]}"
        report = json.loads(done.stdout[done.stdout.index("{\n"):])
        failed = {test["fullTitle"]: test["err"].get("message") for test in report["failures"]}
        print(report["stats"]["passes"], "passed", file=sys.stderr)
        assert set(failed) == NODE_SUITE_FAILS and report["stats"]["passes"] == 41 and not report["pending"], (failed, report["stats"])
    finally:
        broker.kill()


@with_broker
def test_newest_python_clients(broker):
    """librdkafka 2.16 through confluent-kafka, with the consumer protocol; kafka-python 3."""
    script = f"""
import confluent_kafka
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec
from kafka import KafkaConsumer, KafkaProducer
b = {broker.kafka!r}
admin = AdminClient({{'bootstrap.servers': b}})
admin.create_topics([NewTopic('new', 3, 1)])['new'].result()
producer = Producer({{'bootstrap.servers': b, 'transactional.id': 'tx', 'compression.type': 'zstd'}})
producer.init_transactions(20)
for commit in (True, False):
    producer.begin_transaction()
    for n in range(300): producer.produce('new', b'%d' % n, partition=n % 3, headers=[('h', b'1')])
    producer.flush(20)
    producer.commit_transaction(20) if commit else producer.abort_transaction(20)
for protocol in ('classic', 'consumer'):
    consumer = Consumer({{'bootstrap.servers': b, 'group.id': 'g-' + protocol, 'group.protocol': protocol, 'auto.offset.reset': 'earliest', 'isolation.level': 'read_committed', 'enable.auto.commit': False}})
    consumer.subscribe(['new'])
    got = []
    while len(got) < 300:
        message = consumer.poll(20)
        assert message is not None and not message.error(), message
        got.append(int(message.value()))
    assert sorted(got) == list(range(300))
    consumer.commit(asynchronous=False)
    consumer.close()
assert admin.list_offsets({{TopicPartition('new', 0): OffsetSpec.latest()}})[TopicPartition('new', 0)].result().offset == 202
described = admin.describe_consumer_groups(['g-consumer'])['g-consumer'].result()
assert described.type.name == 'CONSUMER' and described.state.name == 'EMPTY', described
assert len(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions('g-classic')])['g-classic'].result().topic_partitions) == 3
python = KafkaProducer(bootstrap_servers=b, acks='all', compression_type='gzip')
for n in range(100): python.send('py', b'%d' % n)
python.flush()
seen = []
for message in KafkaConsumer('py', bootstrap_servers=b, group_id='py', auto_offset_reset='earliest', consumer_timeout_ms=8000):
    seen.append(int(message.value))
    if len(seen) == 100: break
assert sorted(seen) == list(range(100))
print('done', confluent_kafka.libversion()[0])
"""
    assert "done" in shell([python_packages(), "-c", script], timeout=120, cwd="/")


@with_broker
def test_java_tools(broker):
    kafka_peer.fetch()
    at = ["--bootstrap-server", broker.kafka]
    assert "Created topic jt" in kafka_peer.tool("TopicCommand", *at, "--create", "--topic", "jt", "--partitions", 3, "--config", "cleanup.policy=compact,delete")
    described = kafka_peer.tool("TopicCommand", *at, "--describe", "--topic", "jt")
    assert "PartitionCount: 3" in described and "cleanup.policy=compact,delete" in described, described
    assert "jt" in kafka_peer.tool("TopicCommand", *at, "--list").split()
    kafka_peer.tool("ConsoleProducer", *at, "--topic", "jt", "--reader-property", "parse.key=true", "--reader-property", "key.separator=:",
                    stdin="".join(f"{n}:{n}\n" for n in range(100)))
    out = kafka_peer.tool("consumer.ConsoleConsumer", *at, "--topic", "jt", "--group", "jg", "--from-beginning", "--max-messages", 100)
    assert sorted(map(int, out.split())) == list(range(100))
    groups = kafka_peer.tool("consumer.group.ConsumerGroupCommand", *at, "--describe", "--group", "jg")
    lags = [line.split()[5] for line in groups.splitlines() if line.startswith("jg")]
    assert len(lags) == 3 and set(lags) == {"0"}, groups
    assert "jt:0:" in kafka_peer.tool("GetOffsetShell", *at, "--topic", "jt")
    kafka_peer.tool("TopicCommand", *at, "--delete", "--topic", "jt")
    assert "jt" not in kafka_peer.tool("TopicCommand", *at, "--list").split()


@with_broker
def test_kafkas_own_tools_read_our_segment_files(broker):
    kafka_peer.fetch()
    shell(["kcat", "-b", broker.kafka, "-P", "-t", "dump", "-p", "0", "-z", "lz4"], stdin="".join(f"line {n}\n" for n in range(300)))
    log = os.path.join(broker.directory, broker.name, "dump-0", "0" * 20 + ".log")
    out = subprocess.run(kafka_peer.java("org.apache.kafka.tools.DumpLogSegments", "--files", log, "--print-data-log"), capture_output=True, text=True, timeout=60)
    assert out.returncode == 0 and out.stdout.count("payload: line") == 300, out.stdout[-2000:] + out.stderr[-2000:]
    assert "isvalid: true" in out.stdout and "isvalid: false" not in out.stdout


@with_broker
def test_clients_push_their_metrics(broker):
    """KIP-714 with clients of both families: asked for by Kafka's own tool, seen in /metrics."""
    kafka_peer.fetch()
    at = ["--bootstrap-server", broker.kafka]
    kafka_peer.tool("ClientMetricsCommand", *at, "--alter", "--name", "java", "--metrics", "org.apache.kafka.producer.", "--interval", 200, "--match", "client_software_name=apache-kafka-java")
    kafka_peer.tool("ClientMetricsCommand", *at, "--alter", "--name", "librdkafka", "--metrics", "*", "--interval", 200, "--match", "client_id=node-.*")
    assert "interval.ms=200" in kafka_peer.tool("ClientMetricsCommand", *at, "--describe", "--name", "java")
    refused = subprocess.run(kafka_peer.java("org.apache.kafka.tools.ClientMetricsCommand", *at, "--alter", "--name", "bad", "--match", "colour=red"), capture_output=True, text=True, timeout=60)
    assert "Illegal client matching pattern" in refused.stdout + refused.stderr, refused

    producer = subprocess.Popen(kafka_peer.java("org.apache.kafka.tools.VerifiableProducer", *at, "--topic", "pushed", "--throughput", 100), stdout=subprocess.DEVNULL)
    script = "new (require('node-rdkafka').Producer)({ 'metadata.broker.list': process.env.BROKER, 'client.id': 'node-1' }).connect().on('ready', () => setInterval(() => {}, 1000));"
    node = subprocess.Popen(["node", "-e", script], cwd=node_packages(), env={**os.environ, "BROKER": broker.kafka})
    try:
        wait_until(lambda: re.search(r'^org_apache_kafka_producer_record_send_total\{client_id="[^"]+",client_instance_id="[^"]{22}"[^}]*\} [1-9]', broker.get("/metrics"), re.MULTILINE), 30, "the Java producer's metrics")
        wait_until(lambda: re.search(r'^org_apache_kafka_producer_connection_creation_total\{client_id="node-1"', broker.get("/metrics"), re.MULTILINE), 30, "librdkafka's metrics")
        assert "org_apache_kafka_consumer" not in broker.get("/metrics")
    finally:
        for process in (producer, node):
            process.terminate()
            process.wait()


if __name__ == "__main__":
    assert shutil.which("node") and shutil.which("npm") and shutil.which("java") and shutil.which("mvn"), "./dev setup installs the peers"
    suite.main()
