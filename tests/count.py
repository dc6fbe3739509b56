"""Counts the tests in meson's testlog.json files, each TAP subtest as one; the last line is
`N passed, N failed`. Exit status 1 when one failed, or when none ran."""

import json
import re
import sys

TAP_LINE = re.compile(r"^(not )?ok\b(?:[^#\n]*)(?:#\s*(skip|todo)\b)?", re.IGNORECASE | re.MULTILINE)


def count(test):
    """(passed, what failed, skipped) of one meson test."""
    result = test["result"]
    passed = skipped = 0
    failed = []
    for line in TAP_LINE.finditer(test.get("stdout") or ""):
        if line.group(2):
            skipped += 1
        elif line.group(1):
            failed.append(f"{test['name']}: {line.group(0)}")
        else:
            passed += 1
    if result == "SKIP" and not skipped:
        skipped += 1
    elif result in ("OK", "EXPECTEDFAIL"):
        passed += not (passed or skipped)
    elif result != "SKIP" and not failed:
        # It broke off, leaked, or took too long: no line of its own says so.
        failed.append(f"{test['name']}: {result.lower()}")
    return passed, failed, skipped


def main(logs):
    passed = skipped = 0
    failed = []
    for log in logs:
        with open(log, encoding="utf-8") as lines:
            for line in lines:
                more = count(json.loads(line))
                passed += more[0]
                failed += more[1]
                skipped += more[2]
    for line in failed:
        print("FAILED", line)
    print(f"{passed} passed, {len(failed)} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
