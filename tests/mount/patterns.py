"""Tables of what programs do when they write a request: one that is taken, and one that is not.

Each pattern runs in a folder of its own below models/z-image. The good request becomes one task
and reads back as it was. The bad one sends nothing, and the program hears of it, or .error tells.
After either nothing is in the folder but what the table says.
"""

import dataclasses
import fnmatch
import functools
import http.server
import json
import threading

from mount import *

GOOD = '{"prompt": "A red kite over a hill.", "aspect_ratio": "16:9"}\n'
BAD = '{"prompt": "A red kite over a hill.", "aspect_ratio": "9:99"}\n'
PROMPT = "A red kite over a hill.\n"
LONG = "kite " * 300 + "\n"
EINVAL = "Invalid argument"
WRONG_JSON = ["aspect_ratio", "9:99", "16:9"]
WRONG_PROMPT = ["prompt", "1000"]


@dataclasses.dataclass
class Pattern:
    """`command` is a line of bash in which SRC is a file outside the mount, URL its address and
    DST the request's name, which ends in EXT; or a function of (bench, folder, source, target)
    that returns what run() does."""

    name: str
    command: object
    # Of the bad JSON and the bad prompt: exit status and words. None: not for such requests.
    json: tuple = (1, EINVAL)
    prompt: tuple = (1, EINVAL)
    stem: str = "r"
    over: bool = False  # the name holds a request of the other sort before
    said: str = ""  # words about the good one; without, there must be none at all
    beside: tuple = ()  # names that remain beside the good one
    # After the bad one: what the name holds (the "new" text, the "old" one, or "" when there is
    # no such name), the names that remain beside it, and whether .error does.
    holds: str = "new"
    beside_bad: tuple = ()
    told: bool = True


class Answer(http.server.BaseHTTPRequestHandler):
    """Whatever is asked for, the answer is the server's `source`."""

    def do_GET(self):
        text = read_bytes(self.server.source)
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *what):
        pass


@functools.cache
def server():
    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    return serving


def address_of(source):
    server().source = source
    return f"http://127.0.0.1:{server().server_port}/source"


def listed(folder, wanted, stem):
    """Whether just these names are there, of which some may be globs, and of a task that was sent
    its status or its result."""
    found = [name for name in names(folder) if name not in (f"{stem}.status", f"{stem}.png")]
    return len(found) == len(wanted) and all(fnmatch.filter(found, name) for name in wanted)


def check_listing(folder, wanted, stem):
    until(lambda: listed(folder, wanted, stem), lambda: f"{wanted} in {names(folder)}")


def execute(pattern, bench, folder, text, target):
    source = bench.file("source", text)
    if callable(pattern.command):
        return pattern.command(bench, folder, source, target)
    line = pattern.command.replace("SRC", source).replace("DST", target)
    line = line.replace("EXT", os.path.splitext(target)[1])
    if "URL" in line:
        line = line.replace("URL", address_of(source))
    return run(line, None, cwd=folder, env={"TMP": bench.home, "HOME": bench.home})


def prepare(pattern, bench, case, target, before):
    """The folder to write in, where the name may hold a request already."""
    common = bench.common.open()
    folder = common.folder(case)
    if pattern.over:
        refused = run(["cp", bench.file("before", before), f"{folder}/{target}"], None).status
        common.settled(0 if refused else 1)
    return common, folder


def check_good(pattern, case, text, before, target):
    def check(bench):
        common, folder = prepare(pattern, bench, case, target, before)
        ended = execute(pattern, bench, folder, text, target)
        common.settled(1)
        equal(ended.status, 0, ended.err + ended.out)
        if pattern.said:
            contains(ended.err + ended.out, pattern.said)
        else:
            equal(ended.err + ended.out, "")
        equal(read(f"{folder}/{target}"), text)
        sent = json.loads(read(f"{folder}/{pattern.stem}.task/request.json"))["input"]
        equal(sent["prompt"].strip(), PROMPT.strip())
        check_listing(folder, [target, *pattern.beside], pattern.stem)

    return case, check


def check_bad(pattern, case, text, before, target, end, told):
    def check(bench):
        common, folder = prepare(pattern, bench, case, target, before)
        ended = execute(pattern, bench, folder, text, target)
        common.settled(0)
        equal(ended.status, end[0], ended.err + ended.out)
        contains(ended.err + ended.out, end[1])
        error = f"{pattern.stem}.error"
        remain = [*([target] if pattern.holds else []), *pattern.beside_bad]
        check_listing(folder, remain + ([error] if pattern.told else []), pattern.stem)
        reason = f"{folder}/{error}" if pattern.told else common.mount.path(".kiefs/errors")
        contains(read(reason), *told)
        if pattern.holds:
            kept = text if pattern.holds == "new" else before
            equal(read(f"{folder}/{target}").strip(), kept.strip())

    return case, check


def cases(patterns):
    for pattern in patterns:
        if pattern.json:
            target, name = f"{pattern.stem}.json", f"{pattern.name}_json"
            yield check_good(pattern, name, GOOD, BAD, target)
            yield check_bad(pattern, f"{name}_bad", BAD, GOOD, target, pattern.json, WRONG_JSON)
        if pattern.prompt:
            target, name = f"{pattern.stem}.txt", f"{pattern.name}_prompt"
            yield check_good(pattern, name, PROMPT, LONG, target)
            yield check_bad(
                pattern, f"{name}_bad", LONG, PROMPT, target, pattern.prompt, WRONG_PROMPT
            )


@dataclasses.dataclass
class Batch:
    """Of a folder of three prompts, $TMP/d, `command` makes the folder d here. Three tasks; with a
    bad second prompt `sent` of them, and this exit status and words. `sent` None: it depends on
    the order in which the program finds them."""

    name: str
    command: str
    status: int = 1
    words: str = EINVAL
    sent: int = 2
    holds: bool = True  # the bad one is there with its bytes


def check_batch(batch, case, second, sent):
    bad = sent < 3

    def check(bench):
        common = bench.common.open()
        folder = common.folder(case)
        texts = {"a.txt": "A kite.\n", "b.txt": second, "c.txt": "Another kite.\n"}
        bench.folder("d")
        for name, text in texts.items():
            bench.file(f"d/{name}", text)
        ended = run(batch.command, None, folder, {"TMP": bench.home, "HOME": bench.home})
        common.settled(sent)
        equal(ended.status, batch.status if bad else 0, ended.err)
        contains(ended.err, batch.words if bad else "")
        equal(names(folder), ["d"])
        made = "abc" if sent != 1 else "ab"
        wanted = [f"{stem}.txt" for stem in made if stem != "b" or not bad or batch.holds]
        wanted += ["b.error"] if bad else []
        results = {f"{stem}.{end}" for stem in "abc" for end in ("status", "png")}
        until(lambda: sorted(set(names(f"{folder}/d")) - results) == sorted(wanted),
              lambda: f"{wanted} in {names(folder + '/d')}")
        for name in wanted:
            equal(read(f"{folder}/d/{name}"), texts.get(name, read(f"{folder}/d/{name}")))

    return case, check


def batch_cases(batches):
    for batch in batches:
        yield check_batch(batch, f"{batch.name}_folder", "A second kite.\n", 3)
        if batch.sent is not None:
            yield check_batch(batch, f"{batch.name}_folder_bad", LONG, batch.sent)
