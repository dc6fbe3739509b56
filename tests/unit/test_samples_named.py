"""Every body of tests/data/samples stands in a table of the unit tests that read them."""

import pathlib
import subprocess
import sys


def main(folder, *programs):
    named = {}
    for program in programs:
        names = subprocess.run([program, "--names"], stdout=subprocess.PIPE, text=True, check=True)
        assert names.stdout, f"{program} reads no body"
        for name in names.stdout.split():
            named.setdefault(name, program)
    there = {path.name.removesuffix(".json") for path in pathlib.Path(folder).iterdir()}
    unread = sorted(there - named.keys())
    gone = sorted(f"{name} ({named[name]})" for name in named.keys() - there)
    if unread or gone:
        sys.exit(f"in no table: {unread}\nin a table, but not there: {gone}")
    print(f"{len(there)} bodies, each in a table")


main(*sys.argv[1:])
