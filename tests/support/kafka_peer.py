"""Apache Kafka as a peer: fetched from Maven Central once, kept in build/peers."""
import os
import socket
import subprocess
import time

from meridian import ROOT, Server

VERSION = "4.3.1"
LIB = os.path.join(ROOT, "build", "peers", "kafka-" + VERSION)
POM = """<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>kafka-peer</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-clients</artifactId><version>{0}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>{0}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{0}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.1</version></dependency>
  </dependencies>
</project>
"""
LOG4J = """rootLogger.level=warn
rootLogger.appenderRef.c.ref=c
appender.c.type=Console
appender.c.name=c
appender.c.target=SYSTEM_ERR
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=%d %p %c{1} %m%n
"""


def fetch():
    """Downloads the jars if they are not here; returns the folder."""
    if not os.path.exists(os.path.join(LIB, "complete")):
        os.makedirs(LIB, exist_ok=True)
        with open(os.path.join(LIB, "pom.xml"), "w") as f:
            f.write(POM.format(VERSION))
        with open(os.path.join(LIB, "log4j2.properties"), "w") as f:
            f.write(LOG4J)
        subprocess.run(["mvn", "-q", "-B", "-f", os.path.join(LIB, "pom.xml"), "dependency:copy-dependencies", "-DoutputDirectory=" + LIB], check=True,
                       stdout=subprocess.DEVNULL, timeout=600)
        open(os.path.join(LIB, "complete"), "w").close()
    return LIB


def java(main, *arguments, options=()):
    return ["java", *options, f"-Dlog4j2.configurationFile={LIB}/log4j2.properties", "-cp", f"{LIB}/*", main, *map(str, arguments)]


def tool(main, *arguments, stdin=None, timeout=60):
    """Runs one of Kafka's command-line tools; returns its stdout."""
    done = subprocess.run(java("org.apache.kafka.tools." + main, *arguments), input=stdin, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, f"{main} {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr[-3000:]}"
    return done.stdout


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class KafkaBroker(Server):
    """One combined KRaft node. Started when its port answers."""

    def __init__(self, directory, name, settings=None, heap="1g"):
        fetch()
        port, controller = free_port(), free_port()
        self.kafka = f"127.0.0.1:{port}"
        data = os.path.join(directory, name)
        config = os.path.join(directory, name + ".properties")
        lines = {"process.roles": "broker,controller", "node.id": "1", "listeners": f"PLAINTEXT://{self.kafka},CONTROLLER://127.0.0.1:{controller}",
                 "advertised.listeners": f"PLAINTEXT://{self.kafka},CONTROLLER://127.0.0.1:{controller}", "controller.listener.names": "CONTROLLER",
                 "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}", "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
                 "log.dirs": data, "offsets.topic.replication.factor": "1", "transaction.state.log.replication.factor": "1", "transaction.state.log.min.isr": "1",
                 "share.coordinator.state.topic.replication.factor": "1", "share.coordinator.state.topic.min.isr": "1", "group.initial.rebalance.delay.ms": "0", **(settings or {})}
        with open(config, "w") as f:
            f.writelines(f"{key}={value}\n" for key, value in lines.items())
        subprocess.run(java("kafka.tools.StorageTool", "format", "--standalone", "-t", "AAAAAAAAAAAAAAAAAAAAAQ" if name == "us" else "AAAAAAAAAAAAAAAAAAAAAg", "-c", config),
                       check=True, capture_output=True, timeout=60)
        super().__init__(java("kafka.Kafka", config, options=(f"-Xmx{heap}",)), os.path.join(directory, name + ".log"))

    def start(self):
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=log)
        log.close()
        deadline = time.monotonic() + 60
        host, port = self.kafka.split(":")
        while True:
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.kill()
                    raise RuntimeError("Kafka did not start:\n" + self.log()[-3000:])
                time.sleep(0.05)
