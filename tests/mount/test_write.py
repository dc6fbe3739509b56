"""What the shell, its usual programs and languages do when they write a request."""

from patterns import *

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
# As file managers do.
PYTHON_REMOVE = """python3 -c '
import os, sys
try:
    with open("DST", "w") as file:
        file.write(open("SRC").read())
except OSError as error:
    os.unlink("DST")
    sys.exit(str(error))'"""
PERL = """perl -e '
open(my $to, ">", "DST") or die; open(my $from, "<", "SRC") or die;
print $to (<$from>); close($to) or die "$!\\n"'"""
NODE = """node -e '
fs.writeFile("DST", fs.readFileSync("SRC"), error => {
	if (error) { console.error(error.message); process.exitCode = 3 }
})'"""
NODE_SYNC = """node -e 'fs.writeFileSync("DST", fs.readFileSync("SRC"))'"""
TAIL = "head -c 9 SRC; tail -c +10 SRC"
DESCRIPTOR = "exec 3> DST; head -c 9 SRC >&3; tail -c +10 SRC >&3; s=$?; exec 3>&-; exit $s"
PRINTF = "{ printf %s \"$(head -c 9 SRC)\"; printf '%s\\n' \"$(tail -c +10 SRC)\"; } > DST"
# Space is made first and filled by another open().
FALLOCATE = "fallocate -l 20 DST && cat SRC > DST"
HOLES = "truncate -s 20 DST && cat SRC > DST"
# The request stands there already, with more after it.
TRUNCATE = "{ cat SRC; printf '\\0'; } > $TMP/x; cp $TMP/x DST 2> $TMP/e; truncate -rSRC DST"

# The shells' builtins hear no error of close(), nor does anybody when the program has ended before
# the last close: the .error file tells.
QUIET = (0, "")
PATTERNS = [
    Pattern("cp", "cp SRC DST"),
    Pattern("cp_over", "cp SRC DST", over=True),
    Pattern("cp_p", "cp -p SRC DST"),
    Pattern("cp_r", "mkdir $TMP/d; cp SRC $TMP/d/DST; cp -r $TMP/d/. ."),
    Pattern("cp_a", "mkdir $TMP/d; cp SRC $TMP/d/DST; cp -a $TMP/d/. ."),
    Pattern("mv_across", "cp SRC $TMP/DST; mv $TMP/DST . || { test -e $TMP/DST; exit 1; }"),
    # What mv says of EINVAL is its own idea of the reason.
    Pattern("mv_inside", "cp SRC x.part; mv x.part DST", (1, "cannot move"), (1, "cannot move"),
            holds="", beside_bad=("x.part",)),
    Pattern("cat", "cat SRC > DST"),
    Pattern("cat_over", "cat SRC > DST", over=True),
    Pattern("tee", "tee DST < SRC > /dev/null"),
    Pattern("tee_append", "tee -a DST < SRC > /dev/null"),
    Pattern("dd_1", "dd if=SRC of=DST bs=1 status=none", prompt=None),
    Pattern("dd_7", "dd if=SRC of=DST bs=7 status=none"),
    Pattern("echo", 'text=$(cat SRC); echo "$text" > DST', prompt=QUIET),
    Pattern("echo_append", 'text=$(cat SRC); echo "$text" >> DST', prompt=QUIET),
    Pattern("dash", "dash -c 'text=$(cat SRC); echo \"$text\" > DST'", (1, "I/O error"), QUIET),
    Pattern("printf", PRINTF, prompt=QUIET),
    Pattern("here_document", 'eval "cat > DST <<END\n$(cat SRC)\nEND\n"'),
    Pattern("group", f"{{ {TAIL}; }} > DST", prompt=QUIET),
    # bash becomes the last program of a subshell, which so is the one that opened the file.
    Pattern("subshell", f"( {TAIL} ) > DST"),
    Pattern("descriptor", DESCRIPTOR, prompt=QUIET),
    Pattern("python_open",
            """python3 -c 'f = open("DST", "w"); f.write(open("SRC").read()); f.close()'"""),
    Pattern("python_with",
            """python3 -c 'with open("DST", "w") as f: f.write(open("SRC").read())'"""),
    Pattern("python_replace", PYTHON_REPLACE, holds="", beside_bad=("tmp????????",)),
    Pattern("python_remove", PYTHON_REMOVE, holds=""),
    Pattern("python_remove_over", PYTHON_REMOVE, over=True, holds=""),
    Pattern("python_dup", PYTHON_DUP),
    Pattern("python_mmap", PYTHON_MMAP),
    Pattern("copy_file_range", PYTHON_RANGE, beside=("x.part",), beside_bad=("x.part",)),
    Pattern("python_attributes", PYTHON_ATTRIBUTES),
    Pattern("perl", PERL, (22, EINVAL), (22, EINVAL)),
    Pattern("node", NODE, (3, "EINVAL"), (3, "EINVAL")),
    Pattern("node_sync", NODE_SYNC, (1, "EINVAL"), (1, "EINVAL")),
    Pattern("install", "install -m 644 SRC DST"),
    Pattern("sort_o", "sort -o DST SRC", (2, EINVAL), (2, EINVAL)),
    Pattern("split", "split -a 1 --additional-suffix=EXT SRC r", stem="ra"),
    Pattern("truncate", TRUNCATE),
    Pattern("truncate_holes", HOLES),
    Pattern("fallocate", FALLOCATE),
    Pattern("flock", "flock DST cp SRC DST"),
    Pattern("link", "cp SRC x.part; ln -s x.part DST; ln x.part DST; mv x.part DST",
            (1, "cannot move"), (1, "cannot move"), said="not permitted", holds="",
            beside_bad=("x.part",)),
]

BATCHES = [
    Batch("cp_r", "cp -r $TMP/d ."),
    Batch("cp_a", "cp -a $TMP/d ."),
    Batch("mv", "mv $TMP/d ."),
    Batch("split", "mkdir d; cat $TMP/d/* | split -l 1 -a 1 --additional-suffix=.txt - d/", sent=1),
]


def case_error_of_a_removed_file(bench):
    """It stays when the writer has removed the file and goes when the name is taken; whoever else
    removes the file takes it along."""
    common = bench.common.open()
    folder = common.folder("removed")
    bad = bench.file("bad", LONG)
    run(PYTHON_REMOVE.replace("SRC", bad).replace("DST", "r.txt"), 1, folder)
    equal(names(folder), ["r.error"])
    run(["cp", bad, f"{folder}/r.txt"], 1)
    equal(names(folder), ["r.error", "r.txt"])
    run(["rm", f"{folder}/r.txt"])
    until(lambda: names(folder) == [], lambda: f"nothing in {names(folder)}")
    run(PYTHON_REMOVE.replace("SRC", bad).replace("DST", "r.txt"), 1, folder)
    run(["cp", bench.file("good", PROMPT), f"{folder}/r.txt"])
    common.settled(1)
    check_listing(folder, ["r.txt"], "r")
    run(PYTHON_REMOVE.replace("SRC", bad).replace("DST", "s.txt"), 1, folder)
    run(["rm", f"{folder}/s.error"])
    check_listing(folder, ["r.txt"], "r")


if __name__ == "__main__":
    main([*cases(PATTERNS), *batch_cases(BATCHES)])
