"""uploads/: files that programs put there get an address."""

import http.server
import os
import signal
import subprocess
import threading

from mount import *

STREAM = "/api/file-stream-upload"
BIG = 200 << 20


def uploaded(simulator):
    """The uploads that the simulator took."""
    return [
        line for line in simulator.requests()
        if line["path"].endswith("-upload") and line["code"] == 200
    ]


def url_of(path):
    """Waits for the file's address."""
    until(lambda: os.path.exists(path + ".url"), f"{path}.url is there")
    return read(path + ".url").removesuffix("\n")


def case_cp(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    picture = bench.file("my holiday.png", "not really a picture")
    run(["cp", picture, mount.path("uploads")])
    there = mount.path("uploads/my holiday.png")
    url = url_of(there)
    equal(fetch(url), b"not really a picture")
    # The address is public: it says nothing of the file's name.
    assert "holiday" not in url and url.endswith(".png"), url
    equal(names(mount.path("uploads")), ["my holiday.png", "my holiday.png.url"])
    equal(os.stat(there + ".url").st_size, len(url) + 1)
    assert os.getxattr(there + ".url", "user.kiefs.expires").endswith(b"Z")
    equal(os.getxattr(there, "user.kiefs.expires"),
          os.getxattr(there + ".url", "user.kiefs.expires"))
    run(f"echo x > '{there}.url'", None)
    equal(read(there + ".url"), url + "\n")


def case_a_folder_is_no_conversation(bench):
    mount = bench.mount(bench.simulator())
    folder = mount.path("uploads/talk")
    os.mkdir(folder)
    write(f"{folder}/prompt", "Hello.")
    equal(read(f"{folder}/prompt"), "Hello.")
    talk = mount.path("models/claude/claude-sonnet-4-5/talk")
    os.mkdir(talk)
    write(f"{talk}/prompt", "Hello.")
    read(f"{talk}/prompt.wait")
    os.rename(talk, mount.path("uploads/moved"))
    equal(read(mount.path("uploads/moved/messages.json")), "{}\n")
    contains(read(mount.path("uploads/moved/history.md")), "Hello.")
    write(mount.path("uploads/moved/prompt"), "Once more.")
    equal(names(mount.path("tasks/all")), ["1"])


def case_ways_to_write(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    folder = mount.path("uploads")
    bench.file("moved.jpg", "moved")
    run(f"mv {bench.path('moved.jpg')} {folder}/")
    run(f"{{ echo one; echo two; }} > {folder}/parts.txt")
    run(f"printf x > {folder}/.hidden.mp3.aB3dE; mv {folder}/.hidden.mp3.aB3dE {folder}/synced.mp3")
    run(f"mkdir {folder}/more; printf y > {folder}/more/README.md")
    equal(fetch(url_of(f"{folder}/moved.jpg")), b"moved")
    equal(fetch(url_of(f"{folder}/parts.txt")), b"one\ntwo\n")
    equal(fetch(url_of(f"{folder}/synced.mp3")), b"x")
    equal(fetch(url_of(f"{folder}/more/README.md")), b"y")
    equal(len(uploaded(simulator)), 4)


def case_scratch_stays_here(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    for name in (".a.png", "a.png~", "a.png.part", "4913", "sedAbC123", "Thumbs.db", "noending"):
        write(mount.path("uploads", name), "scratch")
    run(["touch", mount.path("uploads/empty.png")])
    write(mount.path("uploads/last.png"), "this one")
    url_of(mount.path("uploads/last.png"))
    equal(len(uploaded(simulator)), 1)


def case_once_per_content(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    for name in ("a.png", "b.png"):
        write(mount.path("uploads", name), "the same")
    equal(url_of(mount.path("uploads/a.png")), url_of(mount.path("uploads/b.png")))
    equal(len(uploaded(simulator)), 1)
    # Other bytes are another upload, and what is said of the old ones goes at once.
    with open(mount.path("uploads/a.png"), "w", encoding="utf-8") as file:
        file.write("something")
        file.flush()
        assert not os.path.exists(mount.path("uploads/a.png.url"))
    equal(fetch(url_of(mount.path("uploads/a.png"))), b"something")
    equal(len(uploaded(simulator)), 2)


def case_names_follow(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    write(mount.path("uploads/a.png"), "bytes")
    url = url_of(mount.path("uploads/a.png"))
    os.rename(mount.path("uploads/a.png"), mount.path("uploads/b.png"))
    equal(url_of(mount.path("uploads/b.png")), url)
    equal(names(mount.path("uploads")), ["b.png", "b.png.url"])
    os.rename(mount.path("uploads/b.png"), mount.path("models/google/nano-banana-edit/b.png"))
    equal(names(mount.path("uploads")), [])
    os.rename(mount.path("models/google/nano-banana-edit/b.png"), mount.path("uploads/c.png"))
    equal(url_of(mount.path("uploads/c.png")), url)
    run(["rm", "-r", mount.path("uploads/c.png")])
    equal(names(mount.path("uploads")), [])
    equal(len(uploaded(simulator)), 1)


def case_it_outlives_the_daemon(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    write(mount.path("uploads/a.png"), "bytes")
    url = url_of(mount.path("uploads/a.png"))
    mount.unmount()
    mount = bench.mount(simulator)
    equal(url_of(mount.path("uploads/a.png")), url)
    equal(len(uploaded(simulator)), 1)


def case_a_refusal(bench):
    simulator = bench.simulator("--upload-max", "100")
    mount = bench.mount(simulator)
    path = mount.path("uploads/long.txt")
    write(path, "x" * 101)
    until(lambda: os.path.exists(path + ".error"), "the refusal is told")
    contains(read(path + ".error"), "does not take the file", "413")
    assert not os.path.exists(path + ".url")
    write(path, "short")
    equal(fetch(url_of(path)), b"short")
    assert not os.path.exists(path + ".error")


def case_without_a_key(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator, key=None)
    write(mount.path("uploads/a.png"), "bytes")
    until(lambda: "no API key" in read(mount.path("uploads/a.png.status")), "it says why it waits")
    equal(uploaded(simulator), [])


def case_an_address(bench):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(PNG)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        simulator = bench.simulator()
        mount = bench.mount(simulator)
        path = mount.path("uploads/photo.url")
        write(path, f"http://127.0.0.1:{server.server_port}/photo.png\n")
        equal(fetch(url_of(path)), PNG)
        equal(uploaded(simulator)[0]["path"], "/api/file-url-upload")
        ended = run(["cp", bench.file("bad.url", "no address"), mount.path("uploads")], None)
        equal(ended.status, 1)
        contains(ended.err, "Invalid argument")
        contains(read(mount.path("uploads/bad.url.error")), "holds no address", "https://")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def case_a_killed_writer(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    path = mount.path("uploads/half.png")
    writer = subprocess.Popen(
        ["python3", "-c",
         "import sys, time\n"
         "file = open(sys.argv[1], 'wb', buffering=0)\n"
         "file.write(b'half')\n"
         "print('written', flush=True)\n"
         "time.sleep(600)\n", path],
        stdout=subprocess.PIPE,
    )
    writer.stdout.readline()
    writer.kill()
    writer.wait()
    writer.stdout.close()
    until(lambda: os.path.exists(path + ".error"), "the daemon says what it did not do")
    contains(read(path + ".error"), "signal 9")
    equal(uploaded(simulator), [])


def memory_kb(mount):
    with open(f"/proc/{mount.process.pid}/status", encoding="ascii") as file:
        return int([line for line in file if line.startswith("VmRSS")][0].split()[1])


def case_a_big_file(bench):
    simulator = bench.simulator()
    # A sanitizer would keep all that was freed.
    options = [os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=4"]
    bench.env["ASAN_OPTIONS"] = ":".join(filter(None, options))
    mount = bench.mount(simulator)
    before = memory_kb(mount)
    big = bench.path("film.mp4")
    with open(big, "wb") as file:
        file.truncate(BIG)
    run(["cp", "--sparse=never", big, mount.path("uploads/film.mp4")])
    url_of(mount.path("uploads/film.mp4"))
    equal([line["bytes"] for line in uploaded(simulator)], [BIG])
    grown = memory_kb(mount) - before
    assert grown < (BIG >> 10) // 3, f"{grown} KiB more"


def case_killed_amid_an_upload(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    simulator.fault("slow", path=STREAM, ms=600000, count=1)
    write(mount.path("uploads/a.png"), "bytes")
    until(lambda: simulator.counts()["by_path"].get(STREAM), "the file is at the service")
    mount.process.send_signal(signal.SIGKILL)
    mount.process.wait()
    mount.abandon()
    mount = bench.mount(simulator)
    equal(fetch(url_of(mount.path("uploads/a.png"))), b"bytes")


if __name__ == "__main__":
    main()
