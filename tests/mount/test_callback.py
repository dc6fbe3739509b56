"""The listener for callbacks: what they do, and what bad ones do not."""

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import socket
import time

from mount import *

MODEL = "models/z-image"
SECRET = "sesam-0123456789"
# Polls that nobody asks for come this late with a task that is some minutes old.
SOON_S = 2.5


def state(mount):
    text = read(mount.path(".kiefs/callback"))
    return dict(line.split(": ", 1) for line in text.splitlines())


def count(mount, name):
    return int(state(mount)[name])


def url_of(mount, task):
    return json.loads(task_file(mount, task, "request.json"))["callBackUrl"]


def post(url, body, headers=None, method="POST"):
    """The HTTP status; None when the connection was closed."""
    host, path = url.removeprefix("http://").split("/", 1)
    connection = http.client.HTTPConnection(host, timeout=DEADLINE_S)
    with contextlib.closing(connection):
        try:
            connection.request(method, "/" + path, body, headers or {})
            return connection.getresponse().status
        except (ConnectionError, http.client.HTTPException):
            return None


def about(task_id):
    return json.dumps({"code": 200, "data": {"taskId": task_id, "state": "success"}})


def signed(task_id, key, seconds=None):
    seconds = str(int(time.time()) if seconds is None else seconds)
    digest = hmac.new(key.encode(), f"{task_id}.{seconds}".encode(), hashlib.sha256).digest()
    return {
        "X-Webhook-Timestamp": seconds,
        "X-Webhook-Signature": base64.b64encode(digest).decode(),
    }


def start(bench, *sim, **options):
    simulator = bench.simulator(*sim)
    return simulator, bench.mount(simulator, callback_listen="0", **options)


def stuck(simulator, mount, name="stuck"):
    """A task that the service goes on working on; returns its number and the service's id."""
    simulator.fault("stuck")
    write(mount.path(MODEL, f"{name}.txt"), f"Kite {name}.")
    task = until(lambda: tasks(mount, "active") and tasks(mount, "active")[-1], "it is there")
    wait_state(mount, task, "running")
    return task, meta(mount, task)["remote_id"]


def polls(simulator):
    return simulator.counts()["polls"]


def case_off_by_default(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    contains(read(mount.path(".kiefs/callback")), "off: callback_listen is not set")
    write(mount.path(MODEL, "a.txt"), "A kite.")
    wait_done(mount.path(MODEL, "a.txt"))
    assert "callBackUrl" not in json.loads(task_file(mount, 1, "request.json"))


def case_a_callback_ends_the_wait(bench):
    simulator, mount = start(bench, "--task-ms", "500")
    contains(state(mount)["listening"], "http://127.0.0.1:")
    for number in range(5):
        write(mount.path(MODEL, f"k{number}.txt"), f"Kite {number}.")
        wait_done(mount.path(MODEL, f"k{number}.txt"))
    until(lambda: count(mount, "received") == 5, "five callbacks")
    equal(count(mount, "accepted"), 5)
    # One poll each, and it found the end; a slow machine may see one by itself before.
    assert 5 <= polls(simulator) <= 7, polls(simulator)
    contains(read(mount.path(".kiefs/stats")), 'kiefs_callbacks_total{verdict="accepted"} 5')
    equal(simulator.ask("GET", "/sim/callbacks")["answered"], 5)


def case_failed_tasks_too(bench):
    simulator, mount = start(bench, "--task-ms", "500")
    write(mount.path(MODEL, "bad.txt"), "A kite. sim:fail")
    wait_state(mount, 1, "failed")
    until(lambda: count(mount, "received") == 1, "a callback")


def case_the_users_own_address_stays(bench):
    simulator, mount = start(bench)
    own = "https://example.com/mine"
    body = {"model": "z-image", "input": {"prompt": "A kite.", "aspect_ratio": "1:1"},
            "callBackUrl": own}
    simulator.fault("stuck")
    write(mount.path(MODEL, "own.json"), json.dumps(body))
    wait_state(mount, 1, "running")
    equal(url_of(mount, 1), own)


def case_the_public_address_is_used(bench):
    simulator, mount = start(bench, callback_url="https://home.example/hooks/")
    task, _ = stuck(simulator, mount)
    url = url_of(mount, task)
    contains(url, "https://home.example/hooks/")
    # Who sees the configuration does not see the secret part.
    secret = url.rsplit("/", 1)[1]
    equal(len(secret), 32)
    for name in ("config", "callback", "stats", "log"):
        assert secret not in read(mount.path(".kiefs", name)), name
    mount.unmount()
    mount = bench.mount(simulator, callback_listen="0", callback_url="https://home.example/hooks/")
    task, _ = stuck(simulator, mount, "again")
    equal(url_of(mount, task), url)


def case_the_three_places_of_the_id(bench):
    simulator, mount = start(bench)
    task, remote = stuck(simulator, mount)
    url = url_of(mount, task)
    bodies = ({"code": 200, "data": None, "taskId": remote}, {"data": {"taskId": remote}},
              {"code": 200, "data": {"callbackType": "text", "task_id": remote, "data": []}})
    for number, body in enumerate(bodies, 1):
        before = polls(simulator)
        equal(post(url, json.dumps(body)), 200)
        equal(count(mount, "accepted"), number)
        until(lambda: polls(simulator) > before, "it was polled")


def case_each_service_names_its_task_in_its_own_place(bench):
    simulator, mount = start(bench, "--task-ms", "500", "--credits", "1000000")
    for operation, place, times in (
        ("suno/generate", ("data", "task_id"), 3),
        ("veo/generate", ("data", "taskId"), 1),
        ("runway/generate", ("data", "task_id"), 1),
        ("aleph/generate", ("taskId",), 1),
    ):
        folder = mount.path("models/dedicated", operation)
        before = count(mount, "received")
        write(f"{folder}/x.json", read(f"{folder}/example.json"))
        wait_done(f"{folder}/x")
        until(lambda: count(mount, "received") == before + times, f"{operation} calls")
        remote = json.loads(read(f"{folder}/x.task/meta.json"))["remote_id"]
        told = simulator.ask("GET", f"/sim/callback?task={remote}")
        equal(len(told), times, operation)
        for found in (call["body"] for call in told):
            for name in place:
                found = found[name]
            equal(found, remote, operation)
    equal(count(mount, "accepted") + count(mount, "ended"), count(mount, "received"))
    equal(count(mount, "form") + count(mount, "unknown"), 0)


def case_forged_and_wrong_ones_do_nothing(bench):
    simulator, mount = start(bench)
    task, remote = stuck(simulator, mount)
    url = url_of(mount, task)
    origin = url.rsplit("/", 1)[0]
    for address, body, method, status, name in (
        (url, about("0" * 32), "POST", 200, "unknown"),
        (url, about("' OR 1=1 --"), "POST", 200, "unknown"),
        (url, "no JSON", "POST", 400, "form"),
        (url, "", "POST", 400, "form"),
        (url, "[" * 100000, "POST", 400, "form"),
        (url, about("x" * 100000), "POST", 400, "form"),
        (url, None, "GET", 405, "method"),
        (origin + "/", about(remote), "POST", 404, "path"),
        (origin + "/" + "0" * 32, about(remote), "POST", 404, "path"),
        (origin + "/../../etc/passwd", None, "GET", 404, "path"),
        (url + "x", about(remote), "POST", 404, "path"),
    ):
        before = count(mount, name)
        equal(post(address, body, method=method), status, name)
        equal(count(mount, name), before + 1, name)
    equal(count(mount, "accepted"), 0)
    equal(meta(mount, task)["state"], "running")


def case_what_it_says_is_not_believed(bench):
    simulator, mount = start(bench)
    task, remote = stuck(simulator, mount)
    body = {"code": 501, "msg": "failed", "data": {"taskId": remote, "state": "fail",
            "creditsConsumed": 1000000, "resultJson": '{"resultUrls":["http://127.0.0.1:1/x"]}'}}
    before = polls(simulator)
    equal(post(url_of(mount, task), json.dumps(body)), 200)
    until(lambda: polls(simulator) > before, "it was polled")
    equal(meta(mount, task)["state"], "running")
    equal(read(mount.path("account/spend.csv")).splitlines()[1].split(",")[3], "0.8")


def case_repeated_ones_are_few_polls(bench):
    simulator, mount = start(bench)
    task, remote = stuck(simulator, mount)
    url = url_of(mount, task)
    begun = time.monotonic()
    before = polls(simulator)
    for _ in range(300):
        equal(post(url, about(remote)), 200)
    took = time.monotonic() - begun
    equal(count(mount, "received"), 300)
    # One a second for the callbacks' sake, and those that come by themselves.
    assert polls(simulator) - before <= 2 * took + 4, (polls(simulator) - before, took)


def case_a_late_one_is_told_that_all_is_well(bench):
    simulator, mount = start(bench, "--task-ms", "300")
    write(mount.path(MODEL, "a.txt"), "A kite. sim:callback-twice")
    wait_done(mount.path(MODEL, "a.txt"))
    until(lambda: count(mount, "received") == 2, "it came twice")
    equal(post(url_of(mount, 1), about(meta(mount, 1)["remote_id"])), 200)
    assert count(mount, "ended") >= 1
    equal(simulator.counts()["downloads"], 1)


def case_the_simulators_faults(bench):
    simulator, mount = start(bench, "--task-ms", "300")
    write(mount.path(MODEL, "forged.txt"), "A kite. sim:callback-forged")
    wait_done(mount.path(MODEL, "forged.txt"))
    until(lambda: count(mount, "received") == 2, "one forged, one true")
    equal(count(mount, "unknown"), 1)
    # Without a callback it is found by asking.
    write(mount.path(MODEL, "never.txt"), "A kite. sim:callback-never")
    wait_done(mount.path(MODEL, "never.txt"))
    equal(count(mount, "received"), 2)


def case_a_huge_body_is_not_read(bench):
    simulator, mount = start(bench)
    task, remote = stuck(simulator, mount)
    url = url_of(mount, task)
    host, port = url.removeprefix("http://").split("/")[0].rsplit(":", 1)
    path = "/" + url.rsplit("/", 1)[1]
    resident = memory(mount)
    for head in (f"Content-Length: {100 << 20}", "Transfer-Encoding: chunked"):
        sent = 0
        with socket.create_connection((host, int(port)), timeout=DEADLINE_S) as sock:
            sock.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode())
            block = b"x" * 65536
            if "chunked" in head:
                block = b"10000\r\n" + block + b"\r\n"
            with contextlib.suppress(ConnectionError):
                while sent < 100 << 20:
                    sock.sendall(block)
                    sent += len(block)
        assert sent < 30 << 20, sent
    until(lambda: count(mount, "large") == 2, "both were refused")
    assert memory(mount) - resident < 8 << 20, (resident, memory(mount))
    equal(post(url, about(remote)), 200)
    equal(count(mount, "accepted"), 1)


def memory(mount):
    with open(f"/proc/{mount.process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def case_slow_connections_keep_nobody_out(bench):
    simulator, mount = start(bench)
    task, remote = stuck(simulator, mount)
    url = url_of(mount, task)
    host, port = url.removeprefix("http://").split("/")[0].rsplit(":", 1)
    path = "/" + url.rsplit("/", 1)[1]
    slow = []
    with contextlib.ExitStack() as stack:
        for number in range(200):
            sock = stack.enter_context(socket.create_connection((host, int(port)), timeout=5))
            with contextlib.suppress(ConnectionError):
                if number % 2:
                    sock.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n".encode())
                else:
                    sock.sendall(b"POST / HT")
            slow.append(sock)
        for number in range(1, 4):
            begun = time.monotonic()
            equal(post(url, about(remote)), 200)
            assert time.monotonic() - begun < SOON_S
            equal(count(mount, "accepted"), number)
    assert count(mount, "slow") > 0


def case_signatures(bench):
    simulator, mount = start(bench, "--task-ms", "300", "--callback-key", SECRET,
                             callback_key_file=key_file(bench, SECRET))
    equal(state(mount)["signatures"], "checked")
    write(mount.path(MODEL, "good.txt"), "A kite.")
    wait_done(mount.path(MODEL, "good.txt"))
    until(lambda: count(mount, "accepted") == 1, "a signed one is accepted")
    task, remote = stuck(simulator, mount)
    url = url_of(mount, task)
    now = int(time.time())
    for headers, status, name in (
        (None, 401, "unsigned"),
        (signed(remote, "another"), 401, "unsigned"),
        (signed("another", SECRET), 401, "unsigned"),
        (signed(remote, SECRET, now - 601), 401, "stale"),
        (signed(remote, SECRET, now + 660), 401, "stale"),
        ({**signed(remote, SECRET), "X-Webhook-Timestamp": "0"}, 401, "unsigned"),
        ({"X-Webhook-Timestamp": str(now)}, 401, "unsigned"),
        (signed(remote, SECRET, now - 60), 200, "accepted"),
    ):
        before = count(mount, name)
        equal(post(url, about(remote), headers), status, name)
        equal(count(mount, name), before + 1, name)
    for folder, _, files in os.walk(mount.path(".kiefs")):
        for name in files:
            assert SECRET not in read(os.path.join(folder, name)), name


def key_file(bench, key):
    path = bench.file("callback-key", key + "\n")
    os.chmod(path, 0o600)
    return path


def case_a_key_that_cannot_be_read_stops_the_start(bench):
    bench.refused("callback-key", callback_listen="0", callback_key_file=bench.path("callback-key"))
    path = key_file(bench, SECRET)
    os.chmod(path, 0o644)
    bench.refused("chmod 600", callback_listen="0", callback_key_file=path)
    bench.refused("callback_key_command", callback_listen="0", callback_key_command="false")


def case_a_port_in_use_stops_the_start(bench):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        bench.refused("callback_listen", str(port), "in use", callback_listen=str(port))


def case_wrong_addresses_stop_the_start(bench):
    for value in ("localhost:80", "99999", "127.0.0.1", "::1:80", "x", "127.0.0.1:", "-1"):
        mount = bench.mount(ready=False, callback_listen=value)
        assert not mount.is_ready, value
        equal(end(mount.process), 2, "exit status")
        bench.mounts.remove(mount)
        contains(mount.words(), "callback_listen", "a port from 0 to 65535")


def case_without_a_public_address_it_says_so(bench):
    mount = bench.mount(callback_listen="0", base_url="https://127.0.0.1:1")
    mount.expected = ("kiefs: callback_listen is set and callback_url is not: requests cannot tell "
                      "the service where to call.\n")
    equal(state(mount)["address in requests"], "none: set callback_url")


main()
