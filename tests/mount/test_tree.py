"""What stands in the tree, and that looking at it sends nothing."""

import json
import os
import sqlite3
import stat

from mount import *

MODEL_COUNT = 237
PER_MODEL = ["README.md", "defaults.json", "example.json", "schema.json"]
PER_TASK = ["control", "error", "log", "meta.json", "record.json", "request.json", "status"]


def model_dirs(mount):
    """Directories that are a model's; some only lead to models."""
    return [
        folder for folder, _, files in os.walk(mount.path("models")) if "schema.json" in files
    ]


def case_fixed_names(bench):
    mount = bench.mount()
    equal(names(mount.point), [".kiefs", "README.md", "account", "by-category", "gallery.html", "models", "search", "tasks",
                               "uploads"])
    equal(names(mount.path("account")), ["credits", "limits", "spend.csv", "status"])
    equal(names(mount.path("tasks")), ["active", "all", "by-day", "done", "failed", "held", "latest"])
    equal(names(mount.path(".kiefs")), ["callback", "catalog-report", "catalog.json", "config", "control", "errors", "gallery", "log",
                                         "mapping-report", "stats"])
    contains(read(mount.path("README.md")), "models/", "tasks/", ".wait")


def case_models(bench):
    mount = bench.mount()
    folders = model_dirs(mount)
    assert len(folders) >= MODEL_COUNT, folders
    for folder in folders:
        model = os.path.relpath(folder, mount.path("models"))
        equal([name for name in PER_MODEL if not os.path.exists(f"{folder}/{name}")], [], model)
        contains(read(f"{folder}/README.md"), model)
        schema = json.loads(read(f"{folder}/schema.json"))
        equal(schema["$schema"], "https://json-schema.org/draft/2020-12/schema")
        example = json.loads(read(f"{folder}/example.json"))
        missing = set(schema.get("required", [])) - set(
            example["input"] if isinstance(example.get("input"), dict) else example)
        equal(missing, set(), model)
        equal(read(f"{folder}/defaults.json"), "")


def case_retired_models_say_so(bench):
    mount = bench.mount()
    contains(read(mount.path("models/sora-2-text-to-video/README.md")).lower(), "retired")


def case_sizes_are_true(bench):
    mount = bench.mount()
    for folder, _, files in os.walk(mount.point):
        for name in files:
            path = os.path.join(folder, name)
            # These differ from one look to the next, or have no content.
            if os.path.islink(path) or name in ("stats", "log"):
                continue
            equal(os.lstat(path).st_size, len(read_bytes(path)), path)


def case_looking_costs_nothing(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    for command in ("find .", "grep -rc '[a-z]' .", "ls -lR .", "tar cf /dev/null .", "du -a .",
                    "find . -type f -exec file {} +"):
        run(command, cwd=mount.point)
    first = run("find . -printf '%p %y %m %i %s %T@\\n' | grep -v -e .kiefs -e account", cwd=mount.point).out
    again = run("find . -printf '%p %y %m %i %s %T@\\n' | grep -v -e .kiefs -e account", cwd=mount.point).out
    equal(first, again)
    assert len(first.splitlines()) > MODEL_COUNT * 5
    equal(simulator.total(), 0)
    equal(tasks(mount), [])


def case_nothing_blocks_while_tasks_run(bench):
    simulator = bench.simulator()
    simulator.fault("stuck", count=2)
    mount = bench.mount(simulator)
    for name in ("r", "s"):
        write(mount.path(f"models/z-image/{name}.txt"), f"Kite {name}.")
    until(lambda: simulator.sent() == 2, "2 requests sent")
    run("grep -rc . tasks models/z-image", cwd=mount.point)
    run("tar cf /dev/null tasks models/z-image", cwd=mount.point)
    run(f"cp -r tasks {bench.path('copy')}", cwd=mount.point)
    equal(simulator.sent(), 2)


def case_a_task_and_its_links(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    folder = mount.path("models/z-image")
    assert os.path.islink(mount.path("tasks/latest")) and not os.path.exists(mount.path("tasks/latest"))
    run(["cp", bench.file("p", "A red kite."), f"{folder}/kite.txt"])
    wait_done(f"{folder}/kite.txt")
    equal(tasks(mount), [1])
    equal(tasks(mount, "done"), [1])
    for group in ("active", "held", "failed"):
        equal(tasks(mount, group), [], group)
    equal(names(mount.path("tasks/all/1")), sorted(PER_TASK + ["result.png"]))
    contains(read(mount.path("tasks/all/1/wait")), "done")
    for link in (mount.path("tasks/latest"), mount.path("tasks/done/1"), f"{folder}/kite.task"):
        assert stat.S_ISLNK(os.lstat(link).st_mode), link
        equal(os.path.realpath(link), mount.path("tasks/all/1"), link)
        equal(os.lstat(link).st_size, len(os.readlink(link)), link)
    equal(names(folder), sorted(PER_MODEL + ["kite.png", "kite.txt"]))
    equal(json.loads(task_file(mount, 1, "request.json")),
          {"model": "z-image", "input": {"prompt": "A red kite.", "aspect_ratio": "1:1"}})
    equal(json.loads(task_file(mount, 1, "record.json"))["data"]["state"], "success")
    equal(task_file(mount, 1, "error"), "")
    contains(task_file(mount, 1, "status"), "done")
    contains(task_file(mount, 1, "log"), "committed", "submitting", "done")
    equal(read_bytes(f"{folder}/kite.png"), read_bytes(mount.path("tasks/all/1/result.png")))
    before = simulator.total()
    run("grep -rc '[a-z]' tasks models/z-image; ls -lR . >/dev/null", cwd=mount.point, status=None)
    equal(simulator.total(), before)


def index(bench, *statements):
    """Changes rows of the store of a mount that has ended."""
    database = sqlite3.connect(bench.path("state/index.sqlite"))
    with database:
        for statement in statements:
            database.execute(statement)
    database.close()


def case_days(bench):
    """The days on which tasks were made, UTC, also in an index that has no index of them yet."""
    mount = bench.mount(key=None)
    days = mount.path("tasks/by-day")
    equal(names(days), [])
    for number in range(1, 4):
        write(mount.path(f"models/z-image/k{number}.txt"), f"Kite {number}.")
        wait_state(mount, number, "held")
    made = meta(mount, 1)["created"]
    contains(names(days), made[:10])
    equal(mount.unmount(), 0)
    index(bench, "UPDATE task SET created_ms = 1798761599999 WHERE id = 1",
          "UPDATE task SET created_ms = 1798761600000 WHERE id > 1",
          "DROP INDEX task_day", "PRAGMA user_version = 2")
    mount = bench.mount(key=None)
    equal(names(days), ["2026-12-31", "2027-01-01"])
    equal([names(f"{days}/{day}") for day in names(days)], [["1"], ["2", "3"]])
    for path in ("2026-12-31/1", "2027-01-01/2", "2027-01-01/3"):
        equal(os.path.realpath(f"{days}/{path}"), mount.path("tasks/all", path[11:]))
    for path in ("2026-12-31/2", "2027-01-01/1", "2027-01-01/4", "2026-12-30", "2027-1-1", "x"):
        assert not os.path.lexists(f"{days}/{path}"), path
    equal(os.stat(f"{days}/2027-01-01").st_mtime, 1798761600)
    equal(run("find . -type l", cwd=days).out.count("\n"), 3)
    contains(run("mkdir 2027-01-02; rm 2027-01-01/2", cwd=days, status=1).err,
             denied("Operation not permitted"))


def case_nothing_is_made_outside_models(bench):
    mount = bench.mount()
    for place in ("x.txt", "tasks/x.txt", "tasks/all/x.txt", ".kiefs/x.txt", "search/x.txt"):
        ended = run(f"echo hello > {place}", status=1, cwd=mount.point)
        contains(ended.err, denied("Operation not permitted"))
    for command in ("echo hello > models/x.txt", "mkdir models/none", "mkdir models/google/none"):
        contains(run(command, status=1, cwd=mount.point).err, "Operation not permitted")
    contains(run("cp /etc/hostname models/no-such-model/x.txt", status=1, cwd=mount.point).err,
             "No such file or directory")


def case_generated_files_stay(bench):
    mount = bench.mount()
    folder = mount.path("models/z-image")
    for name in ("README.md", "schema.json", "example.json"):
        contains(run(f"echo x > {name}", status=1, cwd=folder).err,
                 denied("Read-only file system"))
        contains(run(["rm", "-f", name], status=1, cwd=folder).err, "Read-only file system")
        contains(run(["mv", name, "y"], status=1, cwd=folder).err, "Read-only file system")
        contains(run(f"echo x > y; mv y {name}", status=1, cwd=folder).err, "Read-only file system")
    contains(run(["rmdir", folder], status=1).err, "Read-only file system")


if __name__ == "__main__":
    main()
