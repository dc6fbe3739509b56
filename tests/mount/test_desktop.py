"""A file manager, as a person sees it: on a screen of its own, which is photographed and read."""

import subprocess

from mount import *

MODEL = "models/z-image"
HOUR_MS = 3600000
SIZE = (640, 480)


class Screen:
    def __init__(self, bench):
        server, number = start_ready(
            ["Xvfb", "-displayfd", "READY_FD", "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24",
             "-nolisten", "tcp"], [], stderr=subprocess.DEVNULL)
        assert number, "Xvfb did not start"
        bench.programs.append(server)
        self.env = {**bench.env, "DISPLAY": f":{number}", "XDG_RUNTIME_DIR": bench.folder("run")}
        self.bench = bench
        self.picture = bench.path("screen.png")

    def start(self, *command):
        """Ends before the screen does."""
        with open(self.bench.path("said"), "wb") as said:
            program = subprocess.Popen(command, env=self.env, stdin=subprocess.DEVNULL,
                                       stdout=said, stderr=said)
        self.bench.programs.insert(0, program)

    def pixels(self):
        """Takes a picture; its pixels, three bytes each."""
        run(["import", "-window", "root", self.picture], env=self.env)
        return self.bytes_of(self.picture)

    def bytes_of(self, picture, *how):
        done = subprocess.run(["convert", picture, *how, "-depth", "8", "rgb:-"],
                              capture_output=True, timeout=DEADLINE_S, check=True)
        return done.stdout

    def words(self):
        """What can be read on a picture of it, by a program that knows nothing else."""
        self.pixels()
        large = self.bench.path("large.png")
        run(["convert", self.picture, "-colorspace", "gray", "-resize", "300%", large])
        return run(["tesseract", large, "-", "--psm", "11"]).out

    def shows(self, word):
        until(lambda: word in self.words(), f"{word!r} on the screen; it says {self.words()!r}")


def triples(data):
    return zip(data[0::3], data[1::3], data[2::3])


def share(data, color):
    """How many of the pixels have about this colour."""
    return sum(all(abs(a - b) < 40 for a, b in zip(one, color)) for one in triples(data))


def case_a_result_appears(bench):
    """Nobody refreshes: the names come and go, and the picture is there as itself."""
    simulator = bench.simulator()
    simulator.fault("late", ms=HOUR_MS)
    mount = bench.mount(simulator)
    screen = Screen(bench)
    folder = mount.path(MODEL)
    screen.start("pcmanfm", "--no-desktop", folder)
    screen.shows("README.md")
    assert "fox" not in screen.words(), screen.words()
    write(f"{folder}/fox.txt", "A red fox in the snow.")
    screen.shows("fox.status")
    before = screen.pixels()
    simulator.ask("POST", "/sim/time", {"advance_ms": HOUR_MS})
    screen.shows("fox.png")
    color = tuple(screen.bytes_of(f"{folder}/fox.png", "-resize", "1x1!"))
    until(lambda: share(screen.pixels(), color) > share(before, color) + 200, "the picture itself")
    after = screen.pixels()
    changed = sum(a != b for a, b in zip(triples(before), triples(after)))
    assert 500 < changed < SIZE[0] * SIZE[1] / 4, f"{changed} pixels changed"
    assert "fox.status" not in screen.words(), screen.words()


if __name__ == "__main__":
    main()
