"""Models that answer in text: files that grow, pictures, and conversations."""

import errno
import hashlib
import json
import os
import signal
import subprocess

from mount import *

MODEL = "models/claude/claude-sonnet-4-5"


FORMS = ["gemini-2.5-flash", "gpt-5-2", "claude-opus-4-5", "claude/claude-haiku-4-5",
         "anthropic/claude-sonnet-5", "codex/gpt-5-4", "responses/gpt-5.1-codex",
         "grok/grok-4-3", "gemini/gemini-3-flash"]


def ask(mount, name, text, model=MODEL):
    return write(mount.path(model, name), text)[: -len(".txt")]


def put(path, number=0):
    """A file that passes for a picture; returns how the simulator tells that it has seen it."""
    data = PNG + b"\0\0\0\rIHDR" + bytes(32) + str(number).encode()
    with open(path, "wb") as file:
        file.write(data)
    return f'image/png, {len(data)} bytes, "{hashlib.sha256(data).hexdigest()}"'


def size_of(path):
    """0 while it is not there."""
    return os.path.getsize(path) if os.path.exists(path) else 0


def fails(number, action):
    try:
        action()
    except OSError as error:
        equal(errno.errorcode[error.errno], errno.errorcode[number])
        return
    raise AssertionError(f"no {errno.errorcode[number]}")


def case_every_form(bench):
    """One model of each service, streamed and in one piece."""
    mount = bench.mount(bench.simulator())
    for model in FORMS:
        path = ask(mount, "a.txt", "Hello there.", f"models/{model}")
        contains(read(f"{path}.wait"), "done")
        equal(read(f"{path}.md"), "I have read 1 turn:\n1 user: Hello there.\n", model)
        body = json.loads(read(mount.path("models", model, "example.json")))
        path = write(mount.path("models", model, "b.json"), json.dumps({**body, "stream": False}))
        contains(wait_done(path), "done")
        contains(read(path[:-5] + ".md"), "I have read 1 turn:\n1 user: Name three rivers")
    for task in tasks(mount):
        assert meta(mount, task)["credits"] > 0


def case_grows(bench):
    """The file is there with the first bytes, `tail -f` follows it, an editor may open it."""
    mount = bench.mount(bench.simulator())
    path = ask(mount, "long.txt", "Tell me more. sim:big=20k sim:throttle=200k",
               "models/gpt-5-2")
    until(lambda: os.path.exists(f"{path}.md"), "the answer begins")
    first = os.path.getsize(f"{path}.md")
    tail = subprocess.Popen(["tail", "-c", "+1", "-f", "-s", "0.05", f"{path}.md"],
                            stdout=subprocess.PIPE)
    contains(read(f"{path}.status"), "generating", "B\n")
    assert len(read(f"{path}.md")) >= first
    until(lambda: os.path.getsize(f"{path}.md") > first, "it grows")
    contains(read(f"{path}.wait"), "done")
    whole = read_bytes(f"{path}.md")
    assert len(whole) >= 20480
    equal(os.path.getsize(f"{path}.md"), len(whole))
    seen = b""
    while len(seen) < len(whole):
        seen += os.read(tail.stdout.fileno(), 65536)
    end(tail)
    equal(seen, whole)
    assert not os.path.exists(f"{path}.status") and not os.path.exists(f"{path}.error")


def case_copied_answers_are_not_sent(bench):
    mount = bench.mount(bench.simulator())
    os.mkdir(mount.path(MODEL, "a"))
    path = ask(mount, "a/hello.txt", "Hello there.")
    contains(read(f"{path}.wait"), "done")
    run(["cp", "-r", mount.path(MODEL, "a"), mount.path(MODEL, "b")])
    contains(wait_done(mount.path(MODEL, "b/hello.txt")), "done")
    equal(len(tasks(mount)), 2, "the prompt again, and nothing else")
    equal(read(mount.path(MODEL, "b/hello.md")), read(f"{path}.md"))
    # Under a name of its own it is what the user wants to say.
    run(["cp", f"{path}.md", mount.path(MODEL, "next.md")])
    until(lambda: len(tasks(mount)) == 3, "a task of the answer")


def case_own_name(bench):
    """The answer never takes the request's name, and is never a request."""
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    folder = mount.path(MODEL)
    write(f"{folder}/hello.md", "Hello.")
    read(f"{folder}/hello.wait")
    equal(read(f"{folder}/hello.md"), "Hello.")
    contains(read(f"{folder}/hello-1.md"), "1 user: Hello.")
    equal(tasks(mount), [1])


def case_broken(bench):
    """A stream that is cut, fails or dies with the daemon keeps what arrived, and says so."""
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    for word, reason in (("cut=1500", "broke off"), ("fail", "upstream model broke off"),
                         ("half", "without the service's word")):
        path = ask(mount, f"{word[:3]}.txt", f"Tell me a lot. sim:big=2k sim:{word}")
        contains(run(["cat", f"{path}.wait"], 1).err, "Input/output error")
        contains(read(f"{path}.md"), "I have read")
        contains(read(f"{path}.error"), reason, "kept", "retry")
    path = ask(mount, "kill.txt", "Tell me a lot. sim:big=1M sim:throttle=50k")
    until(lambda: os.path.exists(f"{path}.md"), "the answer begins")
    sent = simulator.total()
    mount.process.kill()
    mount.process.wait()
    mount.abandon()
    mount = bench.mount(simulator)
    until(lambda: meta(mount, 4)["state"] == "failed", "the task is ended")
    contains(read(f"{path}.error"), "kiefs ended", "kept")
    contains(read(f"{path}.md"), "I have read 1 turn")
    equal(simulator.total(), sent, "nothing was sent again")


def case_refusals(bench):
    """An error instead of an answer, with HTTP 200 or in a stream, is no answer."""
    mount = bench.mount(bench.simulator())
    path = ask(mount, "no.txt", "sim:422")
    run(["cat", f"{path}.wait"], 1)
    contains(read(f"{path}.error"), "refused", "Validation error")
    assert not os.path.exists(f"{path}.md")
    path = ask(mount, "filter.txt", "sim:moderation")
    contains(read(f"{path}.wait"), "done")
    contains(read(f"{path}.error"), "refusal")
    path = write(mount.path(MODEL, "short.json"), json.dumps(
        {"messages": [{"role": "user", "content": "Speak."}], "max_tokens": 3}))
    wait_done(path)
    contains(read(mount.path(MODEL, "short.error")), "max_tokens")


def say(talk, text):
    write(f"{talk}/prompt", text)
    return read(f"{talk}/prompt.wait")


def case_conversation(bench):
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    talk = mount.path(MODEL, "talk")
    os.mkdir(talk)
    say(talk, "One.\n")
    equal(read(f"{talk}/reply"), "I have read 1 turn:\n1 user: One.\n")
    write(f"{talk}/system", "Be kind.\n")
    say(talk, "Two.\n")
    contains(read(f"{talk}/reply"), "3 turns:\n1 user: Be kind.//One.\n2 assistant: I have", "3 user: Two.")
    say(talk, "Two.\n")
    contains(read(f"{talk}/reply"), "I have read 5 turns", "5 user: Two.")
    equal(tasks(mount), [1, 2, 3])
    roles = [turn["role"] for turn in json.loads(read(f"{talk}/messages.json"))["messages"]]
    equal(roles, ["user", "assistant"] * 3)
    contains(read(f"{talk}/history.md"), "## 1\n\nOne.", "## 3\n\nTwo.")
    for name in ("reply", "history.md", "messages.json"):
        equal(os.path.getsize(f"{talk}/{name}"), len(read_bytes(f"{talk}/{name}")), name)
        contains(run(f"echo x > {talk}/{name}", 1).err, denied("Read-only file system"))
    equal(mount.unmount(), 0)
    mount = bench.mount(simulator)
    say(talk, "Four.")
    contains(read(f"{talk}/reply"), "I have read 7 turns", "7 user: Four.")
    run(f": > {talk}/prompt; touch {talk}/prompt; grep -r x {talk} > /dev/null; ls -lR {talk}")
    equal(len(tasks(mount)), 4)
    run(["rm", "-r", talk])


def case_busy(bench):
    """One turn at a time; other conversations go on."""
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    talk, other = mount.path(MODEL, "talk"), mount.path(MODEL, "other")
    os.mkdir(talk)
    os.mkdir(other)
    write(f"{talk}/prompt", "Slowly. sim:big=1M sim:throttle=20k")
    until(lambda: size_of(f"{talk}/reply") > 0, "the answer begins")
    contains(run(f"echo again > {talk}/prompt", 1).err, "Device or resource busy")
    contains(read(f"{talk}/prompt.error"), "not answered yet")
    contains(say(other, "Quickly."), "done")
    json.loads(read(f"{talk}/messages.json"))
    size = os.path.getsize(f"{talk}/history.md")
    until(lambda: os.path.getsize(f"{talk}/history.md") > size, "the history grows")
    mount.process.send_signal(signal.SIGTERM)
    equal(mount.process.wait(DEADLINE_S), 0)
    mount = bench.mount(simulator)
    until(lambda: meta(mount, 1)["state"] == "failed", "the turn is ended")
    contains(read(f"{talk}/prompt.error"), "kiefs ended")
    assert "prompt-1.error" not in names(talk), names(talk)
    say(talk, "Once more.")
    equal(read(f"{talk}/reply"), "I have read 1 turn:\n1 user: Once more.\n")
    contains(read(f"{talk}/history.md"), "not part of the conversation")


def case_pictures(bench):
    """Beside the prompt, by name in JSON of each form, and in the short form of JSON."""
    mount = bench.mount(bench.simulator())
    for number, model in enumerate(FORMS):
        folder = mount.path("models", model)
        seen = put(f"{folder}/cat.png", number)
        path = ask(mount, "cat.txt", "What is this?", f"models/{model}")
        contains(read(f"{path}.wait"), "done")
        equal(read(f"{path}.md"),
              f"I have read 1 turn:\n1 user: What is this?\n   picture: {seen}\n", model)
        path = write(f"{folder}/one.json", json.dumps(
            {"prompt": "And this?", "system": "Be kind.", "images": "cat.png"}))
        contains(wait_done(path), "done")
        contains(read(f"{folder}/one.md"), "Be kind", "And this?", seen)
        # The whole form, as the one with the picture was sent.
        body = json.loads(read(mount.path(f"tasks/all/{len(tasks(mount)) - 1}/request.json")))
        text = json.dumps(body)
        [url] = {word for word in text.split('"') if word.startswith("http")}
        path = write(f"{folder}/form.json", text.replace(url, "cat.png").replace("What", "Who"))
        contains(wait_done(path), "done")
        contains(read(f"{folder}/form.md"), "Who is this?", seen)
    for number in (1, 2, 3):
        equal(meta(mount, number)["inputs"][0]["name"], "cat.png")


def case_wrong_pictures(bench):
    mount = bench.mount(bench.simulator())
    folder = mount.path(MODEL)
    with open(f"{folder}/text.png", "w", encoding="utf-8") as file:
        file.write("no picture\n")
    open(f"{folder}/empty.png", "w", encoding="utf-8").close()
    image = {"type": "image", "source": {"type": "url", "url": None}}
    for name, number, words in (
            ("none.png", errno.ENOENT, ["no file of that name"]),
            ("text.png", errno.EMEDIUMTYPE, ["must be an image"]),
            ("empty.png", errno.ENODATA, ["empty"]),
            ("..", errno.EISDIR, ["folder"]),
            ("/etc/passwd", errno.EXDEV, ["out of the mount"])):
        image["source"]["url"] = name
        turns = [{"role": "user", "content": [{"type": "text", "text": "Look."}, image]}]
        fails(number, lambda: write(f"{folder}/a.json", json.dumps({"messages": turns})))
        contains(read(f"{folder}/a.error"), "messages[0].content[1].source.url", *words)
        fails(number, lambda: write(f"{folder}/b.json", json.dumps(
            {"prompt": "Look.", "images": [name]})))
    for text, words in (
            ({"prompt": 7}, ["prompt is 7", "text"]),
            ({"prompt": " "}, ["prompt is empty"]),
            ({"prompt": "x", "messages": turns}, ["prompt and messages are both given"]),
            ({"prompt": "x", "images": {"a": 1}}, ["images", "list of pictures"]),
            ({"prompt": "x", "images": [""]}, ["images", "list of pictures"])):
        fails(errno.EINVAL, lambda: write(f"{folder}/c.json", json.dumps(text)))
        contains(read(f"{folder}/c.error"), *words)
    fails(errno.EINVAL, lambda: open(f"{folder}/film.mp4", "wb").close())
    equal(tasks(mount), [])


def case_pictures_in_a_conversation(bench):
    """What came since the last turn goes with the next one, and is part of all later ones."""
    simulator = bench.simulator()
    mount = bench.mount(simulator)
    talk = mount.path(MODEL, "talk")
    os.mkdir(talk)
    say(talk, "Hello.")
    cat, dog = put(f"{talk}/cat.png", 1), put(f"{talk}/a dog.jpg", 2)
    say(talk, "What are these?")
    contains(read(f"{talk}/reply"),
             f"3 user: What are these?\n   picture: {cat}\n   picture: {dog}\n")
    contains(read(f"{talk}/history.md"), "![](<cat.png>)", "![](<a dog.jpg>)")
    contains(read(f"{talk}/messages.json"), "cat.png")
    equal(mount.unmount(), 0)
    mount = bench.mount(simulator)
    say(talk, "And now?")
    reply = read(f"{talk}/reply")
    equal(reply.count("picture:"), 2)
    contains(reply, f"What are these?\n   picture: {cat}", "5 user: And now?\n")
    # Other bytes under the name are another picture, and the old one is gone.
    new = put(f"{talk}/cat.png", 3)
    say(talk, "Look again.")
    reply = read(f"{talk}/reply")
    contains(reply, f"What are these?\n   picture: {dog}\n", f"7 user: Look again.\n   picture: {new}\n")
    contains(read(mount.path("tasks/all/4/log")), "cat.png, which went with an earlier turn")
    # One that is no picture is refused, and the turn can be said again without it.
    write(f"{talk}/bad.png", "no picture")
    fails(errno.EMEDIUMTYPE, lambda: write(f"{talk}/prompt", "Look."))
    contains(read(f"{talk}/prompt.error"), "bad.png", "must be an image")
    os.remove(f"{talk}/bad.png")
    say(talk, "Look.")
    assert not os.path.exists(f"{talk}/prompt.error")


def case_retry_of_an_old_turn(bench):
    """One turn at a time holds for retry too."""
    mount = bench.mount(bench.simulator())
    talk = mount.path(MODEL, "talk")
    os.mkdir(talk)
    write(f"{talk}/prompt", "First. sim:fail")
    run(["cat", f"{talk}/prompt.wait"], 1)
    write(f"{talk}/prompt", "Slowly. sim:big=1M sim:throttle=20k")
    until(lambda: size_of(f"{talk}/reply") > 0, "the answer begins")
    contains(run(f"echo retry > {mount.path('tasks/all/1/control')}", 1).err,
             "Device or resource busy")
    contains(read(mount.path(".kiefs/errors")), "retry was not done", "task 2")
    equal(meta(mount, 1)["state"], "failed")


def case_editor(bench):
    """vim opens an answer on its way, and the whole one afterwards."""
    mount = bench.mount(bench.simulator())
    path = ask(mount, "long.txt", "Tell me more. sim:big=20k sim:throttle=200k",
               "models/gpt-5-2")
    until(lambda: os.path.exists(f"{path}.md"), "the answer begins")
    copy = os.path.join(bench.home, "copy")

    def edit():
        run(["vim", "-es", "-u", "NONE", "-i", "NONE", "-n", f"{path}.md",
             "-c", f"w! {copy}", "-c", "qa!"])
        return read_bytes(copy)

    half = edit()
    contains(read(f"{path}.wait"), "done")
    whole = read_bytes(f"{path}.md")
    contains(half.decode(), "I have read 1 turn")
    assert whole.startswith(half.rstrip(b"\n")) and len(half) < len(whole)
    equal(edit(), whole)


def case_side_by_side(bench):
    """Conversations and single answers at the same time, each with its own words."""
    mount = bench.mount(bench.simulator())
    talks = [mount.path(MODEL, f"talk{n}") for n in range(4)]
    for turn in range(3):
        for n, talk in enumerate(talks):
            os.makedirs(talk, exist_ok=True)
            write(f"{talk}/prompt", f"{turn} of {n}.")
        paths = [ask(mount, f"{turn}-{n}.txt", f"{turn} alone {n}.") for n in range(4)]
        for n, (talk, path) in enumerate(zip(talks, paths)):
            contains(read(f"{talk}/prompt.wait"), "done")
            contains(read(f"{talk}/reply"), f"{2 * turn + 1} user: {turn} of {n}.\n")
            contains(read(f"{path}.wait"), "done")
            contains(read(f"{path}.md"), f"1 user: {turn} alone {n}.\n")
    for n, talk in enumerate(talks):
        turns = json.loads(read(f"{talk}/messages.json"))["messages"]
        equal([t["content"] for t in turns[::2]], [f"{k} of {n}." for k in range(3)])


if __name__ == "__main__":
    main()
