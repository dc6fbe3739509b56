"""What programs do when they write a request, one that is taken and one that is not.

Each pattern is a line of bash in a folder of its own below models/z-image: SRC is a file outside
the mount, DST the request's name. The good request becomes one task and reads back as it was. The
bad one sends nothing and leaves DST's .error; what the program said and its exit status are in the
table.
"""

import json
import os

from mount import *

GOOD = '{"prompt": "A red kite over a hill.", "aspect_ratio": "16:9"}\n'
BAD = '{"prompt": "A red kite over a hill.", "aspect_ratio": "9:99"}\n'
LONG = "kite " * 300 + "\n"
EINVAL = "Invalid argument"
PYTHON_REPLACE = """python3 -c '
import os, tempfile
fd, name = tempfile.mkstemp(dir=".")
os.write(fd, open("SRC", "rb").read())
os.close(fd)
os.replace(name, "DST")'"""
PYTHON_DUP = """python3 -c '
import os
fd = os.open("DST", os.O_CREAT | os.O_WRONLY)
two = os.dup(fd)
os.close(fd)
os.write(two, open("SRC", "rb").read())
os.close(two)'"""
PYTHON_MMAP = """python3 -c '
import mmap
text = open("SRC", "rb").read()
file = open("DST", "w+b")
file.truncate(len(text))
map = mmap.mmap(file.fileno(), len(text))
map[:] = text
map.close()
file.close()'"""
PYTHON_RANGE = """cp SRC x.part; python3 -c '
import os
into = os.open("DST", os.O_CREAT | os.O_WRONLY)
os.copy_file_range(os.open("x.part", os.O_RDONLY), into, 4096)
os.close(into)'"""
PYTHON_ATTRIBUTES = """python3 -c '
import os
fd = os.open("DST", os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
os.write(fd, open("SRC", "rb").read())
os.fsync(fd)
os.fchmod(fd, 0o644)
os.utime(fd)
os.close(fd)'"""
PERL = """perl -e '
open(my $to, ">", "DST") or die; open(my $from, "<", "SRC") or die;
print $to (<$from>); close($to) or die "$!\\n"'"""

# Name; command; of the bad JSON request the exit status and the words; of the bad prompt the same,
# or None where the pattern is not for prompts. The shells' builtins hear no error of close(), nor
# does anybody when the program has ended before the last close: the .error file tells.
PATTERNS = [
    ("cp", "cp SRC DST", (1, EINVAL), (1, EINVAL)),
    ("cp_p", "cp -p SRC DST", (1, EINVAL), (1, EINVAL)),
    ("cp_r", "mkdir $TMP/d; cp SRC $TMP/d/DST; cp -r $TMP/d/. .", (1, EINVAL), (1, EINVAL)),
    ("cp_a", "mkdir $TMP/d; cp SRC $TMP/d/DST; cp -a $TMP/d/. .", (1, EINVAL), (1, EINVAL)),
    ("mv_across", "cp SRC $TMP/DST; mv $TMP/DST .", (1, EINVAL), (1, EINVAL)),
    # What mv says of EINVAL is its own idea of the reason.
    ("mv_inside", "cp SRC x.part; mv x.part DST", (1, "cannot move"), (1, "cannot move")),
    ("cat", "cat SRC > DST", (1, EINVAL), (1, EINVAL)),
    ("tee", "tee DST < SRC > /dev/null", (1, EINVAL), (1, EINVAL)),
    ("tee_append", "tee -a DST < SRC > /dev/null", (1, EINVAL), (1, EINVAL)),
    ("dd_1", "dd if=SRC of=DST bs=1 status=none", (1, EINVAL), None),
    ("dd_7", "dd if=SRC of=DST bs=7 status=none", (1, EINVAL), (1, EINVAL)),
    ("echo", 'text=$(cat SRC); echo "$text" > DST', (1, EINVAL), (0, "")),
    ("echo_append", 'text=$(cat SRC); echo "$text" >> DST', (1, EINVAL), (0, "")),
    ("dash", "dash -c 'text=$(cat SRC); echo \"$text\" > DST'", (1, "I/O error"), (0, "")),
    ("printf", "{ printf %s \"$(head -c 9 SRC)\"; printf '%s\\n' \"$(tail -c +10 SRC)\"; } > DST",
     (1, EINVAL), (0, "")),
    ("here_document", 'eval "cat > DST <<END\n$(cat SRC)\nEND\n"', (1, EINVAL), (1, EINVAL)),
    ("group", "{ head -c 9 SRC; tail -c +10 SRC; } > DST", (1, EINVAL), (0, "")),
    # bash becomes the last program of a subshell, which so is the one that opened the file.
    ("subshell", "( head -c 9 SRC; tail -c +10 SRC ) > DST", (1, EINVAL), (1, EINVAL)),
    ("descriptor", "exec 3> DST; head -c 9 SRC >&3; tail -c +10 SRC >&3; s=$?; exec 3>&-; exit $s",
     (1, EINVAL), (0, "")),
    ("python_open", """python3 -c 'f = open("DST", "w"); f.write(open("SRC").read()); f.close()'""",
     (1, EINVAL), (1, EINVAL)),
    ("python_with", """python3 -c 'with open("DST", "w") as f: f.write(open("SRC").read())'""",
     (1, EINVAL), (1, EINVAL)),
    ("python_replace", PYTHON_REPLACE, (1, EINVAL), (1, EINVAL)),
    ("python_dup", PYTHON_DUP, (1, EINVAL), (1, EINVAL)),
    ("python_mmap", PYTHON_MMAP, (1, EINVAL), (1, EINVAL)),
    ("copy_file_range", PYTHON_RANGE, (1, EINVAL), (1, EINVAL)),
    ("python_attributes", PYTHON_ATTRIBUTES, (1, EINVAL), (1, EINVAL)),
    ("perl", PERL, (22, EINVAL), (22, EINVAL)),
    ("rsync", "rsync SRC DST", (23, EINVAL), (23, EINVAL)),
    ("rsync_a", "rsync -a SRC DST", (23, EINVAL), (23, EINVAL)),
    ("rsync_inplace", "rsync --inplace SRC DST", (11, EINVAL), (11, EINVAL)),
    ("gio_copy", "gio copy SRC DST", (1, EINVAL), (1, EINVAL)),
    ("gio_save", "gio save DST < SRC", (2, EINVAL), (2, EINVAL)),
    ("install", "install -m 644 SRC DST", (1, EINVAL), (1, EINVAL)),
    ("sort_o", "sort -o DST SRC", (2, EINVAL), (2, EINVAL)),
    ("curl", "curl -sS -o DST file://SRC", (23, "curl"), (23, "curl")),
    ("tar_x", "cp SRC $TMP/DST; tar cf $TMP/t.tar -C $TMP DST; tar xf $TMP/t.tar",
     (2, EINVAL), (2, EINVAL)),
    ("vim_new", "vim -u NONE -i NONE -es -N -c 'r SRC' -c wq -c 'cq 3' DST", (4, ""), (4, "")),
]


def prepare(bench, name, command, text, target):
    """The folder to write in, and what runs the pattern there."""
    common = bench.common.open()
    line = command.replace("SRC", bench.file("source", text)).replace("DST", target)
    return common, common.folder(name), line


def good(name, command, text, target):
    def check(bench):
        common, folder, line = prepare(bench, name, command, text, target)
        run(line, cwd=folder, env={"TMP": bench.home})
        common.settled(1)
        equal(read(f"{folder}/{target}"), text)
        assert "r.error" not in names(folder), read(f"{folder}/r.error")
        sent = json.loads(read(f"{folder}/r.task/request.json"))["input"]
        equal(sent["prompt"].strip(), "A red kite over a hill.")

    return name, check


def bad(name, command, text, target, status, words, told):
    def check(bench):
        common, folder, line = prepare(bench, name, command, text, target)
        ended = run(line, status=None, cwd=folder, env={"TMP": bench.home})
        common.settled(0)
        equal(ended.status, status, ended.err + ended.out)
        contains(ended.err + ended.out, words)
        contains(read(f"{folder}/r.error"), *told)
        # Where the name was made, the bytes can be mended in place.
        if os.path.exists(f"{folder}/{target}"):
            equal(read(f"{folder}/{target}").strip(), text.strip())

    return name, check


def cases():
    for name, command, json_end, prompt_end in PATTERNS:
        yield good(f"{name}_json", command, GOOD, "r.json")
        yield bad(f"{name}_json_bad", command, BAD, "r.json", *json_end,
                  ["aspect_ratio", "9:99", "16:9"])
        if prompt_end:
            yield good(f"{name}_prompt", command, "A red kite over a hill.\n", "r.txt")
            yield bad(f"{name}_prompt_bad", command, LONG, "r.txt", *prompt_end,
                      ["prompt", "1000"])


if __name__ == "__main__":
    main(list(cases()))
