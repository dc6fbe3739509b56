"""What touches a request's name and costs nothing: on a new name, on a request that was sent, and on
one that was refused. Each finds in the folder afterwards what was there before."""

from patterns import *

EPERM = "Operation not permitted"
ALL, THERE, NEW = ("new", "sent", "refused"), ("sent", "refused"), ("new",)


@dataclasses.dataclass
class Row:
    """`command` runs where DST, t.json, is to be or is; ends with `status` and says `words`."""

    name: str
    command: str
    status: int = 0
    words: str = ""
    on: tuple = ALL
    makes: bool = True  # of a new name: it is there then
    keeps: bool = True  # what is there keeps its bytes
    told: bool = False  # .error is there then, whatever was


ROWS = [
    Row("touch", "touch DST"),
    Row("touch_time", "touch -d 2001-02-03 DST"),
    Row("touch_new_only", "touch -c DST", makes=False),
    Row("truncate_to_nothing", "truncate -s 0 DST", keeps=False),
    Row("truncate_to_holes", "truncate -s 20 DST", on=NEW),
    Row("truncate_to_more", "truncate -s +20 DST", 1, EINVAL, THERE, keeps=False, told=True),
    Row("fallocate", "fallocate -l 20 DST", on=NEW),
    Row("empty", ": > DST", keeps=False),
    Row("append_nothing", ": >> DST"),
    Row("cp_empty", "cp /dev/null DST", keeps=False),
    Row("dd_nothing", "dd if=/dev/null of=DST conv=notrunc status=none"),
    Row("blank", "printf ' \\n\\t\\n' > DST", on=NEW),
    Row("same_again", "cp DST $TMP/same; cp $TMP/same DST", on=("sent",)),
    Row("same_moved", "cp DST x.part; mv x.part DST", on=("sent",)),
    Row("there_and_back", "mv DST DST~; mv DST~ DST", on=("sent",)),
    Row("chmod", "touch DST; chmod 600 DST; chmod 644 DST"),
    Row("chown", "touch DST; chown $(id -u):$(id -g) DST"),
    Row("chown_other", "chown 12345 DST", 1, EPERM, THERE),
    Row("setfattr", "touch DST; setfattr -n user.note -v x DST; setfattr -x user.note DST"),
    Row("flock", "flock DST true"),
    Row("flock_shared", "touch DST; flock -s DST cat DST", words=""),
    Row("link", "ln DST other.json", 1, EPERM, THERE),
    Row("link_symbolic", "ln -s /etc/hostname DST", 1, EPERM, NEW, makes=False),
    Row("link_over", "ln -sf /etc/hostname DST", 1, EPERM, THERE),
    Row("fifo", "mkfifo DST", 1, EPERM, NEW, makes=False),
    Row("block_device", "mknod DST b 7 0", 1, EPERM, NEW, makes=False),
    Row("character_device", "mknod DST c 1 3", 1, EPERM, NEW, makes=False),
    Row("socket", """python3 -c '
import socket
socket.socket(socket.AF_UNIX).bind("DST")'""", 1, EPERM, NEW, makes=False),
    Row("gio_trash", "gio trash DST", 1, "trash", THERE),
    Row("sync", "touch DST; sync DST"),
    Row("read_write", "exec 3<> DST; cat <&3 > /dev/null"),
]


def check(row, state):
    case = f"{row.name}_{state}"

    def body(bench):
        common = bench.common.open()
        folder = common.folder(case)
        path = f"{folder}/t.json"
        wanted, text = [], ""
        if state != "new":
            text = GOOD if state == "sent" else BAD
            run(["cp", bench.file("before", text), path], None)
            common.settled(1 if state == "sent" else 0)
            wanted = ["t.json"]
        elif row.makes:
            wanted = ["t.json"]
        ended = run(row.command.replace("DST", "t.json"), None, folder, {"TMP": bench.home})
        common.settled(0)
        equal(ended.status, row.status, ended.err)
        contains(ended.err, row.words)
        if row.told or state == "refused":
            wanted.append("t.error")
        check_listing(folder, wanted, "t")
        if row.keeps and "t.json" in wanted and state != "new":
            equal(read(path), text)
        if state == "refused" and not row.told:
            contains(read(f"{folder}/t.error"), *WRONG_JSON)

    return case, body


if __name__ == "__main__":
    main([check(row, state) for row in ROWS for state in row.on])
