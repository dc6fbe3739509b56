"""contrib/desktop: the launcher and what a file manager sends, without a desktop: zenity and
xdg-open are stubs that write down what they were called with."""

from mount import *

FOLDER = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../contrib/desktop"))
PROGRAM = f"{FOLDER}/kiefs-desktop"

# Answers are the lines of the files `model` and `prompt`; without the file it is a Cancel.
ZENITY = """#!/bin/sh
echo "zenity $*" >>$HOME/shown
case $1 in
--list) cat >$HOME/offered; cat $HOME/model ;;
--entry) cat $HOME/prompt ;;
esac
"""


class Desktop:
    def __init__(self, bench):
        self.bench = bench
        self.simulator = bench.simulator()
        self.bin = bench.folder("bin")
        os.symlink(os.path.abspath(bench.kiefs), f"{self.bin}/kiefs")
        self.program("zenity", ZENITY)
        self.program("xdg-open", '#!/bin/sh\necho "open $*" >>$HOME/shown\n')
        self.point = bench.path("KIE")
        bench.folder(".config/kiefs")
        self.configure()
        self.env = {**bench.env, "PATH": f"{self.bin}:{bench.env['PATH']}", "DISPLAY": ":99",
                    "KIE_API_KEY": KEY}

    def configure(self, more=""):
        self.bench.file(".config/kiefs/config",
                        f"base_url = {self.simulator.url}\npoll_rate = 100\n{more}")

    def program(self, name, text):
        os.chmod(write(f"{self.bin}/{name}", text), 0o755)

    def run(self, *words, status=0):
        ended = run([PROGRAM, *words], status, env=self.env)
        shown = self.bench.path("shown")
        text = read(shown) if os.path.exists(shown) else ""
        write(shown, "")
        return text, ended.err

    def close(self):
        run(["fusermount3", "-uzq", self.point], None)
        run(["flock", "-w", str(DEADLINE_S), self.bench.path(".local/state/kiefs/lock"), "true"], None)


def desktop(function):
    """A case that leaves no mount behind."""

    def case(bench):
        with contextlib.closing(Desktop(bench)) as there:
            function(bench, there)

    return case


def daemon_of(point):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            words = read_bytes(f"/proc/{pid}/cmdline").split(b"\0")
            if words[0] == b"kiefs" and point.encode() in words:
                return int(pid)
    raise AssertionError(f"no daemon of {point}")


@desktop
def case_open(bench, there):
    shown, said = there.run("open")
    equal((shown, said), (f"open {there.point}\n", ""))
    assert os.path.isdir(f"{there.point}/models")
    equal(there.run("open")[0], f"open {there.point}\n", "again, mounted")
    equal(there.run("unmount"), ("", ""))
    equal(names(there.point), [])
    equal(there.run("unmount"), ("", ""), "again, unmounted")


@desktop
def case_open_failed(bench, there):
    """Why it cannot be mounted stands in a window; nothing is opened."""
    there.configure("nonsense = 1\n")
    shown, said = there.run("open", status=1)
    contains(shown, "zenity --error", "nonsense")
    contains(said, "nonsense")
    assert "open" not in shown.split(), shown


@desktop
def case_open_without_key(bench, there):
    del there.env["KIE_API_KEY"]
    shown, _ = there.run("open")
    contains(shown, "zenity --info", "There is no API key", f"open {there.point}\n")


@desktop
def case_open_left_behind(bench, there):
    """The mount of a daemon that was killed is freed."""
    there.run("open")
    os.kill(daemon_of(there.point), signal.SIGKILL)
    until(lambda: run(["ls", there.point], None).status != 0, "it is gone")
    contains(there.run("open")[0], f"open {there.point}\n")
    assert os.path.isdir(f"{there.point}/models")


@desktop
def case_unmount_busy(bench, there):
    there.run("open")
    with open(f"{there.point}/README.md", encoding="utf-8"):
        shown, _ = there.run("unmount", status=1)
    contains(shown, "zenity --error", "still uses")


@desktop
def case_send_prompt(bench, there):
    bench.file("model", "z-image\n")
    prompt = bench.file("a kite.txt", "A red kite.")
    shown, _ = there.run("send", prompt)
    contains(shown, "zenity --info", "Sent to z-image")
    contains(wait_done(f"{there.point}/models/z-image/a kite.txt"), "done")
    offered = read(bench.path("offered")).splitlines()
    assert {"z-image", "google/nano-banana", "dedicated/veo/generate"} <= set(offered), offered
    there.run("send", prompt)
    contains(wait_done(f"{there.point}/models/z-image/a kite-2.txt"), "done")
    equal(there.simulator.sent(), 2)


@desktop
def case_send_picture(bench, there):
    """A picture and what is to become of it; offered are models that need a file."""
    bench.file("model", "google/nano-banana-edit\n")
    bench.file("prompt", "Make it green.\n")
    run(["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v",
         "1", bench.path("kite.png")])
    there.run("send", bench.path("kite.png"))
    folder = f"{there.point}/models/google/nano-banana-edit"
    contains(wait_done(f"{folder}/kite.txt"), "done")
    equal(read(f"{folder}/kite.txt"), "Make it green.\n")
    sent = json.loads(read(f"{folder}/kite.task/request.json"))["input"]
    equal(len(sent["image_urls"]), 1)
    offered = read(bench.path("offered")).splitlines()
    assert "google/nano-banana-edit" in offered and "z-image" not in offered, offered


@desktop
def case_send_refused(bench, there):
    """What the mount says of a request is in the window."""
    bench.file("model", "z-image\n")
    shown, _ = there.run("send", bench.file("r.json", '{"prompt": "a", "aspect_ratio": "9:99"}'),
                         status=1)
    contains(shown, "zenity --error", "r.json was not taken", "aspect_ratio", "16:9")
    equal(there.simulator.sent(), 0)


@desktop
def case_send_wrong_kind(bench, there):
    bench.file("model", "z-image\n")
    shown, _ = there.run("send", bench.file("film.mp4", "no film"), status=1)
    contains(shown, "zenity --error", "film.mp4 was not taken.",
             "takes a video nowhere")


@desktop
def case_send_cancelled(bench, there):
    """No answer, no request."""
    shown, said = there.run("send", bench.file("a.txt", "A red kite."))
    assert "--info" not in shown, shown
    equal(names(f"{there.point}/tasks/all"), [])


@desktop
def case_without_windows(bench, there):
    """No display: words on standard error."""
    there.env["DISPLAY"] = ""
    there.configure("nonsense = 1\n")
    shown, said = there.run("open", status=1)
    equal(shown, "")
    contains(said, "nonsense")


def case_files(bench):
    """The launchers are valid, the script is clean."""
    launchers = [f"{FOLDER}/{name}" for name in names(FOLDER) if name.endswith(".desktop")]
    equal(len(launchers), 2)
    ended = run(["desktop-file-validate", *launchers])
    equal(ended.out + ended.err, "")
    run(["shellcheck", PROGRAM])


main()
