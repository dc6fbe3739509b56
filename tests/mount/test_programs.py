"""Programs that only read files, on results and what lies beside them: players, converters,
typesetting, a database, a web server, and all the ways to get at a file's bytes."""

import contextlib
import errno
import hashlib
import http.client
import mmap
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading

from mount import *

BIG = 6 << 20
FOLDER = "models/z-image"
FILM = "models/kling/v2-1-master-text-to-video/film"
SONG = "models/dedicated/suno/generate/song"
# Debian's own, for which python3-pil is.
PYTHON = "/usr/bin/python3"
WAVE = "import sys, wave; w = wave.open(sys.argv[1]); print(w.getnframes(), len(w.readframes(9999999)))"
PIL = "import sys; from PIL import Image; i = Image.open(sys.argv[1]); i.load(); print(i.size, i.format)"
PAGE = r"""\documentclass{article}
\usepackage{graphicx}
\pagestyle{empty}
\begin{document}
\includegraphics[width=3cm]{kite.png}
\end{document}
"""


def fill(bench, mount):
    for path in (f"{FOLDER}/kite", FILM, SONG):
        write(mount.path(f"{path}.txt"), "A red kite over the sea.")
    for path in (f"{FOLDER}/kite", FILM, SONG):
        contains(wait_done(mount.path(f"{path}.txt")), "done")
    run(["ffmpeg", "-v", "error", "-i", mount.path(f"{SONG}-1.mp3"), bench.path("song.wav")])
    with contextlib.closing(sqlite3.connect(bench.path("names.db"))) as database:
        database.execute("CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT)")
        database.executemany("INSERT INTO name (text) VALUES (?)",
                             [(f"name {number}",) for number in range(5000)])
        database.commit()
    for name in ("song.wav", "names.db"):
        run(["cp", bench.path(name), mount.path("uploads")])
        os.chmod(mount.path("uploads", name), 0o444)
    write(bench.path("page.tex"), PAGE)


def world(bench):
    common = bench.common.open()
    if not common.filled:
        fill(common.bench, common.mount)
        common.filled = True
    return common


# Name, a line of bash in the mount's root (HOME is the bench's own directory), words in its output.
LINES = [
    ("ffprobe", f"ffprobe -v error -show_entries format=duration -of csv=p=0 {FILM}.mp4 && "
     f"ffprobe -v error -show_entries stream=codec_name {SONG}-1.mp3", ["codec_name=mp3"]),
    ("ffmpeg", f"ffmpeg -v error -i {FILM}.mp4 -f null - && ffmpeg -v error -i {SONG}-1.mp3 -f null -",
     []),
    ("ffmpeg_seek", f"ffmpeg -v error -ss 0.5 -i {FILM}.mp4 -frames:v 1 -y $HOME/frame.png "
     "&& file $HOME/frame.png", ["PNG image data"]),
    ("identify", f"identify {FOLDER}/kite.png", ["PNG 512x512"]),
    ("convert", f"/usr/bin/convert {FOLDER}/kite.png -resize 50% $HOME/half.jpg && file $HOME/half.jpg",
     ["JPEG image data", "256x256"]),
    ("mpv", f"mpv --no-config --vo=null --ao=null --untimed --no-audio {FILM}.mp4 "
     f"&& mpv --no-config --ao=null --untimed --end=1 {SONG}-1.mp3", ["Exiting... (End of file)"]),
    ("wave", f"{PYTHON} -c '{WAVE}' uploads/song.wav", []),
    ("pil", f"{PYTHON} -c '{PIL}' {FOLDER}/kite.png", ["(512, 512) PNG"]),
    ("sqlite3", "sqlite3 -readonly uploads/names.db "
     "\"SELECT count(*), max(text) FROM name; PRAGMA integrity_check;\"", ["5000|name 999", "ok"]),
    ("sqlite3_immutable", "sqlite3 'file:uploads/names.db?immutable=1' 'SELECT count(*) FROM name'",
     ["5000"]),
    ("sqlite3_backup", "sqlite3 -readonly uploads/names.db \".backup $HOME/backup.db\" && "
     "sqlite3 $HOME/backup.db 'SELECT count(*) FROM name'", ["5000"]),
    ("pdflatex", f"cd {FOLDER} && pdflatex -interaction=batchmode -output-directory $HOME "
     "$PAGE && file $HOME/page.pdf && grep -c /Image $HOME/page.pdf", ["PDF document"]),
    ("dd_direct", f"dd if={FILM}.mp4 iflag=direct bs=64k status=none | cmp - {FILM}.mp4 && "
     "dd if=tasks/all/1/log iflag=direct bs=4k status=none", ["committed"]),
    ("head_tail", f"{{ head -c 1000 {FILM}.mp4; tail -c +1001 {FILM}.mp4; }} | cmp - {FILM}.mp4", []),
    ("cp_sparse", f"cp --sparse=always {FOLDER}/kite.png $HOME/k && cmp {FOLDER}/kite.png $HOME/k", []),
    ("gzip", f"gzip -c {SONG}-1.mp3 | gzip -dc | cmp - {SONG}-1.mp3", []),
]


def program(line, words):
    def case(bench):
        common = world(bench)
        sent, before = common.simulator.sent(), names(common.mount.path(FOLDER))
        ended = run(line, cwd=common.mount.point,
                    env={"HOME": bench.home, "PAGE": common.bench.path("page.tex")})
        contains(ended.out + ended.err, *words)
        equal(common.simulator.sent(), sent, "requests")
        equal(names(common.mount.path(FOLDER)), before)

    return case


# ---- a file that is larger than what is read ahead ----

def big(bench):
    """A mount with a film of BIG bytes; its path and bytes."""
    mount = bench.mount(bench.simulator("--result-bytes", str(BIG)))
    path = write(mount.path(f"{FILM}.txt"), "A red kite.")
    contains(wait_done(path), "done")
    path = path[:-3] + "mp4"
    data = read_bytes(path)
    equal(len(data), BIG)
    return mount, path, data


def case_every_way_to_the_bytes(bench):
    mount, path, data = big(bench)
    copy = bench.path("copy")
    with open(path, "rb") as file:
        for flags in (mmap.MAP_SHARED, mmap.MAP_PRIVATE):
            with mmap.mmap(file.fileno(), 0, flags, mmap.PROT_READ) as view:
                equal(hashlib.md5(view).digest(), hashlib.md5(data).digest())
        with open(copy, "wb") as out:
            equal(os.sendfile(out.fileno(), file.fileno(), 4096, 100000), 100000)
        equal(read_bytes(copy), data[4096:104096])
        # Between filesystems the kernel says no, as everywhere; inside the mount it works.
        with open(copy, "wb") as out:
            try:
                os.copy_file_range(file.fileno(), out.fileno(), 1000, 0)
            except OSError as error:
                equal(errno.errorcode[error.errno], "EXDEV")
        with open(mount.path(FOLDER, ".copy"), "wb") as out:
            done = 0
            while done < BIG:
                done += os.copy_file_range(file.fileno(), out.fileno(), BIG - done, done, done)
        equal(read_bytes(mount.path(FOLDER, ".copy")), data)
        equal(os.lseek(file.fileno(), -10, os.SEEK_END), BIG - 10)
        equal(os.read(file.fileno(), 100), data[-10:])
        equal(os.pread(file.fileno(), 100, BIG), b"")
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        equal(os.preadv(file.fileno(), [part := bytearray(100)], 5000), 100)
        equal(bytes(part), data[5000:5100])
    shutil.copyfile(path, copy)
    equal(read_bytes(copy), data)
    # A text that is made when it is opened can be had in the same ways.
    log = mount.path("tasks/all/1/log")
    with open(log, "rb") as file, open(copy, "wb") as out:
        size = os.fstat(file.fileno()).st_size
        with mmap.mmap(file.fileno(), size, mmap.MAP_PRIVATE, mmap.PROT_READ) as view:
            equal(view[:], read_bytes(log))
        equal(os.sendfile(out.fileno(), file.fileno(), 0, size), size)
    equal(read_bytes(copy), read_bytes(log))


def case_many_readers_that_seek(bench):
    """Threads with a descriptor of their own and threads that share one, each at random places."""
    _, path, data = big(bench)
    wrong = []

    def read_at_random(seed, shared):
        chance = random.Random(seed)
        fd = shared if shared is not None else os.open(path, os.O_RDONLY)
        for _ in range(150):
            at, size = chance.randrange(BIG), chance.choice((1, 100, 4096, 70000))
            if os.pread(fd, size, at) != data[at : at + size]:
                wrong.append((seed, at, size))
        if shared is None:
            os.close(fd)

    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        threads = [
            threading.Thread(target=read_at_random,
                             args=(seed, file.fileno() if seed % 2 else None))
            for seed in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    equal(wrong, [])


NGINX = """
daemon off;
master_process off;
pid {home}/nginx.pid;
error_log {home}/nginx.log;
events {{ }}
http {{
    access_log off;
    sendfile on;
    types {{ video/mp4 mp4; text/plain log; }}
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    server {{
        listen unix:{home}/nginx.socket;
        root {root};
        autoindex on;
    }}
}}
"""


class Web(http.client.HTTPConnection):
    """To a server at a socket in the file system: no port to be found or taken."""

    def __init__(self, path):
        super().__init__("localhost", timeout=DEADLINE_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE_S)
        self.sock.connect(self.path)

    def get(self, path, **headers):
        self.request("GET", path, headers=headers)
        answer = self.getresponse()
        return answer.status, answer.read()


def case_nginx(bench):
    mount, path, data = big(bench)
    file = bench.file("nginx.conf", NGINX.format(home=bench.home, root=mount.point))
    with subprocess.Popen(["/usr/sbin/nginx", "-p", bench.home, "-c", file,
                           "-e", bench.path("nginx.log")]) as server:
        try:
            until(lambda: os.path.exists(bench.path("nginx.pid")) or server.poll() is not None,
                  "nginx listens")
            equal(server.poll(), None, "nginx")
            web = Web(bench.path("nginx.socket"))
            place = "/" + os.path.relpath(path, mount.point)
            equal(web.get(place), (200, data))
            equal(web.get(place, Range="bytes=5000-70000"), (206, data[5000:70001]))
            equal(web.get(place, Range="bytes=-100"), (206, data[-100:]))
            equal(web.get(place, Range=f"bytes={BIG}-")[0], 416)
            equal(web.get("/tasks/all/1/log"), (200, read_bytes(mount.path("tasks/all/1/log"))))
            contains(web.get("/models/z-image/")[1].decode(), "example.json")
            equal(web.get("/models/z-image/nothing.png")[0], 404)
            web.close()
        finally:
            server.send_signal(signal.SIGQUIT)
            equal(end(server), 0, "nginx at its end")


if __name__ == "__main__":
    main([(name, program(line, words)) for name, line, words in LINES])
