"""What desktop programs do when they write a request: by GIO as GNOME's file manager and editors
do, by KIO as Dolphin does, and out of LibreOffice."""

from patterns import *

KIO = """mkdir -m 700 $TMP/run; export XDG_RUNTIME_DIR=$TMP/run QT_QPA_PLATFORM=offscreen
export QT_LOGGING_RULES='*=false'
kioclient5 --noninteractive"""
KIO_BAD = (1, "Could not write")
OFFICE = "soffice -env:UserInstallation=file://$TMP/office --headless --convert-to txt:Text"
INVALID = (1, "Invalid filename")

PATTERNS = [
    Pattern("gio_copy", "gio copy SRC DST"),
    Pattern("gio_copy_over", "gio copy SRC DST", over=True),
    Pattern("gio_move", "cp SRC $TMP/x; gio move $TMP/x DST || { test -e $TMP/x; exit 1; }"),
    Pattern("gio_move_inside", "cp SRC x.part; gio move x.part DST", INVALID, INVALID,
            holds="", beside_bad=("x.part",)),
    Pattern("gio_save", "gio save DST < SRC", (2, EINVAL), (2, EINVAL)),
    Pattern("gio_save_over", "gio save DST < SRC", (2, EINVAL), (2, EINVAL), over=True),
    Pattern("kio_copy", f"{KIO} copy file://SRC file://$PWD/DST", KIO_BAD, KIO_BAD, holds=""),
    Pattern("kio_move", f"cp SRC $TMP/x; {KIO} move file://$TMP/x file://$PWD/DST", KIO_BAD,
            KIO_BAD, holds=""),
]

BATCHES = [
    Batch("kio", f"{KIO} copy file://$TMP/d file://$PWD/d", sent=None),
]


def case_libreoffice(bench):
    """One run for both, as it takes its time to start."""
    common = bench.common.open()
    folder = common.folder("office")
    for name, text in (("good", PROMPT), ("bad", LONG)):
        bench.file(f"{name}.html", f"<html><body><p>{text}</p></body></html>")
    ended = run(f"{OFFICE} --outdir {folder} good.html bad.html", None, bench.home,
                {"TMP": bench.home, "HOME": bench.home})
    common.settled(1)
    equal(ended.status, 0, ended.err)
    contains(ended.err, "Error")
    check_listing(folder, ["good.txt", "bad.txt", "bad.error"], "good")
    contains(read(f"{folder}/bad.error"), *WRONG_PROMPT)


if __name__ == "__main__":
    main([*cases(PATTERNS), *batch_cases(BATCHES)])
