"""The share of contrib/samba: smbd on a port of this machine, and smbclient as its users."""

import select
import socket
import stat

from machine import *

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODEL = "models/z-image"
PASSWORD = "of-the-tests"
FOLDERS = {
    "private dir": "private", "lock directory": "lock", "state directory": "state",
    "cache directory": "cache", "pid directory": "pid", "ncalrpc dir": "ncalrpc",
}
GLOBAL = """[global]
	server role = standalone server
	interfaces = 127.0.0.1
	bind interfaces only = yes
	disable netbios = yes
	disable spoolss = yes
	load printers = no
	printcap name = /dev/null
"""
REFUSED = "NT_STATUS_INVALID_PARAMETER closing remote file"


class Samba:
    """smbd with the share, and everything it keeps in the bench's directory."""

    def __init__(self, bench, mount):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        base = bench.folder("samba")
        settings = GLOBAL + f"\tsmb ports = {self.port}\n\tlog file = {base}/log\n"
        for name, folder in FOLDERS.items():
            settings += f"\t{name} = {bench.folder(f'samba/{folder}')}\n"
        share = read(f"{SOURCE}/contrib/samba/kie.conf")
        share = share.replace("/home/u/kie", mount.point).replace("= u\n", f"= {OWNER}\n")
        self.settings = bench.file("samba/smb.conf", settings + share)
        run(["smbpasswd", "-c", self.settings, "-s", "-a", OWNER],
            stdin=f"{PASSWORD}\n{PASSWORD}\n".encode())
        # At its end smbd ends its whole session.
        self.process = subprocess.Popen(
            ["smbd", "-F", "--no-process-group", "-s", self.settings], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        until(self.answers, "smbd answers")

    def answers(self):
        assert self.process.poll() is None, read(f"{os.path.dirname(self.settings)}/log")
        return self.do("ls", status=None).status == 0

    def client(self, line, folder=MODEL):
        return ["smbclient", "-s", self.settings, "-p", str(self.port), "-U",
                f"{OWNER}%{PASSWORD}", "//127.0.0.1/kie", "-D", folder, "-c", line]

    def do(self, line, folder=MODEL, status=0):
        return run(self.client(line, folder), status)

    def start(self, line, folder=MODEL, **more):
        return subprocess.Popen(self.client(line, folder), stdin=subprocess.DEVNULL,
                                stderr=subprocess.STDOUT, **more)


def shared(function):
    """A case with a share; smbd ends with it."""
    def case(bench):
        house(bench, OWNER)
        simulator = bench.simulator()
        mount = bench.mount(simulator, allow_other=True)
        samba = Samba(bench, mount)
        try:
            function(bench, simulator, mount, samba)
        finally:
            end(samba.process)
    return case


@shared
def case_a_prompt_and_its_picture(bench, simulator, mount, samba):
    prompt, picture = bench.file("p.txt", "A red kite.\n"), bench.path("p.png")
    samba.do(f"put {prompt} p.txt")
    until(lambda: samba.do(f"get p.png {picture}", status=None).status == 0, "the picture")
    equal(read_bytes(picture), read_bytes(mount.path(MODEL, "p.png")))
    equal(read_bytes(picture)[:8], PNG)
    equal(stat.filemode(os.stat(mount.path(MODEL, "p.txt")).st_mode), "-rw-r--r--")
    # What Windows calls attributes.
    contains(os.listxattr(mount.path(MODEL, "p.txt")), "user.DOSATTRIB")
    contains(samba.do("setmode p.txt +h; allinfo p.txt").out, "attributes: ", "H")
    samba.do(f"put {prompt} p.txt; put {prompt} x.part; rename x.part q.txt")
    until(lambda: simulator.sent() == 2, "two requests")
    until(lambda: os.path.exists(mount.path("tasks/done/2")), "both are done")
    samba.do("mkdir d; rename p.txt d/r.txt; del p.png; rename q.txt d/q.txt")
    equal(names(mount.path(MODEL, "d")), ["q.txt", "r.txt"])
    samba.do("del d/q.txt; del d/r.txt; rmdir d")
    assert "d" not in names(mount.path(MODEL)) and "p.png" not in names(mount.path(MODEL))
    equal(simulator.sent(), 2)
    equal(read(mount.path(".kiefs/errors")), "")


@shared
def case_what_is_refused(bench, simulator, mount, samba):
    prompt = bench.file("p.txt", "A red kite.\n")
    long = bench.file("long.txt", "kite " * 300)
    bad = bench.file("bad.json", '{"prompt": "A red kite.", "aspect_ratio": "9:99"}\n')
    for path, told in ((long, "1000"), (bad, "16:9")):
        name = os.path.basename(path)
        contains(samba.do(f"put {path} {name}", status=1).out, REFUSED)
        contains(read(mount.path(MODEL, name.split(".")[0] + ".error")), told)
    # Mended in place.
    samba.do(f"put {prompt} long.txt")
    until(lambda: simulator.sent() == 1, "the mended one")
    for folder, line, said in (
        ("", f"put {prompt} n.txt", "NT_STATUS_ACCESS_DENIED"),
        (MODEL, f"put {prompt} README.md", "NT_STATUS_ACCESS_DENIED"),
        (MODEL, f"put {prompt} n.wav", "opening remote file"),
        ("models", "mkdir n", "NT_STATUS_ACCESS_DENIED"),
    ):
        contains(samba.do(line, folder, status=None).out, said)
    equal(simulator.sent(), 1)


@shared
def case_two_clients(bench, simulator, mount, samba):
    line = "mkdir {0}; cd {0}; " + "; ".join(
        "put " + bench.file(f"{n}.txt", f"Kite {n}.") + f" {n}.txt" for n in range(6))
    clients = [samba.start(line.format(name), stdout=subprocess.PIPE) for name in "ab"]
    for client in clients:
        said = client.communicate(timeout=DEADLINE_S)[0]
        equal(client.returncode, 0, said)
    until(lambda: len(os.listdir(mount.path("tasks/done"))) == 12, "all are done")
    equal((simulator.sent(), tasks(mount)), (12, list(range(1, 13))))
    uploaded = bench.file("u.txt", "A list.")
    samba.do(f"put {uploaded} u.txt", "uploads")
    until(lambda: os.path.exists(mount.path("uploads/u.txt.url")), "an address")


@shared
def case_clients_see_results_arrive(bench, simulator, mount, samba):
    reader, writer = os.openpty()
    watcher = samba.start("notify " + MODEL.replace("/", "\\"), "", stdout=writer)
    os.close(writer)
    seen = ""
    try:
        # It says nothing when it has begun.
        for number in range(1000):
            run_as(OWNER, f"echo x > {mount.path(MODEL)}/s{number}.part")
            if select.select([reader], [], [], 0.1)[0]:
                break
        run_as(OWNER, f"echo 'A red kite.' > {mount.path(MODEL)}/r.txt")
        while "r.png" not in seen:
            assert select.select([reader], [], [], DEADLINE_S)[0], seen
            seen += os.read(reader, 4096).decode()
    finally:
        watcher.kill()
        watcher.wait()
        os.close(reader)
    contains(seen, "r.txt")


if __name__ == "__main__":
    enter()
    main()
