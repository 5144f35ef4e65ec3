#!/usr/bin/python3
"""Style that a machine can check: include layers, the Asio-free list, OS access outside the seams, detached, capturing coroutine
lambdas; reports file and function sizes. Each check is a test."""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import suite  # noqa: E402

ASIO_FREE = ["common/base/", "common/kafka/", "broker/metadata/image.", "broker/metadata/topics_control.", "broker/replication/partition.",
             "broker/coordinator/group/classic_group.", "broker/coordinator/group/records.", "mirror/replication_policy.", "mirror/offset_map.", "mirror/tail_matcher."]
# Reaching Task or meta_store.h pulls Asio in; these see them for types alone and start nothing.
ASIO_FREE_EXCEPT = {"broker/metadata/image.h": "WatchBatch and Revision are declared beside the MetaStore interface"}
SEAMS = ["common/io/", "common/async/", "common/base/base.cc", "broker/main.cc", "mirror/main.cc", "cli/", "tests/"]
OS_ACCESS = {
    "broker/admin/admin.cc": "reads its own memory use from /proc",
    "mirror/mirror.cc": "reads its own memory use from /proc",
    "mirror/config.cc": "reads its configuration file at start",
    "mirror/rdkafka_reader.cc": "librdkafka signals through a pipe",
    "common/config/settings.cc": "reads its configuration file at start",
}
OS_PATTERN = re.compile(r"\b(system_clock::now|steady_clock::now|std::ifstream|std::ofstream|std::random_device|(?<![A-Za-z0-9_>])::(open|pread|pwrite|fsync|fdatasync|rename|unlink|socket|connect|time|read|write|pipe2)\()")
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 90


def files(*patterns):
    out = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", *patterns], capture_output=True, text=True, check=True).stdout
    return [path for path in out.split() if os.path.exists(os.path.join(ROOT, path))]


def text(path):
    with open(os.path.join(ROOT, path)) as f:
        return f.read()


def sources():
    return [path for path in files("*.h", "*.cc") if path.split("/")[0] in ("common", "broker", "mirror", "cli")]


def layers():
    rules = []
    for line in text("tests/tidy/layers.txt").splitlines():
        if line and not line.startswith("#"):
            left, right = line.split("->")
            rules.append((left.strip(), right.split()))
    return rules


def layer_of(path, rules):
    matches = [rule for rule in rules if path.startswith(rule[0] + "/")]
    return max(matches, key=lambda rule: len(rule[0])) if matches else None


def layer_violations(paths, read):
    rules, bad = layers(), []
    for path in paths:
        layer = layer_of(path, rules)
        if layer is None:
            bad.append(f"{path}: its folder is not in layers.txt")
            continue
        for included in re.findall(r'^#include "([^"]+)"', read(path), re.M):
            allowed = [layer[0], *layer[1]]
            if not any(included == a or included.startswith(a + "/") for a in allowed):
                bad.append(f"{path} includes {included}: {layer[0]} may include {' '.join(layer[1]) or 'nothing'}")
    return bad


def test_includes_follow_the_layers():
    assert not layer_violations(sources(), text), "\n".join(layer_violations(sources(), text))


def test_the_layer_check_can_fail():
    assert layer_violations(["common/base/x.h"], lambda _: '#include "broker/broker.h"\n')
    assert layer_violations(["broker/storage/x.cc"], lambda _: '#include "broker/metadata/image.h"\n')


def test_pure_parts_are_free_of_asio():
    bad = [path for path in sources() if any(path.startswith(p) for p in ASIO_FREE) and path not in ASIO_FREE_EXCEPT
           and re.search(r'boost/asio|common/async|common/io|Task<', text(path))]
    assert not bad, bad


def test_the_operating_system_is_reached_through_the_seams():
    bad = []
    for path in sources():
        if any(path.startswith(seam) for seam in SEAMS) or path in OS_ACCESS:
            continue
        bad += [f"{path}:{n}: {line.strip()}" for n, line in enumerate(text(path).splitlines(), 1) if OS_PATTERN.search(line)]
    assert not bad, "\n".join(bad)


def test_detached_is_not_used():
    bad = [path for path in sources() if not path.startswith("common/async/") and re.search(r"\bdetached\b", text(path))]
    assert not bad, bad


def test_coroutine_lambdas_capture_nothing():
    """A closure dies before the frame of its coroutine. Looks at lambdas with a Task return type."""
    bad = []
    for path in sources():
        for match in re.finditer(r"\[([^\[\]]*)\]\s*\([^)]*\)\s*(mutable\s*)?->\s*Task<", text(path)):
            if match.group(1).strip():
                bad.append(f"{path}:{text(path)[:match.start()].count(chr(10)) + 1}: captures [{match.group(1)}]")
    assert not bad, bad


def test_librdkafka_and_the_parser_stay_in_their_files():
    for header, allowed in {"librdkafka/": {"mirror/rdkafka_reader.cc", "cli/commands/bench.cc", "cli/kafka/console.cc"}, "CLI/CLI.hpp": {"broker/main.cc", "mirror/main.cc", "cli/main.cc"},
                            "spdlog/": {"common/base/log.cc"}, "sqlite3.h": {"broker/metadata/local_meta_store.cc"}}.items():
        users = {path for path in sources() if f"<{header}" in text(path)}
        assert users <= allowed, (header, users - allowed)


def test_files_hold_one_idea():
    sizes = sorted(((len(text(path).splitlines()), path) for path in sources()), reverse=True)
    print("largest files:", ", ".join(f"{path} {lines}" for lines, path in sizes[:5]), file=sys.stderr)
    too_long = [(path, lines) for lines, path in sizes if lines > FILE_LINES_MAX]
    assert not too_long, too_long


def function_sizes():
    """(lines, path:line) of functions that end with a brace in the first column."""
    for path in sources():
        start = None
        for n, line in enumerate(text(path).splitlines(), 1):
            if re.match(r"^[A-Za-z].*\) (const )?(override )?\{$|^[A-Za-z].*\{$", line) and not re.match(r"^(namespace|struct|class|enum|extern|constexpr)", line):
                start = n
            elif line.startswith("}") and start:
                yield n - start + 1, f"{path}:{start}"
                start = None


def test_functions_fit_a_screen():
    sizes = sorted(function_sizes(), reverse=True)
    print("largest functions:", ", ".join(f"{where} {lines}" for lines, where in sizes[:5]), file=sys.stderr)
    assert sizes[0][0] <= FUNCTION_LINES_MAX, sizes[:3]


def test_no_unfinished_words():
    bad = []
    for path in sources():
        bad += [f"{path}:{n}" for n, line in enumerate(text(path).splitlines(), 1) if re.search(r"\b(TODO|FIXME|XXX|not implemented)\b", line)]
    assert not bad, bad


def test_architecture_names_what_exists():
    gone = [name for name in re.findall(r"`((?:common|broker|mirror|cli|tests|config|docs|terraform)/[A-Za-z0-9_./-]+)`", text("ARCHITECTURE.md")) if not os.path.exists(os.path.join(ROOT, name))]
    assert not gone, gone


if __name__ == "__main__":
    suite.main()
