"""The mount served by NFS-Ganesha on a port of this machine, and libnfs's programs as its client.
The kernel's own server and client are not on every machine that tests run on."""

import glob
import socket

from machine import *

MODEL = "models/z-image"
# The server keeps files open that it has written; a request is whole once nobody has it open.
SETTINGS = """
NFS_CORE_PARAM {{ Protocols = 4; NFS_Port = {port}; Bind_addr = 127.0.0.1; Enable_NLM = false;
	Enable_RQUOTA = false; Plugins_Dir = {plugins}; }}
NFSV4 {{ Graceless = true; RecoveryRoot = {kept}; }}
MDCACHE {{ FD_LWMark_Percent = 0; LRU_Run_Interval = 1; }}
EXPORT {{ Export_Id = 1; Filesystem_Id = 47.11; Path = {point}; Pseudo = /kie;
	Access_Type = RW; Squash = All; Anonymous_Uid = {uid}; Anonymous_Gid = {gid};
	Protocols = 4; SecType = sys; FSAL {{ Name = VFS; }} }}
"""


class Server:
    def __init__(self, bench, mount):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        settings = bench.file("ganesha.conf", SETTINGS.format(
            port=self.port, kept=bench.folder("kept"), point=mount.point, uid=uid(OWNER),
            gid=gid(OWNER),
            plugins=os.path.dirname(glob.glob("/usr/lib/*/ganesha/libfsalvfs.so")[0])))
        self.log = bench.file("ganesha.log", "")
        self.process = subprocess.Popen(
            ["ganesha.nfsd", "-F", "-f", settings, "-L", self.log, "-p", bench.path("ganesha.pid")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        until(self.answers, "Ganesha answers")

    def answers(self):
        assert self.process.poll() is None, read(self.log)
        return self.do("nfs-ls", "", status=None).status == 0

    def at(self, path):
        return f"nfs://127.0.0.1/kie/{path}?version=4&nfsport={self.port}"

    def do(self, program, *paths, status=0):
        """Paths below the mount; absolute ones are this machine's own."""
        return run([program, *(path if path.startswith("/") else self.at(path) for path in paths)],
                   status)


def case_served(bench):
    house(bench, OWNER)
    simulator = bench.simulator()
    # Ganesha does some of its work as root, in the name of its clients.
    mount = bench.mount(simulator, allow_other=True, spenders=ROOT, umask="022")
    server = Server(bench, mount)
    try:
        prompt, picture = bench.file("p.txt", "A red kite.\n"), bench.path("p.png")
        server.do("nfs-cp", prompt, f"{MODEL}/p.txt")
        until(lambda: server.do("nfs-cp", f"{MODEL}/p.png", picture, status=None).status == 0,
              "the picture")
        equal(read_bytes(picture), read_bytes(mount.path(MODEL, "p.png")))
        equal(owner_of(mount.path(MODEL, "p.txt")), (uid(OWNER), gid(OWNER)))
        bad = bench.file("bad.json", '{"prompt": "A red kite.", "aspect_ratio": "9:99"}\n')
        server.do("nfs-cp", bad, f"{MODEL}/bad.json", status=10)
        contains(server.do("nfs-cat", f"{MODEL}/bad.error").out, "16:9")
        contains(server.do("nfs-cp", prompt, "n.txt", status=10).err, "creat")
        # What the server remembers is found again when the kernel has forgotten it.
        for _ in range(2):
            write("/proc/sys/vm/drop_caches", "2")
            contains(server.do("nfs-ls", MODEL).out, "p.png", "README.md")
            equal(server.do("nfs-cat", f"{MODEL}/p.txt").out, "A red kite.\n")
        equal(simulator.sent(), 1)
    finally:
        end(server.process)


if __name__ == "__main__":
    enter()
    main()
