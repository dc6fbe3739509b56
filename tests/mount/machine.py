"""Tests that take several users, or root: the program starts itself again as root in a mount
namespace of its own, where every user may open /dev/fuse and use allow_other.

No account is made: the users and groups are some that each Debian has.
"""

import os
import pwd
import grp
import shutil
import stat
import subprocess
import sys
import tempfile

from mount import *

CAPABILITIES = {"SYS_ADMIN": 21, "MKNOD": 27, "DAC_READ_SEARCH": 2}  # and their bits
INSIDE = "KIEFS_TEST_INSIDE"
KEPT = ("PATH", "PYTHONDONTWRITEBYTECODE", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")
ROOT = "root"
OWNER, OTHER, THIRD = "games", "nobody", "bin"  # who mounts, and two others
SHARED = "users"  # a group that none of them is in by itself


def bail_out(why):
    print(f"Bail out! {why}")
    sys.exit(1)


def check_capabilities():
    """Root of a container may lack some."""
    status = read("/proc/self/status")
    have = int(status.partition("CapEff:")[2].split()[0], 16)
    missing = [name for name, bit in CAPABILITIES.items() if not have >> bit & 1]
    if missing:
        bail_out("Root here lacks what this takes: start the container with "
                 + " ".join(f"--cap-add {name}" for name in missing) + ".")


def enter():
    """Returns in the namespace, as root; elsewhere only by its exit status."""
    if INSIDE not in os.environ:
        kept = [f"{name}={os.environ[name]}" for name in KEPT if name in os.environ]
        command = ["env", *kept, f"{INSIDE}=1", "unshare", "--mount", sys.executable, *sys.argv]
        if os.geteuid() != 0:
            if not shutil.which("sudo") or run(["sudo", "-n", "true"], None).status:
                bail_out("This takes root, or sudo without a password.")
            command[:0] = ["sudo", "-n"]
        sys.stdout.flush()
        os.execvp(command[0], command)
    check_capabilities()
    place = tempfile.mkdtemp(prefix="kiefs-test-")
    try:
        subprocess.run(["mount", "-t", "tmpfs", "kiefs-test", place], check=True)
        device, allowed = f"{place}/fuse", f"{place}/fuse.conf"
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(10, 229))
        os.chmod(device, 0o666)
        write(allowed, "user_allow_other\n")
        subprocess.run(["mount", "--bind", device, "/dev/fuse"], check=True)
        subprocess.run(["mount", "--bind", allowed, "/etc/fuse.conf"], check=True)
        subprocess.run(["umount", "--lazy", place], check=True)
    finally:
        os.rmdir(place)


def uid(name):
    return pwd.getpwnam(name).pw_uid


def gid(name):
    return pwd.getpwnam(name).pw_gid


def group(name):
    return grp.getgrnam(name).gr_gid


def become(user, *groups):
    """What runs a command as that user, and in these groups beside the first."""
    more = ["--groups", ",".join(str(group(name)) for name in groups)] if groups else []
    return ["setpriv", f"--reuid={uid(user)}", f"--regid={gid(user)}",
            *(more or ["--clear-groups"]), "--"]


def owner_of(path):
    seen = os.stat(path)
    return seen.st_uid, seen.st_gid


def run_as(user, line, *groups, status=0, cwd=None):
    """Runs a line of bash as that user, whose files others may read."""
    command = [*become(user, *groups), "bash", "-c", f"umask 022; {line}"]
    return run(command, status, cwd=cwd)


def house(bench, user, *groups):
    """From now on the bench mounts as that user, and others may go through its directory."""
    program = bench.path("kiefs")
    shutil.copy(bench.kiefs, program)
    os.chmod(program, 0o755)
    wrapper = bench.file("as-user", "#!/bin/sh\nexec "
                         + " ".join([*become(user, *groups), program]) + ' "$@"\n')
    os.chmod(wrapper, 0o755)
    bench.kiefs = wrapper
    os.mkdir(bench.path("kie"))
    for path in (bench.home, bench.path("kie")):
        os.chown(path, uid(user), gid(user))
    os.chmod(bench.home, 0o711)
