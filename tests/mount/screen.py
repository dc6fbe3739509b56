"""Programs that want a terminal: keys go in, what the screen shows is looked at."""

import shlex

from mount import *

WIDTH, HEIGHT = 200, 30


class Screen:
    """A program on a terminal of its own, which tmux makes. Use as a context: the terminal goes at
    its end, whatever has happened."""

    def __init__(self, bench, command, cwd):
        self.tmux = ["tmux", "-S", bench.path("tmux"), "-f", "/dev/null"]
        self.status = bench.path("status")
        line = f"{shlex.join(command)}; echo $? > {self.status}.new; mv {self.status}.new {self.status}"
        run(
            [*self.tmux, "new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), "-c", cwd, line],
            env={"HOME": bench.home, "TERM": "xterm", "SHELL": "/bin/sh"},
        )

    def __enter__(self):
        return self

    def __exit__(self, *fault):
        run([*self.tmux, "kill-server"], None)

    def text(self):
        return run([*self.tmux, "capture-pane", "-p"]).out

    def shows(self, words):
        until(lambda: words in self.text(), lambda: f"{words!r} on the screen:\n{self.text()}")

    def press(self, *keys):
        run([*self.tmux, "send-keys", *keys])

    def type(self, text):
        run([*self.tmux, "send-keys", "-l", text])

    def ended(self):
        """Waits for the end and returns the exit status."""
        until(lambda: os.path.exists(self.status), "the program has ended")
        return int(read(self.status))
