"""account/, prices, costs, and the user's own limits."""

import csv
import datetime
import io
import os
import signal
import subprocess
import time

from mount import *

MODEL = "models/z-image"
PRICE = 0.8
# 320 credits for 10 seconds.
DEAR = "models/kling/v2-1-master-text-to-video"
# Nobody knows beforehand how many megapixels come.
PRICELESS = "models/qwen/text-to-image"


def rows(mount):
    return list(csv.DictReader(io.StringIO(read(mount.path("account/spend.csv")))))


def limits(mount):
    text = read(mount.path("account/limits"))
    return dict(line.split(": ", 1) for line in text.splitlines())


def today():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")


def balance(mount):
    return read(mount.path("account/credits"))


def configure(bench, text):
    os.makedirs(bench.path(".config/kiefs"), exist_ok=True)
    write(bench.path(".config/kiefs/config"), text)


def reload(mount):
    write(mount.path(".kiefs/control"), "reload")


def case_the_balance(bench):
    # The service counts with doubles, which come with more digits than credits have.
    simulator = bench.simulator("--credits", "861.357999999966")
    mount = bench.mount(simulator)
    until(lambda: balance(mount) == "861.358\n", "the balance is there")
    heard = os.stat(mount.path("account/credits")).st_mtime
    assert abs(time.time() - heard) < 60
    write(mount.path(MODEL, "a.txt"), "A kite.")
    wait_done(mount.path(MODEL, "a.txt"))
    until(lambda: balance(mount) == "860.558\n", "the balance after a task")
    contains(read(mount.path("account/status")), "credits: 860.558", "heard: 20")


def case_the_balance_is_unknown_without_a_key(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator, key=None)
    equal(balance(mount), "unknown\n")
    equal(read(mount.path("account/status")), "credits: unknown\nheard: never\n")
    equal(simulator.counts()["total"], 0)


def case_a_refused_key_is_told(bench):
    simulator = bench.simulator()
    simulator.ask("POST", "/sim/keys", {"bad": [KEY]})
    mount = bench.mount(simulator)
    until(lambda: "problem: " in read(mount.path("account/status")), "the problem is told")
    contains(read(mount.path("account/status")), "Authentication failed")
    equal(balance(mount), "unknown\n")
    simulator.ask("POST", "/sim/keys", {"bad": []})
    reload(mount)
    until(lambda: balance(mount) == "10000\n", "the balance after the reload")
    assert "problem" not in read(mount.path("account/status"))


def case_the_balance_never_waits(bench):
    mount = bench.mount()
    before = time.monotonic()
    for _ in range(50):
        equal(balance(mount), "unknown\n")
        os.stat(mount.path("account/credits"))
    assert time.monotonic() - before < 5


def case_prices_and_costs(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    for folder, name in ((MODEL, "a"), (PRICELESS, "b")):
        write(mount.path(folder, f"{name}.txt"), "A kite.")
        wait_done(mount.path(folder, f"{name}.txt"))
    equal((meta(mount, 1)["price"], meta(mount, 1)["credits"]), (PRICE, PRICE))
    contains(task_file(mount, 1, "log"), f"submitting, price {PRICE} credits")
    equal(meta(mount, 2)["price"], "unknown")
    equal(meta(mount, 2)["credits"], 1)
    contains(task_file(mount, 2, "log"), "submitting, price unknown")
    equal(os.getxattr(mount.path(MODEL, "a.txt"), "user.kiefs.credits"), b"0.8")
    equal(rows(mount), [
        {"date": today(), "model": "qwen/text-to-image", "tasks": "1", "credits": "1",
         "estimated": "0", "unknown": "0"},
        {"date": today(), "model": "z-image", "tasks": "1", "credits": "0.8",
         "estimated": "0", "unknown": "0"},
    ])
    mount.unmount()
    again = bench.mount(simulator)
    equal([row["credits"] for row in rows(again)], ["1", "0.8"])


def case_failed_tasks_count_with_their_cost(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    write(mount.path(MODEL, "refunded.txt"), "A kite. sim:fail")
    write(mount.path(MODEL, "moderated.txt"), "A kite. sim:moderation")
    for task in (1, 2):
        wait_state(mount, task, "failed")
    equal([(row["tasks"], row["credits"]) for row in rows(mount)], [("2", "0.8")])


def case_a_request_over_the_task_limit_is_refused(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator, limit_per_task=20)
    file = bench.file("dear.json", '{"prompt": "A kite.", "duration": "10"}')
    said = run(["cp", file, mount.path(DEAR)], status=1)
    contains(said.err, "Disk quota exceeded")
    error = read(mount.path(DEAR, "dear.error"))
    contains(error, "dear.json was not sent", "320 credits", "limit_per_task allows 20")
    said = run(f"cat {file} > {mount.path(DEAR, 'cat.json')}", status=None)
    contains(read(mount.path(DEAR, "cat.error")), "limit_per_task")
    equal(tasks(mount), [])
    write(mount.path(MODEL, "cheap.txt"), "A kite.")
    wait_done(mount.path(MODEL, "cheap.txt"))
    equal(simulator.sent(), 1)
    contains(read(mount.path(".kiefs/errors")), "limit_per_task")


def case_a_request_over_a_whole_day_is_refused(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator, limit_per_day=100)
    file = bench.file("dear.json", '{"prompt": "A kite.", "duration": "10"}')
    run(["cp", file, mount.path(DEAR)], status=1)
    contains(read(mount.path(DEAR, "dear.error")), "limit_per_day allows 100 on a whole day")
    equal(simulator.sent(), 0)


def case_over_the_day_limit_is_held_until_it_is_raised(bench):
    simulator = bench.simulator()
    configure(bench, "limit_per_day = 2\n")
    mount = bench.mount(simulator)
    for number in range(5):
        write(mount.path(MODEL, f"k{number}.txt"), f"Kite {number}.")
    until(lambda: len(tasks(mount, "done")) == 2 and len(tasks(mount, "held")) == 3, "2 went out")
    equal(simulator.sent(), 2)
    equal(meta(mount, 5)["held_for"], "limit")
    contains(task_file(mount, 5, "error"), "this day has cost", "limit_per_day allows 2", "midnight UTC")
    equal(limits(mount)["spent_today"], "1.6")
    equal(limits(mount)["left_today"], "0.4")
    equal(limits(mount)["held_for_a_limit"], "3")
    configure(bench, "limit_per_day = twelve\n")
    reload(mount)
    until(lambda: "limit_per_day=twelve is not allowed" in read(mount.path(".kiefs/log")), "logged")
    equal(limits(mount)["limit_per_day"], "2")
    configure(bench, "limit_per_day = 3\n")
    mount.process.send_signal(signal.SIGHUP)
    until(lambda: len(tasks(mount, "done")) == 3, "one more went out")
    configure(bench, "# none\n")
    reload(mount)
    until(lambda: len(tasks(mount, "done")) == 5, "all went out")
    equal(simulator.sent(), 5)
    equal(limits(mount)["limit_per_day"], "none")


def case_an_unknown_price_is_held(bench):
    simulator = bench.simulator()
    configure(bench, "limit_per_task = 50\n")
    mount = bench.mount(simulator)
    write(mount.path(PRICELESS, "a.txt"), "A kite.")
    equal(wait_state(mount, 1, "held"), "held")
    contains(read(mount.path(PRICELESS, "a.error")), "its price is not known", "unknown_price=allow")
    equal(simulator.sent(), 0)
    configure(bench, "limit_per_task = 50\nunknown_price = allow\n")
    reload(mount)
    wait_state(mount, 1, "done")


def case_a_held_request_can_be_cancelled(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator, limit_per_day=1)
    for number in (1, 2):
        write(mount.path(MODEL, f"k{number}.txt"), f"Kite {number}.")
    wait_done(mount.path(MODEL, "k1.txt"))
    wait_state(mount, 2, "held")
    os.unlink(mount.path(MODEL, "k2.txt"))
    equal(wait_state(mount, 2, "cancelled"), "cancelled")
    equal(names(mount.path(MODEL)), names_of_model("k1.png", "k1.txt"))
    equal(limits(mount)["held_for_a_limit"], "0")


def names_of_model(*more):
    return sorted(["README.md", "defaults.json", "example.json", "schema.json", *more])


def case_killed_again_and_again_it_keeps_the_limit(bench):
    """Tasks that never end, a limit that two of them fill, and a daemon killed at odd moments."""
    simulator = bench.simulator()
    simulator.fault("stuck", count=1000)
    moments = (
        lambda mount: None,
        lambda mount: until(lambda: simulator.sent() > 0, "one has left"),
        lambda mount: until(lambda: tasks(mount, "held"), "one is held"),
    )
    for turn in range(12):
        mount = bench.mount(simulator, limit_per_day=1.6)
        for number in range(4):
            write(mount.path(MODEL, f"k{turn}-{number}.txt"), f"Kite {turn} {number}.")
        moments[turn % len(moments)](mount)
        mount.process.send_signal(signal.SIGKILL)
        mount.process.wait()
        subprocess.run(["fusermount3", "-uzq", mount.point], check=False)
        bench.mounts.remove(mount)
    mount = bench.mount(simulator, limit_per_day=1.6)
    until(lambda: not tasks(mount, "active") or len(tasks(mount, "held")) + len(
        [task for task in tasks(mount, "active")
         if meta(mount, task)["state"] == "running"]) == len(tasks(mount)), "all settled")
    assert simulator.sent() <= 2, simulator.sent()
    sent = [task for task in tasks(mount) if meta(mount, task)["submitted"]]
    equal(len(sent), 2)
    equal(limits(mount)["spent_today"], "1.6")


def case_wrong_limits_stop_the_start(bench):
    for value in ("-1", "many", "1e3", "", "0x10", "inf"):
        mount = bench.mount(ready=False, limit_per_day=value)
        assert not mount.is_ready
        equal(end(mount.process), 2, "exit status")
        bench.mounts.remove(mount)
        contains(mount.words(), "limit_per_day", "number of credits")


main()
