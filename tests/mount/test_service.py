"""kiefs as a service: what it tells a service manager, what it says to the journal, and the unit
in contrib/systemd, whose commands are run here as a manager would run them."""

import re
import shlex
import socket

from mount import *

UNIT = os.path.join(os.path.dirname(__file__), "../../contrib/systemd")


class Manager:
    """Takes what services tell: sd_notify(3). `name` is a path, or "@" and an abstract name."""

    def __init__(self, name):
        self.name = name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + name[1:] if name[0] == "@" else name)
        self.socket.settimeout(DEADLINE_S)

    def told(self):
        return self.socket.recv(8192).decode().splitlines()


def stream(file):
    """$JOURNAL_STREAM, were `file` the journal."""
    status = os.fstat(file.fileno())
    return f"{status.st_dev}:{status.st_ino}"


def start(bench, command, simulator, **env):
    """A daemon whose standard error is a file that counts as the journal."""
    said = tempfile.TemporaryFile()
    bench.folder("KIE")
    bench.folder(".config/kiefs")
    bench.file(".config/kiefs/config", f"base_url = {simulator.url}\npoll_rate = 100\n")
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=said,
        env={**bench.env, "JOURNAL_STREAM": stream(said), **env},
    )
    mount = Mount.__new__(Mount)
    mount.point, mount.process, mount.said = bench.path("KIE"), process, said
    mount.expected = None
    bench.mounts.append(mount)
    return mount


def tells(bench, name):
    manager = Manager(name)
    simulator = bench.simulator()
    mount = start(bench, [bench.kiefs, "-f", bench.path("KIE")], simulator,
                  NOTIFY_SOCKET=name, KIE_API_KEY=KEY)
    equal(manager.told(), ["READY=1", f"STATUS=Mounted on {bench.path('KIE')}."])
    assert os.path.isdir(mount.path("models")), "told before it was mounted"
    mount.process.send_signal(signal.SIGHUP)
    equal([manager.told(), manager.told()], [["RELOADING=1"], ["READY=1"]])
    equal(end(mount.process), 0)
    equal(manager.told()[0], "STOPPING=1")


def case_notify(bench):
    tells(bench, bench.path("notify"))


def case_notify_abstract(bench):
    tells(bench, f"@kiefs-test-{os.getpid()}")


def case_notify_unmounted(bench):
    """fusermount3 -u ends the service as a stop does."""
    manager = Manager(bench.path("notify"))
    mount = start(bench, [bench.kiefs, "-f", bench.path("KIE")], bench.simulator(),
                  NOTIFY_SOCKET=manager.name, KIE_API_KEY=KEY)
    equal(manager.told()[0], "READY=1")
    equal(mount.unmount(), 0)
    equal(manager.told()[0], "STOPPING=1")


def case_notify_nobody(bench):
    """A manager that cannot be told is no reason not to serve, and the key's command is not
    given the socket."""
    simulator = bench.simulator()
    bench.file("tell", f'#!/bin/sh\necho "${{NOTIFY_SOCKET-none}}" >{bench.path("seen")}\necho {KEY}\n')
    mount = start(bench, [bench.kiefs, "-f", "-o", f"api_key_command=sh {bench.path('tell')}",
                          bench.path("KIE")], simulator, NOTIFY_SOCKET=bench.path("nobody"))
    until(lambda: os.path.isdir(mount.path("models")), "mounted")
    equal(read(bench.path("seen")), "none\n")
    equal(end(mount.process), 0)
    contains(mount.words(), "<4>The service manager cannot be told: No such file or directory\n")


def case_journal(bench):
    """All that .kiefs/log has, with priorities, at once, and no secret."""
    simulator = bench.simulator()
    simulator.fault("fail", model="z-image", count=1)
    mount = start(bench, [bench.kiefs, "-f", bench.path("KIE")], simulator, KIE_API_KEY=KEY)
    until(lambda: os.path.isdir(mount.path("models")), "mounted")
    for name in ("bad", "good"):
        write(mount.path(f"models/z-image/{name}.txt"), "A red kite.")
        with contextlib.suppress(OSError):
            wait_done(mount.path(f"models/z-image/{name}.txt"))
    with contextlib.suppress(OSError):
        write(mount.path("models/z-image/wrong.json"), '{"aspect_ratio": "9:99"}')
    until(lambda: "refused" in mount.words(), "all is said")
    log = [line.split(" ", 1)[1] for line in read(mount.path(".kiefs/log")).splitlines()]
    lines = mount.words().splitlines()
    equal([line[3:] for line in lines], log)
    equal({line[:3] for line in lines}, {"<4>", "<6>"})
    warnings = [line for line in lines if line.startswith("<4>")]
    equal(len(warnings), 1, f"warnings in {lines}")
    contains(warnings[0], "<4>task 1: ")
    equal(end(mount.process), 0)
    assert KEY not in mount.words()


def case_journal_background(bench):
    """What goes to the background goes on logging there."""
    mount = start(bench, [bench.kiefs, bench.path("KIE")], bench.simulator(), KIE_API_KEY=KEY)
    equal(mount.process.wait(DEADLINE_S), 0)
    write(mount.path("models/z-image/a.txt"), "A red kite.")
    until(lambda: "<6>task 1: " in mount.words(), "said")
    until(lambda: run(["fusermount3", "-u", mount.point], None).status == 0, "unmounted")
    state = bench.path(".local/state/kiefs/lock")
    run(["flock", "-w", str(DEADLINE_S), state, "true"])  # it has ended


def case_journal_elsewhere(bench):
    """A variable that is left over from another standard error means nothing."""
    mount = start(bench, [bench.kiefs, "-f", bench.path("KIE")], bench.simulator(),
                  JOURNAL_STREAM="1:2")
    until(lambda: os.path.isdir(mount.path("models")), "mounted")
    write(mount.path("models/z-image/a.txt"), "A red kite.")
    until(lambda: "held" in read(mount.path(".kiefs/log")), "logged")
    equal(end(mount.process), 0)
    equal(mount.words(), NO_KEY)


def case_journal_faults(bench):
    """Each sentence of a start that fails has its priority."""
    simulator = bench.simulator()
    bench.file("base", "")
    mount = start(bench, [bench.kiefs, "-f", "-o", "validate=a,submit_rate=b", bench.path("KIE")],
                  simulator)
    equal(end_of(mount), 2)
    lines = mount.words().splitlines()
    equal([line[:3] for line in lines], ["<3>", "<3>"])
    contains(mount.words(), "validate=a", "submit_rate=b")


def end_of(mount):
    return mount.process.wait(DEADLINE_S)


# ---- the unit ----


def directives(text):
    """The unit's settings, each with all its values."""
    found = {}
    for line in text.splitlines():
        match = re.fullmatch(r"([A-Za-z]+)=(.*)", line)
        if match:
            found.setdefault(match[1], []).append(match[2])
    return found


def unit(bench):
    text = read(f"{UNIT}/kiefs.service.in").replace("@bindir@", os.path.dirname(bench.kiefs))
    return directives(text)


def command_line(line, env):
    """As systemd would make it: specifiers, variables, words."""
    line = line.lstrip("-").replace("%h", env["HOME"])
    words = [re.sub(r"(?<!\$)\$\{(\w+)\}", lambda match: env[match[1]], word)
             for word in shlex.split(line)]
    return [word.replace("$$", "$") for word in words]


def case_unit_verify(bench):
    folder = bench.folder("unit")
    text = read(f"{UNIT}/kiefs.service.in").replace("@bindir@", os.path.dirname(os.path.abspath(bench.kiefs)))
    write(f"{folder}/kiefs.service", text)
    os.mkdir(f"{folder}/kiefs.service.d")
    shutil.copy(f"{UNIT}/key.conf", f"{folder}/kiefs.service.d")
    ended = run(["systemd-analyze", "verify", "--user", "--man=no", f"{folder}/kiefs.service"],
                env={"XDG_RUNTIME_DIR": folder, "HOME": bench.home})
    equal(ended.err + ended.out, "")


def case_unit_life(bench):
    """Start, a key as a credential, kill -9, what ExecStopPost= does then and only then."""
    settings = unit(bench)
    simulator = bench.simulator()
    manager = Manager(bench.path("notify"))
    env = {**bench.env, "HOME": bench.home}
    for line in settings["Environment"]:
        name, value = line.replace("%h", bench.home).split("=", 1)
        env[name] = value
    credentials = bench.folder("credentials")
    (name, path), = [line.split(":") for line in directives(read(f"{UNIT}/key.conf"))["LoadCredential"]]
    equal(path, "%h/.config/kiefs/key")
    write(f"{credentials}/{name}", KEY + "\n")
    os.chmod(f"{credentials}/{name}", 0o400)
    run(command_line(settings["ExecStartPre"][0], env), env=env)
    command = command_line(settings["ExecStart"][0], env)
    mount = start(bench, command, simulator, NOTIFY_SOCKET=manager.name,
                  CREDENTIALS_DIRECTORY=credentials, KIEFS_MOUNT=env["KIEFS_MOUNT"])
    equal(manager.told()[0], "READY=1")
    write(mount.path("models/z-image/a.txt"), "A red kite.")
    contains(wait_done(mount.path("models/z-image/a.txt")), "done")
    after = command_line(settings["ExecStopPost"][0], env)
    run(after, env=env)
    assert os.path.exists(mount.path("models")), "a mount that answers was taken away"
    end(mount.process, signal.SIGKILL)
    run(["ls", mount.point], status=2)
    run(after, env=env)
    equal(names(mount.point), [])
    again = start(bench, command, simulator, NOTIFY_SOCKET=manager.name,
                  CREDENTIALS_DIRECTORY=credentials)
    equal(manager.told()[0], "READY=1")
    assert "a.png" in names(again.path("models/z-image"))
    equal(end(again.process), 0)
    run(after, env=env)


main()
