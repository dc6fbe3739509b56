"""When a write is a new task and when it is not, and what becomes of names."""

import json
import os
import signal

from mount import *

MODEL = "models/z-image"


def held(bench, **options):
    """A mount without a key: requests are held, counted by tasks/all, and nothing is sent."""
    mount = bench.mount(key=None, **options)
    return mount, mount.path(MODEL)


def done(mount, folder, request, count):
    """The request is written, `count` tasks are there, and the last is done."""
    until(lambda: len(tasks(mount)) == count, f"{count} tasks")
    read(f"{folder}/{request}.wait")


SAME = [
    ("cp", "cp SRC r.txt"),
    ("cp_over_with_times", "cp -p SRC r.txt"),
    ("vim", "vim -u NONE -i NONE -N -es -c w -c q r.txt"),
    ("vim_backup", "vim -u NONE -i NONE -N -es -c 'set backup backupdir=. backupskip= backupcopy=no' -c w -c q r.txt"),
    ("vim_backup_copy", "vim -u NONE -i NONE -N -es -c 'set backup backupdir=. backupskip= backupcopy=yes' -c w -c q r.txt"),
    ("sed_i", "sed -i s/nothing/else/ r.txt"),
    ("sed_i_suffix", "sed -i.bak s/nothing/else/ r.txt"),
    ("perl_i", "perl -i -pe s/nothing/else/ r.txt"),
    ("gio_save", "gio save r.txt < SRC"),
    ("rsync", "rsync SRC r.txt"),
    ("rsync_inplace", "rsync --inplace --ignore-times SRC r.txt"),
    ("mv_away_and_back", "mv r.txt t; mv t r.txt"),
    ("mv_scratch_over", "cp SRC t; mv t r.txt"),
    ("touch", "touch r.txt"),
    ("chmod", "chmod 600 r.txt"),
    ("install", "install -m 644 SRC r.txt"),
    ("mv_to_other_name", "mv r.txt s.txt"),
    ("rewrite", "cat SRC > r.txt; cat SRC > r.txt"),
]

OTHER = [
    ("cp", "echo 'A blue kite.' > $TMP/other; cp $TMP/other r.txt"),
    ("vim", "vim -u NONE -i NONE -N -es -c s/red/blue/ -c wq r.txt"),
    ("vim_backup", "vim -u NONE -i NONE -N -es -c 'set backup backupdir=. backupskip= backupcopy=no' -c s/red/blue/ -c wq r.txt"),
    ("vim_backup_copy", "vim -u NONE -i NONE -N -es -c 'set backup backupdir=. backupskip= backupcopy=yes' -c s/red/blue/ -c wq r.txt"),
    ("vim_swap_here", "vim -u NONE -i NONE -N -es -c 'set directory=. swapfile' -c s/red/blue/ -c wq r.txt"),
    ("sed_i", "sed -i s/red/blue/ r.txt"),
    ("sed_i_suffix", "sed -i.bak s/red/blue/ r.txt"),
    ("perl_i", "perl -i -pe s/red/blue/ r.txt"),
    ("gio_save", "echo 'A blue kite.' | gio save r.txt"),
    ("rsync", "echo 'A blue kite.' > $TMP/other; rsync $TMP/other r.txt"),
    ("rsync_inplace", "echo 'A blue kite.' > $TMP/other; rsync --inplace $TMP/other r.txt"),
    ("append", "echo 'And a blue one.' >> r.txt"),
    ("tee_append", "echo 'And a blue one.' | tee -a r.txt"),
    ("dd_notrunc", "printf blue | dd of=r.txt bs=1 seek=2 conv=notrunc status=none"),
    ("mv_scratch_over", "echo 'A blue kite.' > t; mv t r.txt"),
]


def rewrite(name, command, more):
    def check(bench):
        common = bench.common.open()
        folder = common.folder(f"rewrite-{name}-{more}")
        source = bench.file("source", "A red kite.\n")
        run(["cp", source, f"{folder}/r.txt"])
        common.settled(1)
        run(command.replace("SRC", source), cwd=folder, env={"TMP": bench.home})
        common.settled(more)
        left = [entry for entry in names(folder) if entry.endswith(".error")]
        equal(left, [], "error files")

    return f"{'other' if more else 'same'}_{name}", check


def case_other_bytes_keep_earlier_results(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    folder = mount.path(MODEL)
    for number in (1, 2, 3):
        write(f"{folder}/r.txt", f"Kite number {number}.")
        done(mount, folder, "r", number)
    pictures = [entry for entry in names(folder) if entry.endswith(".png")]
    equal(pictures, ["r-2.png", "r-3.png", "r.png"])
    equal(simulator.sent(), 3)
    equal(len({read_bytes(f"{folder}/{name}") for name in pictures}), 3, "different pictures")
    # The name came by itself; so it goes, and the next one is not written over another's.
    os.unlink(f"{folder}/r-2.png")
    contains(task_file(mount, 2, "log"), "removed by the user")
    equal(names(mount.path("tasks/all/2")).count("result.png"), 0)
    assert read_bytes(f"{folder}/r-3.png").startswith(PNG)


def case_file_of_the_user_in_the_way(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    folder = mount.path(MODEL)
    os.mkdir(f"{folder}/r.png")
    write(f"{folder}/r.txt", "A red kite.")
    done(mount, folder, "r", 1)
    assert os.path.isdir(f"{folder}/r.png")
    assert read_bytes(f"{folder}/r-1.png").startswith(PNG), names(folder)


def case_results_are_read_only(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    folder = mount.path(MODEL)
    write(f"{folder}/r.txt", "A red kite.")
    done(mount, folder, "r", 1)
    for command in ("echo x > r.png", "echo x >> r.png"):
        contains(run(command, 1, cwd=folder).err, denied("Read-only file system"))
    before = read_bytes(f"{folder}/r.png")
    run("mv r.png best.png; mkdir kept; mv best.png kept/", cwd=folder)
    equal(read_bytes(f"{folder}/kept/best.png"), before)
    run(f"mv kept/best.png {bench.home}/", cwd=folder)
    equal(read_bytes(bench.path("best.png")), before)
    equal(names(f"{folder}/kept"), [])


def case_defaults_are_merged(bench):
    mount, folder = held(bench)
    write(f"{folder}/defaults.json", '{"aspect_ratio": "16:9"}')
    write(f"{folder}/a.txt", "A red kite.")
    write(f"{folder}/b.json", '{"prompt": "x", "aspect_ratio": "4:3"}')
    os.mkdir(f"{folder}/tall")
    write(f"{folder}/tall/defaults.json", '{"aspect_ratio": "9:16"}')
    write(f"{folder}/tall/c.txt", "A red kite.")
    os.mkdir(f"{folder}/wide")
    write(f"{folder}/wide/d.txt", "A red kite.")
    until(lambda: len(tasks(mount)) == 4, "4 tasks")
    ratios = [json.loads(task_file(mount, n, "request.json"))["input"]["aspect_ratio"] for n in (1, 2, 3, 4)]
    equal(ratios, ["16:9", "4:3", "9:16", "16:9"])
    # A default that is not allowed is refused as part of the request it spoils.
    write(f"{folder}/defaults.json", '{"aspect_ratio": "9:99"}')
    ended = run("cp a.txt e.txt", 1, cwd=folder)
    contains(ended.err, "Invalid argument")
    contains(read(f"{folder}/e.error"), "aspect_ratio", "9:99", "defaults.json")


def case_defaults_that_are_no_json(bench):
    mount, folder = held(bench)
    run(["cp", bench.file("d", '{"aspect_ratio": }'), f"{folder}/defaults.json"], None)
    run(["cp", bench.file("p", "A red kite."), f"{folder}/a.txt"], 1)
    contains(read(f"{folder}/a.error"), "defaults.json", "line 1")
    equal(tasks(mount), [])


def case_folder_is_a_batch(bench):
    mount, folder = held(bench)
    bench.folder("prompts/more")
    for name in ("a.txt", "b.md", "c.prompt", "d.json", "more/e.txt", "more/notes"):
        text = '{"prompt": "kite"}' if name.endswith("json") else f"A kite, {name}."
        write(bench.path("prompts", name), text)
    run(["cp", "-r", bench.path("prompts"), folder])
    until(lambda: len(tasks(mount)) == 5, "5 tasks")
    equal(names(f"{folder}/prompts/more"), ["e.error", "e.status", "e.txt", "notes"])
    run("mv prompts kites; mkdir deep; mv kites deep/", cwd=folder)
    equal(len(tasks(mount)), 5)
    contains(read(f"{folder}/deep/kites/a.status"), "held")
    equal(os.path.realpath(f"{folder}/deep/kites/more/e.task"),
          mount.path("tasks/all", str(next(n for n in tasks(mount) if meta(mount, n)["name"] == "e.txt"))))
    run("rm -r deep", cwd=folder)
    equal(names(folder), sorted(["README.md", "defaults.json", "example.json", "schema.json"]))
    until(lambda: len(tasks(mount, "failed")) == 5, "5 cancelled tasks")
    equal({meta(mount, n)["state"] for n in tasks(mount)}, {"cancelled"})


def case_folder_moved_to_another_model(bench):
    mount, folder = held(bench)
    os.mkdir(f"{folder}/set")
    write(f"{folder}/set/a.txt", "A red kite.")
    until(lambda: len(tasks(mount)) == 1, "1 task")
    ended = run(["mv", f"{folder}/set", mount.path("models/qwen/text-to-image/")], None)
    # Whatever it does, the request of the first model is neither lost nor sent to another.
    equal(meta(mount, 1)["model"], "z-image")
    equal(len(tasks(mount)), 1, ended.err)


def case_rename_while_running(bench):
    simulator = bench.simulator()
    simulator.fault("late", ms=3600000)
    mount = bench.mount(simulator)
    folder = mount.path(MODEL)
    write(f"{folder}/r.txt", "A red kite.")
    until(lambda: tasks(mount) == [1], "a task")
    wait_state(mount, 1, "running")
    os.rename(f"{folder}/r.txt", f"{folder}/other.txt")
    os.mkdir(f"{folder}/sub")
    os.rename(f"{folder}/other.txt", f"{folder}/sub/deep.txt")
    simulator.ask("POST", "/sim/time", {"advance_ms": 3600000})
    read(f"{folder}/sub/deep.wait")
    equal(names(f"{folder}/sub"), ["deep.png", "deep.txt"])
    equal(names(folder), sorted(["README.md", "defaults.json", "example.json", "schema.json", "sub"]))
    equal(simulator.sent(), 1)


def case_backup_takes_no_status_along(bench):
    simulator = bench.simulator()
    simulator.fault("stuck")
    mount = bench.mount(simulator)
    folder = mount.path(MODEL)
    write(f"{folder}/r.txt", "A red kite.\n")
    until(lambda: tasks(mount) == [1], "a task")
    wait_state(mount, 1, "running")
    run(["vim", "-u", "NONE", "-i", "NONE", "-N", "-es", "-c",
         "set backupdir=. backupskip= backupcopy=no", "-c", "w", "-c", "q", f"{folder}/r.txt"])
    assert "r.status" in names(folder), names(folder)
    equal(simulator.sent(), 1)


def case_results_outlive_their_request(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    folder = mount.path(MODEL)
    write(f"{folder}/r.txt", "A red kite.")
    done(mount, folder, "r", 1)
    os.rename(f"{folder}/r.txt", f"{folder}/s.txt")
    assert read_bytes(f"{folder}/r.png").startswith(PNG)
    os.unlink(f"{folder}/s.txt")
    assert read_bytes(f"{folder}/r.png").startswith(PNG)
    equal(meta(mount, 1)["state"], "done")


def case_remove_while_held(bench):
    mount, folder = held(bench)
    write(f"{folder}/r.txt", "A red kite.")
    until(lambda: tasks(mount) == [1], "a task")
    wait_state(mount, 1, "held")
    os.unlink(f"{folder}/r.txt")
    equal(meta(mount, 1)["state"], "cancelled")
    equal([name for name in names(folder) if name.startswith("r.")], [])
    write(f"{folder}/r.txt", "A red kite.")
    until(lambda: tasks(mount) == [1, 2], "a second task: the first was cancelled")


def case_remove_while_running(bench):
    simulator = bench.simulator()
    simulator.fault("late", ms=3600000)
    mount = bench.mount(simulator)
    folder = mount.path(MODEL)
    write(f"{folder}/r.txt", "A red kite.")
    until(lambda: tasks(mount) == [1], "a task")
    wait_state(mount, 1, "running")
    os.unlink(f"{folder}/r.txt")
    equal([name for name in names(folder) if name.startswith("r.")], [])
    simulator.ask("POST", "/sim/time", {"advance_ms": 3600000})
    wait_state(mount, 1, "done")
    assert read_bytes(mount.path("tasks/all/1/result.png")).startswith(PNG)
    equal([name for name in names(folder) if name.startswith("r")], [])
    equal(simulator.sent(), 1)


def case_move_to_another_model_is_a_new_request(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    folder, other = mount.path(MODEL), mount.path("models/qwen/text-to-image")
    write(f"{folder}/r.txt", "A red kite.")
    done(mount, folder, "r", 1)
    os.rename(f"{folder}/r.txt", f"{other}/r.txt")
    done(mount, other, "r", 2)
    equal([meta(mount, n)["model"] for n in (1, 2)], ["z-image", "qwen/text-to-image"])
    equal([meta(mount, n)["state"] for n in (1, 2)], ["done", "done"])
    assert "r.png" in names(folder) and "r.png" in names(other), (names(folder), names(other))


def case_invalid_rename_leaves_all_as_it_was(bench):
    mount, folder = held(bench)
    write(f"{folder}/r.json", '{"prompt": "x"}')
    until(lambda: tasks(mount) == [1], "a task")
    write(f"{folder}/t", '{"prompt": 5}')
    try:
        os.rename(f"{folder}/t", f"{folder}/r.json")
        raise AssertionError("the rename went through")
    except OSError as fault:
        equal(fault.errno, 22)
    equal(read(f"{folder}/r.json"), '{"prompt": "x"}')
    equal(read(f"{folder}/t"), '{"prompt": 5}')
    contains(read(f"{folder}/r.error"), "prompt", "5")
    write(f"{folder}/t", '{"prompt": "y"}')
    os.rename(f"{folder}/t", f"{folder}/r.json")
    until(lambda: 2 in tasks(mount, "held"), "a second task, held")
    contains(read(f"{folder}/r.error"), "Held")


def case_mend_in_place(bench):
    mount, folder = held(bench)
    run(["cp", bench.file("bad", '{"prompt": "x", "aspect_ratio": "9:99"}'), f"{folder}/r.json"], 1)
    equal(names(folder).count("r.error"), 1)
    run("sed -i s/9:99/16:9/ r.json", cwd=folder)
    until(lambda: tasks(mount, "held") == [1], "a held task")
    contains(read(f"{folder}/r.error"), "Held")
    run("sed -i s/16:9/9:99/ r.json", 4, cwd=folder)
    contains(read(f"{folder}/r.error"), "9:99")
    os.unlink(f"{folder}/r.json")
    assert "r.error" not in names(folder), "an error without its request"


TABLE = [rewrite(*row, 0) for row in SAME] + [rewrite(*row, 1) for row in OTHER]

if __name__ == "__main__":
    main(TABLE)
