"""Tasks from their first state to their last, with a service that fails in every way it can."""

import contextlib
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading

from mount import *

MODEL = "models/z-image"
HOUR_MS = 3600000


def request(mount, name="r", text="A red kite."):
    """Writes a prompt; returns its path without .txt and its task's number."""
    count = len(tasks(mount))
    path = mount.path(MODEL, name)
    write(f"{path}.txt", text)
    until(lambda: len(tasks(mount)) == count + 1, "a new task")
    return path, count + 1


def fails(path):
    """The task ends in failure: reading .wait says so; returns what .error says."""
    contains(run(["cat", f"{path}.wait"], 1).err, "Input/output error")
    return read(f"{path}.error")


def control(mount, task, word):
    run(["bash", "-c", f"echo {word} > {mount.path('tasks/all', str(task), 'control')}"])


def case_states_seen(bench):
    simulator = bench.simulator()
    simulator.fault("late", ms=HOUR_MS)
    mount = bench.mount(simulator)
    path, task = request(mount)
    wait_state(mount, task, "running")
    equal(tasks(mount, "active"), [1])
    until(lambda: re.match(r"(waiting|queuing|generating).* \d\d:\d\d\n", read(f"{path}.status")), "a state")
    simulator.ask("POST", "/sim/time", {"advance_ms": HOUR_MS})
    contains(read(f"{path}.wait"), "done")
    equal(tasks(mount, "active"), [])
    assert not os.path.exists(f"{path}.status")
    log = task_file(mount, task, "log")
    for line in log.splitlines():
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line), line
    contains(log, "committed", "submitting", "result 1: image/png", "done")


def case_several_results(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    folder = mount.path("models/ideogram/character")
    values = json.loads(read(f"{folder}/schema.json"))["properties"]["num_images"]["enum"]
    example = json.loads(read(f"{folder}/example.json"))
    most = values[-1]
    example.get("input", example)["num_images"] = most
    write(f"{folder}/r.json", json.dumps(example))
    read(f"{folder}/r.wait")
    wanted = [f"r-{n}.png" for n in range(1, int(most) + 1)]
    equal([name for name in names(folder) if name.startswith("r-")], wanted)
    equal(len({read_bytes(f"{folder}/{name}") for name in wanted}), len(wanted), "different pictures")


def case_interrupt_of_a_waiting_reader(bench):
    simulator = bench.simulator()
    simulator.fault("stuck")
    mount = bench.mount(simulator)
    path, task = request(mount)
    wait_state(mount, task, "running")
    for wait in (f"{path}.wait", mount.path("tasks/all/1/wait")):
        reader = subprocess.Popen(["cat", wait], preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        until(lambda: "fuse" in read(f"/proc/{reader.pid}/stack") if os.getuid() == 0 else
              read(f"/proc/{reader.pid}/wchan") != "0", "cat waits")
        equal(end(reader, signal.SIGINT), -signal.SIGINT)


def parked(mount, count):
    path, task = request(mount)
    wait_state(mount, task, "running")
    readers = [subprocess.Popen(["cat", f"{path}.wait"], stderr=subprocess.PIPE) for _ in range(count)]
    until(lambda: all(os.path.exists(f"/proc/{one.pid}/fd/3") for one in readers), "open files")
    return readers


def case_unmount_with_waiting_readers(bench):
    simulator = bench.simulator()
    simulator.fault("stuck")
    mount = bench.mount(simulator)
    readers = parked(mount, 12)
    contains(run(["fusermount3", "-u", mount.point], 1).err, "busy")
    # More readers than threads, and all else goes on.
    run(["ls", "-lR", mount.path("tasks")])
    equal(end(mount.process), 0)
    gave_up(readers)
    assert not os.path.ismount(mount.point)


def gave_up(readers):
    """They end, in the daemon's time or because the mount was gone before they got there."""
    for reader in readers:
        assert reader.wait(DEADLINE_S) == 1
        said = reader.stderr.read().decode()
        assert "connection abort" in said or "not connected" in said, said
        reader.stderr.close()


def children(pid):
    return read(f"/proc/{pid}/task/{pid}/children").split()


def is_there(pid):
    """A process that has ended may wait for its parent for a while."""
    with contextlib.suppress(OSError):
        return read(f"/proc/{pid}/stat").rpartition(")")[2].split()[0] not in "ZX"
    return False


def case_lazy_unmount_with_waiting_readers(bench):
    simulator = bench.simulator()
    simulator.fault("stuck")
    mount = bench.mount(simulator)
    readers = parked(mount, 12)
    sleeper = subprocess.Popen([sys.executable, "-c", "import select, sys; f = open(sys.argv[1]);"
                                "f.read(); p = select.poll(); p.register(f, select.POLLPRI);"
                                "print(p.poll())", mount.path(MODEL, "r.status")],
                               stdout=subprocess.PIPE)
    until(lambda: "poll" in read(f"/proc/{sleeper.pid}/wchan"), "it sleeps")
    poker = children(mount.process.pid)
    equal(len(poker), 1)
    run(["fusermount3", "-uz", mount.point])
    equal(mount.process.wait(DEADLINE_S), 0)
    gave_up(readers)
    equal(sleeper.communicate(timeout=DEADLINE_S)[0], b"[(3, 8)]\n", "POLLERR")
    until(lambda: not is_there(poker[0]), "no process is left")
    equal(names(mount.point), [])
    # The place is free, and nothing was lost.
    mount = bench.mount(simulator)
    equal(meta(mount, 1)["state"], "running")


def case_another_namespace_has_a_copy(bench):
    """It does not keep the daemon; what it has of the mount is dead."""
    mount = bench.mount(bench.simulator())
    command = ["unshare", "--user", "--map-root-user"] if os.geteuid() else ["unshare"]
    other = subprocess.Popen([*command, "-m", "sh", "-c", 'echo; read line; exec ls "$0"', mount.point],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    other.stdout.readline()
    equal(mount.unmount(), 0)
    contains(other.communicate(b"\n", DEADLINE_S)[1].decode(), "not connected")


def case_the_next_mount_is_left_alone(bench):
    """A daemon that ends late does not unmount what has taken its place."""
    simulator = bench.simulator()
    simulator.fault("stuck")
    mount = bench.mount(simulator)
    readers = parked(mount, 1)
    mount.process.send_signal(signal.SIGSTOP)
    run(["fusermount3", "-uz", mount.point])
    following = bench.mount(simulator, state=bench.path("state2"), store=bench.path("store2"))
    mount.process.send_signal(signal.SIGCONT)
    equal(mount.process.wait(DEADLINE_S), 0)
    gave_up(readers)
    equal(tasks(following), [])


def case_a_killed_reader_lets_go(bench):
    simulator = bench.simulator()
    simulator.fault("stuck")
    mount = bench.mount(simulator)
    for reader in parked(mount, 3):
        equal(end(reader, signal.SIGKILL), -signal.SIGKILL)
        reader.stderr.close()
    equal(mount.unmount(), 0)


def case_unmount_by_hand_ends_the_daemon(bench):
    mount = bench.mount(bench.simulator())
    path, _ = request(mount)
    read(f"{path}.wait")
    equal(mount.unmount(), 0)
    equal(names(mount.point), [])


def case_a_new_daemon_goes_on(bench):
    simulator = bench.simulator()
    simulator.fault("late", ms=HOUR_MS)
    mount = bench.mount(simulator)
    path, task = request(mount)
    wait_state(mount, task, "running")
    equal(end(mount.process), 0)
    simulator.ask("POST", "/sim/time", {"advance_ms": HOUR_MS})
    mount = bench.mount(simulator)
    read(f"{path}.wait")
    assert read_bytes(f"{path}.png").startswith(PNG)
    equal(simulator.sent(), 1)


def case_waits_for_all_kinds_of_readers(bench):
    simulator = bench.simulator()
    simulator.fault("late", ms=HOUR_MS)
    mount = bench.mount(simulator)
    path, task = request(mount)
    wait_state(mount, task, "running")
    reader = subprocess.Popen(["cat", f"{path}.wait"], stdout=subprocess.PIPE)
    until(lambda: os.path.exists(f"/proc/{reader.pid}/fd/3"), "an open file")
    simulator.ask("POST", "/sim/time", {"advance_ms": HOUR_MS})
    out, _ = reader.communicate(timeout=DEADLINE_S)
    equal(reader.returncode, 0)
    contains(out.decode(), "done")
    contains(run(["cat", mount.path(MODEL, "none.wait")], 1).err, "No such file")


def case_the_wait_is_there_from_the_close_on(bench):
    """The release that makes the task comes after close() has returned, at any time."""
    mount = bench.mount(key=None)
    missing = []

    def write_and_look(writer):
        for number in range(100):
            path = mount.path(MODEL, f"{writer}-{number}")
            write(f"{path}.txt", f"Kite {writer} {number}.")
            if not os.path.exists(f"{path}.wait"):
                missing.append(path)

    writers = [threading.Thread(target=write_and_look, args=[writer]) for writer in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    equal(missing, [])


def case_a_slow_lookup_delays_no_other(bench):
    """Names beside a request that is being closed wait for its task; the rest of the folder does not."""
    mount = bench.mount(key=None)
    path = mount.path(MODEL, "r")
    file = os.open(f"{path}.txt", os.O_WRONLY | os.O_CREAT)
    os.write(file, b"A red kite.")
    again = os.dup(file)
    os.close(file)
    slow = threading.Thread(target=lambda: [os.path.exists(f"{path}.status") for _ in range(10)])
    slow.start()
    count = 0
    while slow.is_alive():
        count += not os.path.exists(mount.path(MODEL, f"no-{count}"))
    slow.join()
    os.close(again)
    # One at a time with the slow ones, there are some twenty.
    assert count > 200, count


def case_lost_answer(bench):
    simulator = bench.simulator()
    simulator.fault("lost")
    mount = bench.mount(simulator)
    path, task = request(mount)
    error = fails(path)
    contains(error, "may have been", f"echo resend > tasks/all/{task}/control")
    equal(meta(mount, task)["state"], "uncertain")
    equal(tasks(mount, "held"), [1])
    equal(simulator.sent(), 1)
    # Nothing sends it again: not a new daemon, not the same bytes.
    equal(end(mount.process), 0)
    mount = bench.mount(simulator)
    write(f"{path}.txt", "A red kite.")
    equal(meta(mount, task)["state"], "uncertain")
    equal(len(tasks(mount)), 1)
    equal(simulator.sent(), 1)
    control(mount, task, "resend")
    read(f"{path}.wait")
    equal(simulator.sent(), 2)
    assert not os.path.exists(f"{path}.error")


def case_connection_never_made(bench):
    simulator = bench.simulator()
    mount = bench.mount(None)
    path, task = request(mount)
    until(lambda: "next try" in read(f"{path}.status"), "a next try")
    equal(end(mount.process), 0)
    mount = bench.mount(simulator)
    read(f"{path}.wait")
    equal(simulator.sent(), 1)


def case_no_credits(bench):
    simulator = bench.simulator("--credits", "0")
    mount = bench.mount(simulator)
    path, task = request(mount)
    wait_state(mount, task, "held")
    equal(meta(mount, task)["held_for"], "credits")
    contains(read(f"{path}.error"), "credits")
    request(mount, "s", "Another kite.")
    wait_state(mount, 2, "held")
    simulator.ask("POST", "/sim/credits", {"balance": 100})
    run("echo reload > .kiefs/control", cwd=mount.point)
    read(f"{path}.wait")
    read(mount.path(MODEL, "s.wait"))
    equal(simulator.counts()["created"], 2)


def case_refused_key(bench):
    simulator = bench.simulator()
    simulator.ask("POST", "/sim/keys", {"bad": [KEY]})
    mount = bench.mount(simulator)
    path, task = request(mount)
    wait_state(mount, task, "held")
    equal(meta(mount, task)["held_for"], "key")
    contains(read(f"{path}.error"), "refused", "401")
    simulator.ask("POST", "/sim/keys", {"bad": []})
    run("echo reload > .kiefs/control", cwd=mount.point)
    read(f"{path}.wait")
    equal(simulator.counts()["created"], 1)


def case_too_fast(bench):
    simulator = bench.simulator()
    simulator.fault("code", code=429, http=429, retry_after=1)
    mount = bench.mount(simulator)
    path, task = request(mount)
    read(f"{path}.wait")
    equal(simulator.sent(), 2)
    equal(simulator.counts()["created"], 1)


def case_refused_request(bench):
    simulator = bench.simulator()
    simulator.fault("code", code=422)
    mount = bench.mount(simulator)
    path, task = request(mount)
    contains(fails(path), "422")
    equal(meta(mount, task)["state"], "failed")
    equal(tasks(mount, "failed"), [1])
    control(mount, task, "retry")
    read(f"{path}.wait")
    equal(simulator.sent(), 2)


def case_service_failed_the_task(bench):
    simulator = bench.simulator()
    simulator.fault("fail", code=500)
    mount = bench.mount(simulator)
    path, task = request(mount)
    contains(fails(path), f"echo retry > tasks/all/{task}/control")
    equal(json.loads(task_file(mount, task, "record.json"))["data"]["state"], "fail")
    assert not os.path.exists(f"{path}.status")
    control(mount, task, "retry")
    read(f"{path}.wait")
    assert read_bytes(f"{path}.png").startswith(PNG)
    assert not os.path.exists(f"{path}.error")
    equal(simulator.sent(), 2)


def case_server_error_at_submit(bench):
    simulator = bench.simulator()
    simulator.fault("code", code=500)
    mount = bench.mount(simulator)
    path, task = request(mount)
    wait_state(mount, task, "failed", "uncertain", "done", "queued")
    # Whether 500 was taken is not known: then it is not sent twice by itself.
    state = wait_state(mount, task, "failed", "uncertain", "done")
    equal(simulator.sent(), 1 if state != "done" else 2, state)
    equal(simulator.counts()["created"], 0 if state != "done" else 1)


def answers(kind):
    def check(bench):
        simulator = bench.simulator()
        simulator.fault(kind, path="recordInfo", count=2)
        mount = bench.mount(simulator)
        path, task = request(mount)
        read(f"{path}.wait")
        assert read_bytes(f"{path}.png").startswith(PNG)
        equal(simulator.sent(), 1)

    return f"record_{kind}", check


def download(kind, **more):
    def check(bench):
        simulator = bench.simulator("--result-bytes", "300k")
        simulator.fault(kind, **more)
        mount = bench.mount(simulator)
        path, task = request(mount)
        read(f"{path}.wait")
        picture = read_bytes(f"{path}.png")
        assert picture.startswith(PNG), picture[:20]
        equal(len(picture), 300 << 10)
        equal(os.stat(f"{path}.png").st_size, len(picture))
        equal(names(mount.path(MODEL)).count("r.png"), 1)
        equal(simulator.sent(), 1)

    return f"download_{kind}", check


def lazily(mount):
    run(["fusermount3", "-uz", mount.point])
    return mount.process.wait(DEADLINE_S)


ENDS = [("signal", lambda mount: end(mount.process)), ("unmount", Mount.unmount), ("lazily", lazily)]


def ends_during_a_download(name, ends):
    def check(bench):
        simulator = bench.simulator("--result-bytes", "300k")
        simulator.fault("throttle", bytes=20000)
        mount = bench.mount(simulator)
        path, task = request(mount)
        wait_state(mount, task, "fetching")
        assert not os.path.exists(f"{path}.png"), "half a result"
        equal(ends(mount), 0)
        simulator.ask("DELETE", "/sim/faults")
        mount = bench.mount(simulator)
        read(f"{path}.wait")
        equal(os.stat(f"{path}.png").st_size, 300 << 10)
        equal(simulator.sent(), 1)

    return f"{name}_during_a_download", check


def ends_during_an_upload(name, ends):
    def check(bench):
        simulator = bench.simulator()
        simulator.fault("slow", ms=HOUR_MS, path="file-stream-upload")
        mount = bench.mount(simulator)
        file = mount.path("uploads/kite.png")
        with open(file, "wb") as out:
            out.write(PNG + bytes(50000))
        until(lambda: simulator.counts()["by_path"].get("/api/file-stream-upload"), "it is under way")
        equal(ends(mount), 0)
        simulator.ask("DELETE", "/sim/faults")
        mount = bench.mount(simulator)
        until(lambda: os.path.exists(f"{file}.url"), "it has its address")

    return f"{name}_during_an_upload", check


# A service with paths and words of its own.
SERVICE = {
    "form": 1,
    "services": {
        "acme": {
            "host": "api",
            "submit": {"method": "POST", "path": "/acme/run", "body": {"what": "$model", "with": "$input"},
                       "task_id": ["ticket.number"]},
            "answer": {"code": "status", "success": 0, "message": ["reason"], "classes": {"7": "client"}},
            "poll": {"method": "GET", "path": "/acme/tickets/{task}", "state": "ticket.is",
                     "states": {"baking": "running", "ready": "success", "burnt": "fail"},
                     "progress": "ticket.percent"},
            "results": [{"path": "ticket.goods[].at", "kind": "media"}],
        }
    },
    "models": {
        "acme/baker": {
            "title": "Baker", "category": "image", "output": "image", "service": "acme",
            "prompt": {"order": "$prompt"},
            "fields": {"order": {"type": "string", "required": True}, "pieces": {"type": "integer", "required": True, "default": 2}},
            "example": {"order": "A cake.", "pieces": 1},
        }
    },
}


class Acme(http.server.BaseHTTPRequestHandler):
    """Bakes what is ordered: two answers "baking", then two pictures."""

    orders = []
    polls = 0

    def log_message(self, *words):
        pass

    def reply(self, body, kind="application/json"):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def tell(self, **what):
        self.reply(json.dumps(what).encode())

    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Acme.orders.append((self.path, self.headers["Authorization"], order))
        if "poison" in order["with"]["order"]:
            self.tell(status=7, reason="We do not bake that.")
        else:
            self.tell(status=0, ticket={"number": 17})

    def do_GET(self):
        if self.path.startswith("/goods/"):
            assert "Authorization" not in self.headers
            return self.reply(PNG + self.path.encode(), "image/png")
        Acme.polls += 1
        equal(self.path, "/acme/tickets/17")
        if Acme.polls < 2:
            return self.tell(status=0, ticket={"is": "baking", "percent": 40})
        at = f"http://127.0.0.1:{self.server.server_port}/goods/"
        return self.tell(status=0, ticket={"is": "ready", "goods": [{"at": f"{at}a"}, {"at": f"{at}b"}]})


def case_invented_service(bench):
    bench.folder("catalog.d")
    bench.file("catalog.d/acme.json", json.dumps(SERVICE))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Acme)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        mount = bench.mount(None, base_url=f"http://127.0.0.1:{server.server_port}")
        folder = mount.path("models/acme/baker")
        contains(read(f"{folder}/README.md"), "Baker", "order", "pieces")
        write(f"{folder}/cake.txt", "A cake.")
        read(f"{folder}/cake.wait")
        equal([read_bytes(f"{folder}/cake-{n}.png") for n in (1, 2)], [PNG + b"/goods/a", PNG + b"/goods/b"])
        equal(Acme.orders, [("/acme/run", f"Bearer {KEY}",
                             {"what": "acme/baker", "with": {"order": "A cake.", "pieces": 2}})])
        write(f"{folder}/soup.txt", "poison")
        until(lambda: os.path.exists(f"{folder}/soup.error"), "an error")
        contains(read(f"{folder}/soup.error"), "We do not bake that.")
        run("echo '{\"order\": 5}' > bad.json", 1, cwd=folder)
        equal(len(Acme.orders), 2)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def case_broken_catalogue_file(bench):
    bench.folder("catalog.d")
    bench.file("catalog.d/acme.json", json.dumps(SERVICE).replace('"running"', '"walking"'))
    bench.refused("acme.json", "walking")


TABLE = [answers(kind) for kind in ("html", "half", "types", "null", "state", "drop")] + [
    download("truncate"),
    download("expired", code=403),
    download("drop", path="/results/"),
    download("throttle", bytes=200000),
]
TABLE += [kind(*one) for one in ENDS for kind in (ends_during_a_download, ends_during_an_upload)]

if __name__ == "__main__":
    main(TABLE)
