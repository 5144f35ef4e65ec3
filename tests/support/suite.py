"""A Python test suite: functions named test_*, each in a temporary directory of its own; prints a JSON result line at the end."""
import inspect
import json
import shutil
import sys
import tempfile
import time
import traceback


def main():
    module = sys.modules["__main__"]
    wanted = sys.argv[1:]
    tests = [(name, f) for name, f in vars(module).items() if name.startswith("test_") and callable(f) and (not wanted or name in wanted)]
    passed, failed = 0, []
    for name, test in tests:
        directory = tempfile.mkdtemp(prefix="meridian-test-")
        began = time.monotonic()
        try:
            test(directory) if inspect.signature(test).parameters else test()
            passed += 1
            print(f"ok     {name}  {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
        except BaseException:  # a failing test must not end the suite
            failed.append(f"{module.__file__.rsplit('/', 1)[-1]}:{name}")
            print(f"FAILED {name}\n{traceback.format_exc()}", flush=True)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    print(json.dumps({"passed": passed, "failed": failed}))
    sys.exit(1 if failed else 0)
