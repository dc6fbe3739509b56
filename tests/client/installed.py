"""Installs the client with npm, once for each state of package-lock.json."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
LISTS = ["package.json", "package-lock.json", ".npmrc"]


def run(where, *command):
    try:
        done = subprocess.run(command, cwd=where, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", timeout=500, check=False)
    except (OSError, subprocess.TimeoutExpired) as problem:
        sys.exit(f"The client could not be installed: {problem}")
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error" in line.lower()]
        sys.exit(f"The client could not be installed: {' '.join(command[:2])} says "
                 f"{said[0] if said else done.stderr.strip() or done.returncode}")


def install():
    """Returns the node to run it with, and its program."""
    where = pathlib.Path(os.environ["KIEFS_CLIENT"])
    wanted = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in LISTS)).hexdigest()
    stamp = where / "installed"
    if not stamp.exists() or stamp.read_text(encoding="ascii") != wanted:
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir(parents=True)
        for name in LISTS:
            shutil.copy(HERE / name, where)
        # No script of a package runs but the one that is built here, against the headers of the
        # node that it will run in.
        run(where, "npm", "ci", "--ignore-scripts")
        run(where, "npm", "rebuild", "sqlite3", "--build-from-source",
            f"--nodedir={node_of(where)}")
        stamp.write_text(wanted, encoding="ascii")
    program = where / "node_modules/@felores/kie-ai-mcp-server/dist/index.js"
    return node_of(where) / "bin/node", program


def node_of(where):
    for found in where.glob("node_modules/node-linux-*"):
        return found
    sys.exit("The client could not be installed: there is no node for this kind of machine.")
