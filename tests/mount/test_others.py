"""Users beside the one who mounts: whose files are whose, who may look, and who may spend."""

import stat

from machine import *

MODEL = "models/z-image"
DENIED = "Permission denied"
# What somebody may try who may not write here; in MODEL, where r.txt, r.png and s.part are, and the
# task is done. ELSEWHERE is a directory of that user's.
WRITES = [
    ("create", "echo x > n.txt"),
    ("create_json", "echo '{\"prompt\": \"x\"}' > n.json"),
    ("create_scratch", "echo x > n.part"),
    ("create_exclusively", "set -C; echo x > n.part"),
    ("copy", "cp r.txt n.txt"),
    ("overwrite", "echo x > r.txt"),
    ("append", "echo x >> r.txt"),
    ("write_scratch", "echo x > s.part"),
    ("write_defaults", "echo '{}' > defaults.json"),
    ("truncate", "truncate -s 1 r.txt"),
    ("truncate_by_path", "perl -e 'truncate(\"r.txt\", 1) or die $!'"),
    ("open_and_cut", "perl -MFcntl -e 'sysopen(F, \"r.txt\", O_RDONLY | O_TRUNC) or die $!'"),
    ("rename", "mv -n r.txt n.txt"),
    ("rename_to_request", "mv -n s.part n.txt"),
    ("remove", "rm -f r.txt"),
    ("remove_result", "rm -f r.png"),
    ("mkdir", "mkdir n"),
    ("mkfifo", "mkfifo n"),
    ("touch", "touch n"),
    ("upload", "cp r.png ../../uploads/"),
    ("task_control", "echo retry > ../../tasks/all/1/control"),
    ("control", "echo reload > ../../.kiefs/control"),
    ("attribute", "setfattr -n user.n -v x r.txt"),
]
# Of these the kernel says in its own way that they are not for others.
OWNERS = [
    ("chmod", "chmod 666 r.txt"),
    ("times", "touch -d 2001-01-01 r.txt"),
]


def prepare(bench, *groups, **options):
    """A mount of OWNER's with a request that is done, and its result."""
    house(bench, OWNER, *groups)
    simulator = bench.simulator()
    mount = bench.mount(simulator, **{"allow_other": True, **options})
    run_as(OWNER, "echo 'A red kite.' > r.txt; cat r.wait; echo x > s.part", cwd=mount.path(MODEL))
    return simulator, mount


def mode(mount, *parts):
    return stat.filemode(os.stat(mount.path(*parts)).st_mode)


def owner(mount, *parts):
    return owner_of(mount.path(*parts))


def may_not_write(mount, user, *groups):
    """All that could change something fails at once, and nothing has changed."""
    look = ["ls", "-la", "--time-style=full-iso", mount.path(MODEL)]
    before = run(look).out
    tried = WRITES + (OWNERS if user != ROOT else [])
    script = "".join(f"( {line}\n) 2>&1; echo == $?\n" for _, line in tried)
    answers = run_as(user, script, *groups, cwd=mount.path(MODEL)).out.split("== ")
    for (name, _), said, status in zip(tried, answers, answers[1:], strict=False):
        said = said.partition("\n")[2] if said is not answers[0] else said
        assert not status.startswith("0\n"), f"{user}: {name} went through"
        assert (DENIED in said) or (name in dict(OWNERS) and "not permitted" in said), \
            f"{user}: {name}: {said}"
    equal(len(answers), len(tried) + 1, answers)
    equal(run(look).out, before)
    equal(tasks(mount), [1])


def case_alone(bench):
    """Without allow_other nobody else is let in, not even root."""
    house(bench, OWNER)
    mount = bench.mount(bench.simulator())
    for user in (OTHER, ROOT):
        contains(run_as(user, f"ls {mount.point}", status=2).err, DENIED)
    contains(run_as(OWNER, f"ls {mount.point}").out, "models")


def case_others_look(bench):
    simulator, mount = prepare(bench)
    equal((mode(mount), mode(mount, MODEL), mode(mount, MODEL, "r.txt"), mode(mount, MODEL, "r.png"),
           mode(mount, ".kiefs/control"), mode(mount, "tasks/all/1/control")),
          ("dr-xr-xr-x", "drwxr-xr-x", "-rw-r--r--", "-r--r--r--", "-rw-------", "-rw-------"))
    for path in ("", MODEL, f"{MODEL}/r.txt", f"{MODEL}/r.png", "tasks/all/1/log", ".kiefs/config"):
        equal(owner(mount, path), (uid(OWNER), gid(OWNER)), path)
    bench.folder("copies")
    os.chmod(bench.path("copies"), 0o777)
    for user in (OTHER, ROOT):
        run_as(user, f"cp r.png {bench.path('copies', user)}; cat r.wait README.md > /dev/null; "
                     "cat r.task/log ../../.kiefs/config; grep -r kite . > /dev/null",
               cwd=mount.path(MODEL))
        equal(read_bytes(bench.path("copies", user))[:8], PNG)
        may_not_write(mount, user)
    equal(simulator.sent(), 1)
    contains(read(mount.path(".kiefs/errors")), "user 0: may look but not write here", "spenders=")


def case_private(bench):
    """umask= takes the reading from others: all of it, or from those not in the group."""
    _, mount = prepare(bench, umask="027", gid=SHARED)
    equal(owner(mount, MODEL, "r.txt"), (uid(OWNER), group(SHARED)))
    for path in ("README.md", ".kiefs/config", ".kiefs/callback", f"{MODEL}/r.txt", f"{MODEL}/r.png",
                 f"{MODEL}/r.wait", "tasks/all/1/request.json", "account/limits"):
        contains(run_as(OTHER, f"cat {mount.path(path)}", status=1).err, DENIED)
        run_as(OTHER, f"cat {mount.path(path)}", SHARED)
    may_not_write(mount, ROOT)
    mount.unmount()
    mount = bench.mount(allow_other=True, umask="077")
    contains(run_as(OTHER, f"ls {mount.point}", SHARED, status=2).err, DENIED)
    equal((mode(mount), mode(mount, MODEL, "r.txt")), ("dr-x------", "-rw-------"))


def case_group_spends(bench):
    simulator, mount = prepare(bench, SHARED, umask="002", gid=SHARED)
    folder = mount.path(MODEL)
    equal((mode(mount, MODEL), mode(mount, MODEL, "r.txt"), mode(mount, ".kiefs/control"),
           mode(mount, "models")), ("drwxrwxr-x", "-rw-rw-r--", "-rw-rw----", "drwxr-xr-x"))
    may_not_write(mount, OTHER)
    may_not_write(mount, ROOT)
    run_as(OTHER, "echo 'A blue kite.' > b.txt; cat b.wait", SHARED, cwd=folder)
    equal(simulator.sent(), 2)
    # It is theirs: they may write it again, and set its times and rights.
    equal((owner(mount, MODEL, "b.txt"), mode(mount, MODEL, "b.txt")),
          ((uid(OTHER), group(SHARED)), "-rw-rw-r--"))
    run_as(OTHER, "echo 'A green kite.' > b.txt; touch -d 2001-01-01 b.txt; chmod 640 b.txt; "
                  "cp -p b.txt c.part; mkdir d; chown :users d; chmod 775 d", SHARED, cwd=folder)
    equal((mode(mount, MODEL, "b.txt"), owner(mount, MODEL, "c.part")),
          ("-rw-r-----", (uid(OTHER), group(SHARED))))
    equal(os.stat(f"{folder}/c.part").st_mtime, os.stat(f"{folder}/b.txt").st_mtime)
    # And what another made can be replaced, moved and removed where the directory lets them.
    run_as(OTHER, "echo 'A grey kite.' > r.txt; mv s.part d/; rm r.png", SHARED, cwd=folder)
    until(lambda: simulator.sent() == 4, "four requests")
    run_as(OTHER, "cp r.txt ../../uploads/list.txt; echo reload > ../../.kiefs/control", SHARED,
           cwd=folder)
    contains(run_as(OTHER, "echo x > ../../tasks/all/1/control", SHARED, status=1, cwd=folder).err,
             "Invalid argument")
    contains(run_as(OTHER, "chown games d", SHARED, status=1, cwd=folder).err, "not permitted")
    until(lambda: len(os.listdir(mount.path("tasks/done"))) == 4, "all are done")
    mount.unmount()
    mount = bench.mount(simulator, allow_other=True, umask="002", gid=SHARED)
    equal((owner(mount, MODEL, "b.txt"), owner(mount, MODEL, "d"), owner(mount, MODEL, "r.txt")),
          ((uid(OTHER), group(SHARED)), (uid(OTHER), group(SHARED)), (uid(OWNER), group(SHARED))))


def case_listed_spend(bench):
    simulator, mount = prepare(bench, spenders=f"{OTHER}:@{SHARED}")
    folder = mount.path(MODEL)
    may_not_write(mount, THIRD)
    may_not_write(mount, ROOT)
    contains(read(mount.path(".kiefs/errors")), f"user {uid(THIRD)}: may look")
    run_as(OTHER, "echo 'A blue kite.' > b.txt; cat b.wait; rm s.part", cwd=folder)
    run_as(THIRD, "mkdir d; echo 'A grey kite.' > d/g.txt; cat d/g.wait; echo x > r.part", SHARED,
           cwd=folder)
    equal(simulator.sent(), 3)
    equal((owner(mount, MODEL, "b.txt"), owner(mount, MODEL, "d/g.txt"), owner(mount, MODEL, "b.png")),
          ((uid(OTHER), gid(OTHER)), (uid(THIRD), gid(THIRD)), (uid(OWNER), gid(OWNER))))
    # chmod still takes from others what they would have.
    run_as(OTHER, "chmod 600 b.txt", cwd=folder)
    contains(run_as(THIRD, "cat b.txt", SHARED, status=1, cwd=folder).err, DENIED)


def case_watchers_in_a_folder_of_another(bench):
    """Who mounts must be able to make names there for watchers to see."""
    _, mount = prepare(bench, SHARED, umask="002", gid=SHARED)
    folder = mount.path(MODEL, "d")
    run_as(OTHER, f"mkdir {folder}", SHARED)
    watch = subprocess.Popen(["inotifywait", "-m", "-e", "create", "--format", "%f", folder],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        while "established" not in watch.stderr.readline():
            pass
        run_as(OTHER, "echo 'A blue kite.' > b.txt", SHARED, cwd=folder)
        while watch.stdout.readline() != "b.png\n":
            assert watch.poll() is None
    finally:
        watch.kill()
        watch.wait()


def case_root_mounts_for_a_user(bench):
    """As from fstab: what root mounts is another user's, whoever made it."""
    house(bench, ROOT)
    simulator = bench.simulator()
    mount = bench.mount(simulator, allow_other=True, uid=OWNER, gid=gid(OWNER))
    for user in (OWNER, ROOT):
        run_as(user, f"echo 'A kite of {user}.' > {user}.txt; cat {user}.wait; touch -d 2001-01-01 "
                     f"{user}.txt", cwd=mount.path(MODEL))
        for name in (f"{user}.txt", f"{user}.png"):
            equal(owner(mount, MODEL, name), (uid(OWNER), gid(OWNER)), name)
    contains(run_as(OTHER, "echo x > n.txt", status=1, cwd=mount.path(MODEL)).err, DENIED)
    run_as(ROOT, f"chown {OWNER} root.txt; chmod 644 root.txt; chmod 444 README.md",
           cwd=mount.path(MODEL))
    for line in ("chown root root.txt", "chgrp root root.png", "chmod 644 README.md",
                 "chown root README.md", "touch -c -d 2001-01-01 README.md"):
        contains(run_as(ROOT, line, status=1, cwd=mount.path(MODEL)).err, "not permitted")
    equal(simulator.sent(), 2)
    mount.unmount()
    mount = bench.mount(simulator, allow_other=True)
    equal((owner(mount, MODEL, "games.txt"), owner(mount, MODEL, "root.txt")),
          ((uid(OWNER), gid(OWNER)), (0, 0)))


# Options; words of what is said.
WRONG = [
    ({"uid": OTHER}, ["uid", "only root"]),
    ({"uid": "nobody-at-all", "allow_other": True}, ["uid", "nobody-at-all", "number"]),
    ({"gid": "no-such-group"}, ["gid", "no-such-group"]),
    ({"spenders": OTHER}, ["spenders", "allow_other"]),
    ({"spenders": "nobody:@no-such-group", "allow_other": True}, ["spenders", "no-such-group"]),
    ({"umask": "222"}, ["umask", "000 to 077"]),
    ({"umask": "8"}, ["umask", "octal"]),
    ({"spenders": ""}, ["spenders"]),
]


def case_options_that_mean_nothing(bench):
    house(bench, OWNER)
    for options, words in WRONG:
        mount = bench.mount(ready=False, **options)
        equal((mount.is_ready, end(mount.process)), (False, 2), options)
        bench.mounts.remove(mount)
        contains(mount.words(), *words)


if __name__ == "__main__":
    enter()
    main()
