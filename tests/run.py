#!/usr/bin/python3
"""Runs every test and ends with "N passed, N failed": C++ suites (ASan+UBSan), the tidy test, then Python suites on release binaries."""
import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def run_gtest(binary):
    """(passed, failed names) of one GoogleTest binary; a crash is a failure of its own."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        done = subprocess.run([binary, f"--gtest_output=xml:{report.name}", "--gtest_brief=1"], capture_output=True, text=True, errors="replace")
        passed, failed = 0, []
        try:
            for case in ElementTree.parse(report.name).getroot().iter("testcase"):
                if case.find("failure") is not None:
                    failed.append(f"{case.get('classname')}.{case.get('name')}")
                elif case.get("status") == "run":
                    passed += 1
        except ElementTree.ParseError:
            pass
        if done.returncode != 0 and not failed:
            failed.append(f"{os.path.basename(binary)} exited with {done.returncode}")
        if failed:
            print(done.stdout[-12000:], done.stderr[-12000:])
        return passed, failed


def run_python(path, arguments=()):
    """A Python suite prints one JSON line at its end: {"passed": n, "failed": [names]}."""
    done = subprocess.run(["/usr/bin/python3", path, *arguments], stdout=subprocess.PIPE, text=True, errors="replace")
    lines = done.stdout.strip().splitlines()
    try:
        result = json.loads(lines[-1])
    except (IndexError, ValueError):
        print(done.stdout[-8000:])
        return 0, [f"{os.path.basename(path)} exited with {done.returncode}"]
    if result["failed"]:
        print("\n".join(lines[:-1])[-16000:])
    return result["passed"], result["failed"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="C++ suites and tidy alone")
    parser.add_argument("--full", action="store_true", help="also what takes long: librdkafka's whole suite in every mode, mirrors killed and stopped 200 times each")
    options = parser.parse_args()
    if options.full:
        os.environ.update({f"MERIDIAN_{which}_{what}": "200" for which in ("MIRROR", "KAFKA_MIRROR") for what in ("KILLS", "STOPS")})
    suites = [(run_gtest, path) for path in sorted(glob.glob(os.path.join(ROOT, "build/asan/bin/*_test")))]
    suites.append((run_python, os.path.join(ROOT, "tests/tidy/tidy_test.py")))
    if not options.quick:
        for folder in ("fuzz", "interop", "integration"):
            suites += [(run_python, path) for path in sorted(glob.glob(os.path.join(ROOT, "tests", folder, "*_test.py")))]
    passed, failed = 0, []
    for run, path in suites:
        began = time.monotonic()
        ok, bad = run(path, ["--full"]) if options.full and path.endswith("librdkafka_test.py") else run(path)
        passed += ok
        failed += bad
        print(f"{os.path.relpath(path, ROOT):55} {ok:4} passed, {len(bad)} failed   {time.monotonic() - began:6.1f} s", flush=True)
    for name in failed:
        print("FAILED:", name)
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
