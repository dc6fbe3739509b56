"""The Debian packages: built by contrib/deb, installed by dpkg below a directory, used there."""

from mount import *

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
BUILD_S = 900


def dpkg(root, *words):
    """Into `root` alone: what is depended on is in the system itself."""
    command = ["dpkg", f"--root={root}", "--force-depends", "--force-not-root",
               "--force-script-chrootless", *words]
    # Files belong to root in a package.
    return run(command if os.geteuid() == 0 else ["fakeroot", *command])


def build(bench):
    """The packages by name."""
    into = bench.folder("debs")
    env = {**os.environ, "TMPDIR": bench.folder("tmp"), "DEB_BUILD_OPTIONS": "noopt"}
    done = subprocess.run(["sh", f"{TOP}/contrib/deb", into], env=env, capture_output=True,
                          timeout=BUILD_S, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-4000:]
    packages = {name.split("_")[0]: f"{into}/{name}" for name in names(into)}
    equal(set(packages), {"kiefs", "kiefs-sim"})
    equal(names(bench.path("tmp")), [], "left by contrib/deb")
    return packages


def case_package(bench):
    packages = build(bench)
    version = re.search(r"version: '(.*)'", read(f"{TOP}/meson.build"))[1]
    equal(run(["dpkg-deb", "-f", packages["kiefs"], "Version"]).out.strip(), version)
    # All that is depended on is there to be had.
    run(["apt-get", "-s", "--no-install-recommends", "install", *packages.values()])

    root = bench.folder("root")
    for folder in ("info", "updates", "triggers"):
        os.makedirs(f"{root}/var/lib/dpkg/{folder}")
    write(f"{root}/var/lib/dpkg/status", "")
    dpkg(root, "-i", *packages.values())
    for name in ("bin/kiefs-desktop", "lib/systemd/user/kiefs.service",
                 "share/bash-completion/completions/kiefs", "share/applications/kiefs.desktop",
                 "share/zsh/vendor-completions/_kiefs", "share/man/man7/kiefs.7.gz"):
        assert os.path.exists(f"{root}/usr/{name}"), name
    contains(read(f"{root}/usr/lib/systemd/user/kiefs.service"), "ExecStart=/usr/bin/kiefs -f ")
    demo(bench, f"{root}/usr/bin/kiefs")
    dpkg(root, "-P", *packages)
    left = [name for _, _, files in os.walk(f"{root}/usr") for name in files]
    equal(left, [], "left by a purge")


def demo(bench, program):
    """A prompt in, a picture out."""
    # With --demo neither addresses nor the key are read from anywhere.
    mount = Mount(program, bench.folder("kie"), {}, bench.env, flags=["-f", "--demo"])
    bench.mounts.append(mount)
    write(mount.path("models/z-image/lighthouse.txt"), "A lighthouse in a storm.")
    contains(wait_done(mount.path("models/z-image/lighthouse.txt")), "done")
    equal(read_bytes(mount.path("models/z-image/lighthouse.png"))[:8], PNG)
    equal(mount.unmount(), 0)


def case_apparmor(bench):
    """The profile is one that AppArmor takes."""
    profile = f"{TOP}/contrib/apparmor/kiefs"
    run(["/sbin/apparmor_parser", "-Q", "-K", profile])
    listed = run(["/sbin/apparmor_parser", "-N", profile]).out.split()
    equal(listed, ["kiefs", "kiefs//fusermount", "kiefs//sim"])


main()
