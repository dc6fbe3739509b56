"""kiefs by mount(8): lines of an fstab, in a namespace in which kiefs is in /usr/local/bin (mount(8)
clears $PATH), and which takes with it whatever was mounted and started there."""

from mount import *

HELPER_HOME = "/root"  # what mount.fuse3 sets, as mount(8) clears $HOME


class Line:
    """A line of an fstab, and what runs with it."""

    def __init__(self, bench, options="", point="kie"):
        self.bench = bench
        self.simulator = bench.simulator()
        self.point = bench.folder(point)
        self.key = bench.file("key", KEY)
        os.chmod(self.key, 0o600)
        self.options = (
            f"noauto,user,nofail,_netdev,x-gvfs-show,base_url={self.simulator.url},poll_rate=100,"
            f"state={bench.path('state')},store={bench.path('store')},api_key_file={self.key}"
            f"{options}"
        )

    def run(self, script, status=0):
        place = self.point.replace(" ", "\\040")
        table = self.bench.file("fstab", f"kiefs {place} fuse.kiefs {self.options} 0 0\n")
        # Without the rights of root, those over a namespace of one's own.
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        if os.geteuid() != 0:
            unshare.append("--map-root-user")
        env = {"BUILD": os.path.dirname(os.path.abspath(self.bench.kiefs)), "FSTAB": table,
               "POINT": self.point, "TMP": self.bench.home}
        start = "mount --bind $BUILD /usr/local/bin || exit 99\n"
        return run([*unshare, "bash", "-c", start + script], status, env=env)


def case_mount(bench):
    line = Line(bench)
    ended = line.run("""
        set -e
        mount -T $FSTAB $POINT
        findmnt -no FSTYPE,OPTIONS $POINT
        echo 'A red kite.' > $POINT/models/z-image/a.txt
        cat $POINT/models/z-image/a.wait
        ls $POINT/models/z-image
        umount $POINT
        ls $POINT""")
    contains(ended.out, "fuse.kiefs", "nosuid", "nodev", "noexec", "done", "a.png")
    equal(ended.err, "")
    equal(line.simulator.sent(), 1)


def case_again(bench):
    """umount comes back before the daemon has ended; the next mount waits for it."""
    Line(bench).run("for i in 1 2 3; do mount -T $FSTAB $POINT && umount $POINT || exit 1; done")


def case_space(bench):
    line = Line(bench, point="K I E")
    ended = line.run('mount -T $FSTAB "$POINT" && ls "$POINT" && umount "$POINT"')
    contains(ended.out, "models")


# Name, options, exit status, what is said.
REFUSED = [
    ("values", ",submit_rate=999,nonsense", 2,
     'kiefs: -o: submit_rate=999 is not allowed; it must be a whole number from 1 to 256.\n'
     '-o: there is no option "nonsense"; kiefs --help lists all.\n'),
    ("read_only", ",ro", 2, "kiefs: -o: ro is not possible: a request is a file written here.\n"),
    ("key_open_to_others", ",api_key_file=PLAIN", 1,
     "kiefs: The key file PLAIN is open to others (mode 644); run: chmod 600 PLAIN\n"),
    ("mapping_missing", ",mapping=/nowhere/map.json", 1, "kiefs: /nowhere/map.json"),
]


def refused(name, options, status, words):
    def check(bench):
        plain = bench.file("plain", KEY)
        os.chmod(plain, 0o644)
        line = Line(bench, options.replace("PLAIN", plain))
        ended = line.run("mount -T $FSTAB $POINT", status)
        assert ended.err.startswith(words.replace("PLAIN", plain)), ended.err

    return f"refused_{name}", check


def case_not_empty(bench):
    line = Line(bench)
    write(f"{line.point}/mine", "")
    contains(line.run("mount -T $FSTAB $POINT", 1).err, "is not empty")


def case_without_key(bench):
    """The key is missing: mounted, and said."""
    line = Line(bench)
    os.unlink(line.key)
    ended = line.run("mount -T $FSTAB $POINT && ls $POINT && umount $POINT")
    contains(ended.err, line.key, "No such file", "Requests are held until there is a key.")
    contains(ended.out, "models")


def case_user(bench):
    """mount POINT and umount POINT by a user; $HOME is another's then. Of root's rights nothing is
    left where there are any."""
    line = Line(bench)
    for folder in (bench.home, line.point, line.key):
        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)
    ended = line.run(f"""
        mount --bind $FSTAB /etc/fstab
        mount -t tmpfs none {HELPER_HOME} && chmod 700 {HELPER_HOME}
        mkdir $TMP/bin && cp $BUILD/kiefs $TMP/bin && mount --bind $TMP/bin /usr/local/bin
        set -e
        if [ $(stat -c %u $POINT) != 0 ]; then
            as="setpriv --reuid 65534 --regid 65534 --clear-groups"
            mkdir $TMP/dev && mount -t tmpfs none $TMP/dev && mknod -m 666 $TMP/dev/fuse c 10 229
            mount --bind $TMP/dev/fuse /dev/fuse
        fi
        $as mount $POINT
        echo 'A red kite.' | $as tee $POINT/models/z-image/a.txt
        $as cat $POINT/models/z-image/a.wait
        $as stat -c 'belongs to %u' $POINT $POINT/models/z-image/a.png
        $as umount $POINT""")
    contains(ended.out, "done")
    owner = 65534 if os.geteuid() == 0 else 0
    equal(ended.out.count(f"belongs to {owner}\n"), 2, ended.out)


main([refused(*row) for row in REFUSED])
