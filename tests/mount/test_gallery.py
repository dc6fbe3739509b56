"""gallery.html in a headless Chromium, from file:// on the mount.

What a page has asked for, and what it complained of, is looked at after every case: it asks for
nothing outside the mount.
"""

import contextlib
import functools
import http.server
import os
import sqlite3
import stat
import struct
import threading
import time
import urllib.parse
import zlib

from browser import Browser
from mount import *

MODEL = "models/z-image"
SHOWN = "[...document.querySelectorAll('.card .prompt')].map((e) => e.textContent)"
MANY = 10000


@functools.cache
def window():
    """The browser of all cases: it takes longer to start than a case."""
    return Browser()


@contextlib.contextmanager
def page(mount, url=None):
    """The browser, showing the gallery of the mount."""
    browser = window()
    browser.look(1280, 900)
    browser.open(url or mount.path("gallery.html"))
    try:
        yield browser
        within = url.rsplit("/", 1)[0] if url else f"file://{urllib.parse.quote(mount.point)}"
        for address in browser.requests():
            assert address.startswith((f"{within}/", "data:")), address
        equal(browser.complaints(), [])
    finally:
        browser.leave()


def ask(mount, model, name, text):
    """Writes a request and waits for its end."""
    path = write(mount.path("models", model, name), text)
    with contextlib.suppress(OSError):
        wait_done(path)
    return path


def card(words):
    """The card whose prompt begins so."""
    return f"[...document.querySelectorAll('.card')].find((e) => e.textContent.includes({words!r}))"


def choose(browser, **fields):
    """Fills in the filter as somebody does."""
    for name, value in fields.items():
        browser.run("(filter[arguments[0]].value = arguments[1], filter[arguments[0]]"
                    ".dispatchEvent(new Event('input', {bubbles: true})))", name, value)  # fmt: skip


def data(mount, name):
    """What a script of the gallery tells."""
    text = read(mount.path(".kiefs/gallery", f"{name}.js"))
    return json.loads(re.sub(r"^gallery\.\w+\((\d+,)?|\);\s*$", "", text))


def case_nothing_yet(bench):
    mount = bench.mount()
    with page(mount) as browser:
        browser.until("!at('empty').hidden")
        command = browser.run("at('example').textContent")
        model = re.search(r"> (models/\S+)/kite\.txt", command)[1]
        assert os.path.isdir(mount.path(model)), command
        equal(browser.run("at('filter').hidden && at('spend').hidden && at('now').hidden"), True)


def case_files_are_true_and_cost_nothing(bench):
    mount = bench.common.open().mount
    ask(mount, "z-image", "size.txt", "A kite of a certain size.")
    path = mount.path("gallery.html")
    equal(os.stat(path).st_size, len(read_bytes(path)))
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o444)
    for name in ("now.js", "spend.js", "1.js"):
        script = mount.path(".kiefs/gallery", name)
        equal(os.stat(script).st_size, len(read_bytes(script)), name)
        contains(run(f"echo x > {name}", status=1, cwd=mount.path(".kiefs/gallery")).err,
                 denied("Read-only file system"))
    equal(names(mount.path(".kiefs/gallery")), [])
    for name in ("0.js", "01.js", "-1.js", "9999999.js", "9" * 40 + ".js", "1", "1.json", "now", "x.js"):
        assert not os.path.exists(mount.path(".kiefs/gallery", name)), name
    contains(run("touch x.js", status=1, cwd=mount.path(".kiefs/gallery")).err,
             denied("Operation not permitted"))
    # What it says was spent is what the table says.
    spent = [line.split(",") for line in read(mount.path("account/spend.csv")).splitlines()[1:]]
    told = data(mount, "spend")
    equal(sum(day[1] for day in told["days"]), sum(int(line[-4]) for line in spent))
    equal(round(sum(day[2] for day in told["days"]), 6), round(sum(float(line[-3]) for line in spent), 6))
    equal(told["models"], sorted({line[1] for line in spent}))


def case_names_follow_the_files(bench):
    mount = bench.mount(bench.simulator())
    path = ask(mount, "z-image", "fox.txt", "A fox.")

    def task():
        return data(mount, 1)[0]

    equal((task()["request"], task()["results"][0]["named"], task()["results"][0]["file"]),
          (f"{MODEL}/fox.txt", f"{MODEL}/fox.png", "tasks/all/1/result.png"))
    equal((task()["prompt"], task()["price"], task()["credits"], data(mount, "now")["ended_count"]),
          ("A fox.", 0.8, 0.8, 1))
    os.mkdir(mount.path(MODEL, "a b"))
    os.rename(mount.path(MODEL, "fox.png"), mount.path(MODEL, "a b/50 %.png"))
    equal((task()["results"][0]["named"], task()["results"][0]["name"]),
          (f"{MODEL}/a%20b/50%20%25.png", "50 %.png"))
    os.remove(path)
    assert "request" not in task(), task()
    os.remove(mount.path(MODEL, "a b/50 %.png"))
    equal(task()["results"], [])


def case_kinds_of_results(bench):
    mount = bench.common.open().mount
    chat = os.path.realpath(mount.path("by-category/chat", names(mount.path("by-category/chat"))[0]))
    ask(mount, "z-image", "kinds.txt", "A kite as a picture.")
    ask(mount, "dedicated/veo/generate", "kinds.txt", "A kite as a film.")
    ask(mount, "dedicated/suno/generate", "kinds.txt", "A kite as a song.")
    ask(mount, os.path.relpath(chat, mount.path("models")), "kinds.txt", "A kite in words.")
    ask(mount, "z-image", "kinds-failed.txt", "A kite that cannot be. sim:fail")
    with page(mount) as browser:
        browser.until(f"{SHOWN}.filter((text) => text.startsWith('A kite')).length >= 5")
        shown = [text for text in browser.run(SHOWN) if text.startswith("A kite ")]
        equal(shown[:5], ["A kite that cannot be. sim:fail", "A kite in words.", "A kite as a song.",
                          "A kite as a film.", "A kite as a picture."])
        browser.until(f"{card('as a picture')}.querySelector('img').naturalWidth > 0")
        browser.until(f"{card('as a film')}.querySelector('video').videoWidth > 0")
        browser.until(f"{card('as a film')}.querySelector('video').readyState >= 2", "a frame is there")
        browser.until(f"{card('as a song')}.querySelectorAll('audio').length === 2")
        browser.until(f"{card('as a song')}.querySelector('audio').duration > 0")
        browser.until(f"{card('as a song')}.querySelector('img').naturalWidth > 0")
        contains(browser.run(f"{card('in words')}.querySelector('.excerpt').textContent"), "A kite in words.")
        contains(browser.run(f"{card('cannot be')}.textContent"), "failed")
        contains(browser.run(f"{card('as a picture')}.textContent"), "z-image", "0.8 credits")
        contains(browser.run(f"{card('as a film')}.textContent"), "dedicated/veo/generate")
        today = time.strftime("%-d %b", time.gmtime())
        titles = browser.run("[...document.querySelectorAll('#chart title')].map((e) => e.textContent)")
        contains(titles[-1], today.split()[0], "credits in", "of unknown price")
        choose(browser, kind="video")
        browser.until(f"{SHOWN}.length === 1")
        equal(browser.run(SHOWN), ["A kite as a film."])
        choose(browser, kind="failed")
        browser.until(f"{SHOWN}[0] === 'A kite that cannot be. sim:fail'")
        choose(browser, kind="", model="dedicated/suno/generate")
        browser.until(f"{SHOWN}.join() === 'A kite as a song.'")
        choose(browser, model="", words="KITE  words")
        browser.until(f"{SHOWN}.join() === 'A kite in words.'")
        choose(browser, words="no such thing")
        browser.until("at('end').textContent === 'Nothing fits.'")


def case_under_way_and_then_there(bench):
    mount = bench.common.open().mount
    write(mount.path(MODEL, "late.txt"), "A late kite. sim:late=3000")
    path = write(mount.path(MODEL, "stuck.txt"), "A stuck kite. sim:stuck")
    until(lambda: os.path.exists(mount.path(MODEL, "stuck.status")), "it is under way")
    with page(mount) as browser:
        under_way = "[...document.querySelectorAll('#running .prompt')].map((e) => e.textContent)"
        browser.until(f"{under_way}.includes('A stuck kite. sim:stuck')")
        browser.until(f"{SHOWN}.includes('A late kite. sim:late=3000')")
        browser.until(f"!{under_way}.includes('A late kite. sim:late=3000')")
        browser.until(f"{card('A late kite')}.querySelector('img').naturalWidth > 0")
        contains(browser.run("at('running').textContent"), "generating")
        contains(browser.run("at('summary').textContent"), "1 under way")
        # One that is written now comes by itself, before all that are there.
        ask(mount, "z-image", "next.txt", "The next kite.")
        browser.until(f"{SHOWN}[0] === 'The next kite.'")
    os.remove(path)


HOSTILE = (
    "</script><script>window.hit = 1</script><img src=x onerror=\"hit = 2\">"
    "'\"`${hit = 3}\\\u2028\u2029"
)
HOSTILE_NAMES = [b"a b#c?d%41&'\"`<b>.txt", b"line\nbreak.txt", b"no utf-8 \xff.txt", b"javascript:hit=4.txt"]


def case_nothing_becomes_markup(bench):
    mount = bench.common.open().mount
    chat = names(mount.path("by-category/chat"))[0].replace("+", "/")
    ask(mount, chat, "hostile.txt", HOSTILE)
    ask(mount, "z-image", "hostile-failed.txt", f"{HOSTILE} sim:fail")
    folder = os.fsencode(mount.path(MODEL))
    for number, name in enumerate(HOSTILE_NAMES):
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"Hostile {number} {HOSTILE}")
        until(lambda path=path: os.path.exists(path[:-4] + b".png"), name)
    with page(mount) as browser:
        hostile = f"{SHOWN}.filter((text) => text.includes('onerror')).length"
        browser.until(f"{hostile} >= {len(HOSTILE_NAMES) + 2}")
        contains("".join(browser.run(SHOWN)), HOSTILE)
        for number, name in enumerate(HOSTILE_NAMES):
            browser.until(f"{card(f'Hostile {number}')}.querySelector('img').naturalWidth > 0")
            address = browser.run(f"{card(f'Hostile {number}')}.querySelector('.thumb').href")
            path = urllib.parse.unquote_to_bytes(address.removeprefix("file://"))
            equal(path, os.path.join(folder, name[:-4] + b".png"))
            assert os.path.exists(path), path
            browser.run(f"{card(f'Hostile {number}')}.querySelector('.thumb').click()")
            browser.until("at('view').open && at('stage').querySelector('img')?.naturalWidth > 0")
            link = browser.run("at('facts').querySelector('a[target]').href")
            assert os.path.exists(urllib.parse.unquote_to_bytes(link.removeprefix("file://"))), link
            browser.run("at('view').close()")
        equal(browser.run("typeof hit"), "undefined")
        equal(browser.run("document.querySelectorAll('[onerror]').length + document.scripts.length"), 1)


def case_policy_lets_nothing_out(bench):
    common = bench.common.open()
    with page(common.mount) as browser:
        browser.until("at('summary').textContent !== ''")
        browser.run("(window.refused = [], addEventListener('securitypolicyviolation', (event) => "
                    "refused.push(event.effectiveDirective)))")
        for name in ("img", "script", "video", "iframe"):
            browser.run("document.body.append(make(arguments[0], {src: arguments[1]}))", name,
                        f"{common.simulator.url}/out-{name}")
        browser.run("document.body.append(make('script', {}, 'window.hit = 1'))")
        browser.until("refused.length >= 5")
        equal(browser.run("typeof hit"), "undefined")
        assert not any("/out-" in path for path in common.simulator.counts()["by_path"])
        browser.leave()


def case_by_keyboard(bench):
    mount = bench.common.open().mount
    for number in (1, 2):
        ask(mount, "z-image", f"keys-{number}.txt", f"Kite {number} for the keyboard.")
    with page(mount) as browser:
        browser.until(f"{SHOWN}[0] === 'Kite 2 for the keyboard.'")
        browser.run("at('filter').elements.kind.focus()")
        until(lambda: browser.press("Tab") or browser.run("document.activeElement.matches('.thumb')"),
              "the keyboard comes to a card")
        browser.press("Enter")
        browser.until("at('view').open && at('facts').textContent.includes('Kite 2')")
        equal(browser.run("at('newer').disabled"), True)
        browser.press("ArrowRight")
        browser.until("at('facts').textContent.includes('Kite 1')")
        browser.press("ArrowLeft")
        browser.until("at('facts').textContent.includes('Kite 2')")
        browser.press("Escape")
        browser.until("!at('view').open && document.activeElement.matches('.thumb')")


def case_served_by_a_web_server(bench):
    mount = bench.common.open().mount
    ask(mount, "z-image", "served #1.txt", "A served kite.")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=mount.point)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/gallery.html"
            with page(mount, url) as browser:
                browser.until(f"{card('A served kite')}?.querySelector('img').naturalWidth > 0")
        finally:
            server.shutdown()
            thread.join()


def case_narrow_and_dark(bench):
    mount = bench.common.open().mount
    ask(mount, "z-image", "narrow.txt", "A narrow kite." + "w" * 200)
    with page(mount) as browser:
        colours = []
        for width, dark in ((390, False), (390, True), (1440, False), (320, True)):
            browser.look(width, 800, dark)
            browser.until(f"{SHOWN}.length > 0")
            browser.until(f"document.documentElement.scrollWidth <= {width}", f"it fits {width} points")
            colours.append(browser.run("getComputedStyle(document.documentElement).backgroundColor"))
        equal(len(set(colours)), 2, colours)


def png(width, height):
    """A grey picture."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = (b"\0" + b"\x90" * width) * height
    return (PNG + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))  # fmt: skip


def add_results(bench, count):
    """Rows and files as the daemon would have made them, over some weeks."""
    now = int(time.time() * 1000)
    words = ", a kite over a hill" * 8
    picture = bench.path("picture.png")
    with open(picture, "wb") as file:
        file.write(png(640, 480))
    size = os.path.getsize(picture)
    index = sqlite3.connect(bench.path("state/index.sqlite"))
    with index:
        index.executemany(
            "INSERT INTO task (id, state, model, dir, name, attached, source_sha, due_ms, created_ms,"
            " submitted_ms, ended_ms, estimate, credits, body) VALUES (?1, 'done', ?2, 1, ?3, 0, '', ?4,"
            " ?4, ?4, ?4 + 9000, 0.8, 0.8, ?5)",
            ((n, f"acme/model-{n % 7}", f"r{n}.txt", now - (count - n) * 300000,
              json.dumps({"input": {"prompt": f"Picture number {n}{words}{', needle' * (n == 1)}"}}))
             for n in range(1, count + 1)),
        )  # fmt: skip
        index.executemany(
            "INSERT INTO result (task, idx, kind, value, whole, due_ms, extension, mime, size)"
            " VALUES (?, 1, 1, 'https://x.example/a.png', 1, 0, 'png', 'image/png', ?)",
            ((n, size) for n in range(1, count + 1)),
        )
        index.executemany(
            "INSERT INTO charge (task, day, model, estimate, credits) VALUES (?, ?, ?, 0.8, 0.8)",
            ((n, (now - (count - n) * 300000) // 86400000, f"acme/model-{n % 7}")
             for n in range(1, count + 1)),  # fmt: skip
        )
    index.close()
    for n in range(1, count + 1):
        folder = bench.path("store/results", str(n // 1000))
        os.makedirs(folder, exist_ok=True)
        os.link(picture, f"{folder}/{n}-1")


def memory(mount):
    return int(re.search(r"VmRSS:\s+(\d+)", read(f"/proc/{mount.process.pid}/status"))[1])


def figure(what, began):
    print(f"# {what}: {(time.monotonic() - began) * 1000:.0f} ms")


def case_ten_thousand_results(bench):
    bench.mount().unmount()
    add_results(bench, MANY)
    mount = bench.mount()
    before = memory(mount)
    began = time.monotonic()
    run(["ls", "-lR", mount.path(".kiefs"), mount.path("gallery.html")])
    figure("ls -lR of the gallery's files", began)
    began = time.monotonic()
    with page(mount) as browser:
        browser.until("document.images.length > 0 && document.images[0].naturalWidth > 0")
        figure("page and first thumbnail", began)
        print(f"# first thumbnails after {browser.run('Math.round(performance.now())')} ms of the page")
        contains(browser.run(SHOWN)[0], f"Picture number {MANY},")
        contains(browser.run("at('summary').textContent"), "10,000 tasks")
        loaded = [address for address in browser.requests() if "/.kiefs/gallery/" in address]
        assert len(loaded) <= 4, loaded
        # Further down there is more.
        browser.until("(scrollTo(0, document.body.scrollHeight), cards.size > 300)", "300 cards")
        # The oldest of all is found, and the search is taken back.
        began = time.monotonic()
        choose(browser, words="NEEDLE picture")
        browser.until(f"{SHOWN}.length === 1 && at('end').textContent === ''")
        figure(f"search through {MANY}", began)
        choose(browser, words="", model="acme/model-3")
        browser.until(f"{SHOWN}.length > 20 && {SHOWN}.every((text) => Number(text.match(/\\d+/)) % 7 === 3)")
    print(f"# memory of the daemon: {before} KiB before, {memory(mount)} KiB after")


if __name__ == "__main__":
    try:
        main()
    finally:
        if window.cache_info().currsize:
            window().finish()
