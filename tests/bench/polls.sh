#!/bin/sh
# The daemon's share of a core with 5,000 running tasks at the default poll budget.
# usage: polls.sh BUILD [SECONDS]: the build directory of a release build
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
KIEFS=$build/src/kiefs KIEFS_SIM=$build/src/sim/kiefs-sim KIEFS_SIM_TESTS=$top/tests/sim \
	exec python3 "$top/tests/bench/mount.py" polls --seconds "${2:-20}"
