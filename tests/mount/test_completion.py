"""Completion in bash, zsh and fish: all that `kiefs --help` lists, and nothing else but FUSE's own."""

import pty
import shlex

from mount import *

FOLDER = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../contrib/completion"))
FUSE = {"allow_other", "allow_root", "auto_unmount", "fsname=", "max_read=", "noatime"}

BASH = """
source kiefs.bash
read -r COMP_LINE < line
COMP_LINE=${COMP_LINE%.} COMP_POINT=${#COMP_LINE}
# As readline divides words.
read -ra COMP_WORDS <<< "${COMP_LINE//=/ = }"
[[ $COMP_LINE == *[[:space:]] ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
compopt() { :; }
_kiefs "${COMP_WORDS[0]}"
printf '%s\\n' "${COMPREPLY[@]}" > answer
"""

# What the completers hand over, before it is drawn.
ZSH = """
fpath=($PWD $fpath)
autoload -Uz compinit && compinit -D -u
compadd() {
    builtin compadd "$@"
    local status_of=$?
    [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]] && return status_of
    local -a hits
    builtin compadd -A hits "$@"
    print -rl -- $hits >> hits
    return status_of
}
ended() { comppostfuncs=(ended); mv hits answer 2>/dev/null || touch answer }
comppostfuncs=(ended)
setopt noautomenu noalwayslastprompt
LISTMAX=10000
bindkey '^I' complete-word
zle-line-init() { touch started }
zle -N zle-line-init
"""


def words_of_help(bench):
    """Flags, options with what stands for their value, commands."""
    text = run([bench.kiefs, "--help"]).out
    lines = re.findall(r"^  (-.*?)  ", text, re.M)
    flags = {"-o"} | {flag for line in lines for flag in line.split(", ")}
    options = dict(re.findall(r"^  ([a-z_]+)=(\S+)", text, re.M))
    commands = set(re.findall(r"^ +kiefs ([a-z]+) ", text, re.M))
    assert {"-f", "-h", "--help", "--demo"} <= flags, flags
    assert len(options) > 20 and "validate" in options, options
    return flags, options, commands


class Shell:
    """Answers to a line that was typed as far as it goes."""

    def __init__(self, bench):
        self.bench = bench
        self.folder = bench.folder("shell")
        for name in os.listdir(FOLDER):
            shutil.copy(f"{FOLDER}/{name}", self.folder)
        build = os.path.dirname(os.path.abspath(bench.kiefs))
        self.env = {**bench.env, "PATH": f"{build}:{bench.env['PATH']}", "TERM": "dumb"}
        os.makedirs(f"{self.folder}/place/kie")
        write(f"{self.folder}/place/map.json", "")

    def answers(self, line):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.folder}/answer")
        self.ask(line)
        return {word.strip() for word in read(f"{self.folder}/answer").splitlines() if word.strip()}


    def close(self):
        pass


class Bash(Shell):
    def ask(self, line):
        write(f"{self.folder}/line", line + ".\n")
        run(["bash", "--norc", "-c", BASH], cwd=self.folder, env=self.env)


class Fish(Shell):
    def ask(self, line):
        script = f"source kiefs.fish; complete -C{shlex.quote(line)} | string replace -r '\\t.*' ''; true"
        write(f"{self.folder}/answer", run(["fish", "-c", script], cwd=self.folder, env=self.env).out)


class Zsh(Shell):
    """One that runs on a terminal: what completes there completes nowhere else."""

    def __init__(self, bench):
        super().__init__(bench)
        write(f"{self.folder}/.zshrc", ZSH)
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(self.folder)
            os.execvpe("zsh", ["zsh", "-i"], {**self.env, "ZDOTDIR": self.folder})
        os.set_blocking(self.terminal, False)
        self.wait_for("started")

    def wait_for(self, name):
        def is_there():
            with contextlib.suppress(OSError):
                os.read(self.terminal, 65536)
            return os.path.exists(f"{self.folder}/{name}")

        until(is_there, f"{name} by zsh")

    def ask(self, line):
        kill_line = b"\x15"
        os.write(self.terminal, kill_line + line.encode() + b"\t")
        self.wait_for("answer")

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


SHELLS = {"bash": Bash, "zsh": Zsh, "fish": Fish}


def bare(words):
    """Without what a shell leaves or adds: an "=" behind a name, the options before the last."""
    return {re.sub(r"^.*,", "", word).rstrip("=") for word in words}


def flags(shell, bench):
    wanted, _, _ = words_of_help(bench)
    got = shell.answers("kiefs -") | shell.answers("kiefs --")
    got = {word if word.startswith("-") else f"--{word}" for word in got}
    equal(got, wanted)


def options(shell, bench):
    _, wanted, _ = words_of_help(bench)
    equal(bare(shell.answers("kiefs -o ")), bare(set(wanted) | FUSE))
    equal(bare(shell.answers("kiefs -f -o submit_rate=2,unknown_p")), {"unknown_price"})


def values(shell, bench):
    _, wanted, _ = words_of_help(bench)
    for name, kind in wanted.items():
        if "|" in kind and "[" not in kind:
            got = shell.answers(f"kiefs -o submit_rate=2,{name}=")
            equal({word.split("=")[-1] for word in got}, set(kind.split("|")), name)
    got = shell.answers("kiefs -o mapping=place/")
    assert any(word.endswith("map.json") for word in got), got


def places(shell, bench):
    _, _, commands = words_of_help(bench)
    got = shell.answers("kiefs ")
    assert commands <= got and got & {"place", "place/"}, got
    got = shell.answers("kiefs -f place/")
    assert len(got) == 1 and re.search(r"\bkie/?$", got.pop()), got
    for command in commands:
        got = shell.answers(f"kiefs {command} place/")
        assert any(word.endswith("map.json") for word in got), got


def checked_by(kind, check):
    def run_check(bench):
        with contextlib.closing(kind(bench)) as shell:
            check(shell, bench)

    return run_check


def cases():
    for name, kind in SHELLS.items():
        for check in (flags, options, values, places):
            yield f"{name}_{check.__name__}", checked_by(kind, check)


main(list(cases()))
