"""Starts the real binaries for tests and the demo: brokers, mirrors, the command line. Ports are always taken free ones."""
import json
import os
import select
import signal
import subprocess
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("MERIDIAN_BIN", os.path.join(ROOT, "build", "release", "bin"))


def wait_until(condition, timeout=30, what="the condition"):
    """Polls `condition` until it is true; its value is returned. A deadline, not a sleep, ends a failed wait."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"timed out after {timeout} s waiting for {what}")
        time.sleep(0.02)


class Server:
    """One server process. `ready` holds the key=value pairs of its ready line."""

    def __init__(self, command, log_path, timeout=20):
        self.command, self.log_path, self.timeout = command, log_path, timeout
        self.process, self.ready = None, {}

    def start(self):
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=log)
        log.close()
        deadline = time.monotonic() + self.timeout
        line = b""
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            chunk = os.read(self.process.stdout.fileno(), 4096) if readable else b""
            if not chunk:
                self.kill()
                raise RuntimeError(f"{self.command[0]} did not get ready:\n{self.log()}")
            line += chunk
        self.ready = dict(part.split("=", 1) for part in line.decode().split() if "=" in part)
        return self

    def get(self, path):
        """What the admin server tells: text, or what its JSON says."""
        with urllib.request.urlopen(f"http://{self.admin}{path}", timeout=10) as response:
            body = response.read().decode()
        return json.loads(body) if response.headers["Content-Type"] == "application/json" else body

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
            self.process.stdout.close()

    def stop(self, timeout=30):
        """SIGTERM; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.command[0]} did not stop in {timeout} s:\n{self.log()}")
        self.process.stdout.close()
        return status

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()


class Broker(Server):
    """A broker that keeps its ports when it is started again."""

    def __init__(self, directory, name, settings=None, durability="fsync"):
        self.directory, self.name = directory, name
        self.settings = {"durability": durability, "group.initial.rebalance.delay.ms": "0", **(settings or {})}
        self.kafka, self.admin = "127.0.0.1:0", "127.0.0.1:0"
        super().__init__([], os.path.join(directory, name + ".log"))

    def start(self):
        self.command = [os.path.join(BIN, "meridian-broker"), "--data-dir", os.path.join(self.directory, self.name), "--kafka", self.kafka, "--admin", self.admin]
        for key, value in self.settings.items():
            self.command += ["--set", f"{key}={value}"]
        super().start()
        self.kafka, self.admin = self.ready["kafka"], self.ready["admin"]
        return self

    def start_preloaded(self, source, **environment):
        """start() with a library of tests/support before libc, which finds its orders in `environment`."""
        shim = os.path.join(self.directory, source.replace(".c", ".so"))
        subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, os.path.join(os.path.dirname(os.path.abspath(__file__)), source), "-ldl"], check=True)
        os.environ.update(LD_PRELOAD=shim, **environment)
        try:
            return self.start()
        finally:
            for name in ("LD_PRELOAD", *environment):
                del os.environ[name]


class Mirror(Server):
    def __init__(self, directory, clusters, links, name="mirror"):
        self.config = os.path.join(directory, name + ".yaml")
        with open(self.config, "w") as f:
            json.dump({"clusters": {alias: {"bootstrap": at} for alias, at in clusters.items()}, "links": links}, f)
        super().__init__([os.path.join(BIN, "meridian-mirror"), "--config", self.config, "--admin", "127.0.0.1:0"], os.path.join(directory, name + ".log"))

    @property
    def admin(self):
        return self.ready["admin"]

    def caught_up(self, link, topics):
        """True once every record of `topics` that the source holds is on the target, by the source's newest known end."""
        status = self.get(f"/v1/links/{link}")
        for topic in topics:
            partitions = status["topics"].get(topic, {}).get("partitions", [])
            if not partitions or any(p["lag"] != 0 or p["state"] not in ("active",) for p in partitions):
                return False
        return True


def cli(*arguments, check=True, stdin=None):
    """Runs `meridian`; returns (exit status, stdout, stderr)."""
    done = subprocess.run([os.path.join(BIN, "meridian"), *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=120)
    if check and done.returncode != 0:
        raise AssertionError(f"meridian {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.returncode, done.stdout, done.stderr
