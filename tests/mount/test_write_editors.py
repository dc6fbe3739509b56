"""What editors do when they save a request, and programs that edit in place."""

from patterns import *
from screen import Screen

# Below /tmp vim makes no backups; elsewhere it does.
VIM = "vim -u NONE -i NONE -N -es -V1 --cmd 'set backupskip='"
VIM_END = "-c '$r SRC' -c 1d -c wq -c 'cq 3' DST"
VIM_BAD = (4, "E512: Close failed")
SED = "sed -i -e 'r SRC' -e d DST"
PERL = "perl -i -ne 'open F, q(<), q(SRC); print <F>' DST"
PERL_BACKUP = "perl -i~ -ne 'open F, q(<), q(SRC); print <F>' DST"


def vim(name, settings, **more):
    """Over an existing request: `settings` decide how it is kept meanwhile."""
    command = f"{VIM} -c 'set {settings}' {VIM_END}"
    return Pattern(name, command, VIM_BAD, VIM_BAD, over=True, said="1L", **more)


def type_text(screen, source):
    """In place of what the one line holds."""
    screen.press("C-k")
    screen.type(read(source).strip())


def nano(bench, folder, source, target):
    with Screen(bench, ["nano", "-I", target], folder) as screen:
        screen.shows("GNU nano")
        type_text(screen, source)
        screen.press("C-o")
        screen.shows(f"File Name to Write: {target}")
        screen.press("Enter")
        until(lambda: "Wrote " in screen.text() or "Error " in screen.text(), screen.text)
        said = screen.text()
        screen.press("C-x")
        if "Error " in said:
            screen.shows("Save modified buffer?")
            screen.press("n")
        return Ended(screen.ended(), said, "")


def emacs(*options):
    def edit(bench, folder, source, target):
        command = ["emacs", "-nw", "-Q", *options, target]
        with Screen(bench, command, folder) as screen:
            screen.shows(f"F1  {target}")
            type_text(screen, source)
            screen.press("C-x", "C-s")
            until(lambda: "Wrote " in screen.text() or "rror" in screen.text(), screen.text)
            said = screen.text()
            screen.press("C-x", "C-c")
            if "Wrote " not in said:
                screen.shows("Save file ")
                screen.press("n")
                screen.shows("exit anyway?")
                screen.type("yes")
                screen.press("Enter")
            return Ended(screen.ended(), said, "")

    return edit


# Below /tmp, as vim.
EMACS_BACKUP = ["--eval", "(setq backup-enable-predicate (lambda (name) t))"]
EMACS_COPY = [*EMACS_BACKUP, "--eval", "(setq backup-by-copying t)"]
EMACS_BAD = (0, EINVAL)
NANO_BAD = (0, "Error writing")
# What was typed is kept aside when the save has failed.
AUTO = ("#r.*#",)

PATTERNS = [
    Pattern("vim_new", f"{VIM} -c 'r SRC' -c wq -c 'cq 3' DST", VIM_BAD, VIM_BAD, said="written"),
    # With a copy kept, vim puts the old text back when it cannot save.
    vim("vim", "backupcopy=auto", holds="old", told=False),
    vim("vim_no_backup", "nobackup nowritebackup"),
    vim("vim_backup", "backup", beside=("r.*~",), holds="old", told=False),
    vim("vim_copy", "backupcopy=yes", holds="old", beside_bad=("r.*~",), told=False),
    vim("vim_copy_backup", "backup backupcopy=yes", beside=("r.*~",), holds="old",
        beside_bad=("r.*~",), told=False),
    vim("vim_rename", "backupcopy=no", holds="old", told=False),
    Pattern("nano", nano, NANO_BAD, NANO_BAD, said="Wrote 1 line"),
    Pattern("nano_over", nano, NANO_BAD, NANO_BAD, over=True, said="Wrote 1 line"),
    Pattern("emacs", emacs(), EMACS_BAD, EMACS_BAD, said="Wrote", beside_bad=AUTO),
    Pattern("emacs_over", emacs(), EMACS_BAD, EMACS_BAD, over=True, said="Wrote",
            beside_bad=AUTO),
    Pattern("emacs_backup", emacs(*EMACS_BACKUP), EMACS_BAD, EMACS_BAD, over=True, said="Wrote",
            beside=("r.*~",), beside_bad=AUTO, holds="old", told=False),
    Pattern("emacs_copy", emacs(*EMACS_COPY), EMACS_BAD, EMACS_BAD, over=True, said="Wrote",
            beside=("r.*~",), beside_bad=("r.*~", *AUTO)),
    Pattern("sed_i", SED, (4, EINVAL), (4, EINVAL), over=True, holds="old"),
    Pattern("perl_i", PERL, (22, EINVAL), (22, EINVAL), over=True, holds="old"),
    Pattern("perl_i_backup", PERL_BACKUP, (22, EINVAL), (22, EINVAL), over=True, holds="",
            beside=("r.*~",), beside_bad=("r.*~",)),
]

if __name__ == "__main__":
    main([*cases(PATTERNS)])
