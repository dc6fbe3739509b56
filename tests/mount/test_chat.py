"""Models that answer in text: files that grow, and conversations."""

import json
import os
import signal
import subprocess

from mount import *

MODEL = "models/claude/claude-sonnet-4-5"


def ask(mount, name, text, model=MODEL):
    return write(mount.path(model, name), text)[: -len(".txt")]


def case_every_form(bench):
    """One model of each service, streamed and in one piece."""
    mount = bench.mount(bench.simulator())
    ids = ["gemini-2.5-flash", "gpt-5-2", "claude-opus-4-5", "claude/claude-haiku-4-5",
           "anthropic/claude-sonnet-5", "codex/gpt-5-4", "responses/gpt-5.1-codex",
           "grok/grok-4-3", "gemini/gemini-3-flash"]
    for model in ids:
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
    until(lambda: os.path.getsize(f"{talk}/reply") > 0, "the answer begins")
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
    say(talk, "Once more.")
    equal(read(f"{talk}/reply"), "I have read 1 turn:\n1 user: Once more.\n")
    contains(read(f"{talk}/history.md"), "not part of the conversation")


if __name__ == "__main__":
    main()
