"""What programs do that fetch, unpack and copy requests into place."""

from patterns import *

GIT = """git init -q $TMP/g && cp SRC $TMP/g/DST && git -C $TMP/g add . &&
git -C $TMP/g -c user.name=x -c user.email=x@example.org commit -qm x &&
git --git-dir=$TMP/g/.git --work-tree=. checkout -q HEAD -- DST"""
GIT_FOLDER = """git init -q $TMP/g && cp -r $TMP/d $TMP/g && git -C $TMP/g add . &&
git -C $TMP/g -c user.name=x -c user.email=x@example.org commit -qm x &&
git --git-dir=$TMP/g/.git --work-tree=. checkout -q HEAD -- d"""
TAR = "cp SRC $TMP/DST; tar cf $TMP/t.tar -C $TMP DST; tar xf $TMP/t.tar"
ZIP = "cp SRC $TMP/DST; (cd $TMP && python3 -m zipfile -c t.zip DST); unzip -q $TMP/t.zip"
QUIET = (0, "")

PATTERNS = [
    Pattern("rsync", "rsync SRC DST", (23, EINVAL), (23, EINVAL), holds=""),
    Pattern("rsync_over", "rsync -I SRC DST", (23, EINVAL), (23, EINVAL), over=True, holds="old"),
    Pattern("rsync_a", "rsync -a SRC DST", (23, EINVAL), (23, EINVAL), holds=""),
    Pattern("rsync_inplace", "rsync --inplace SRC DST", (11, EINVAL), (11, EINVAL)),
    Pattern("rsync_inplace_over", "rsync -I --inplace SRC DST", (11, EINVAL), (11, EINVAL),
            over=True),
    Pattern("curl", "curl -sS -o DST URL", (23, "curl"), (23, "curl")),
    Pattern("wget", "wget -q -O DST URL", (3, ""), (3, "")),
    # Neither git nor unzip looks at the result of close().
    Pattern("git_checkout", GIT, (255, "unable to write file"), QUIET),
    Pattern("tar_x", TAR, (2, EINVAL), (2, EINVAL)),
    Pattern("unzip", ZIP, (50, "write error"), QUIET),
]

BATCHES = [
    Batch("rsync", "rsync -r $TMP/d .", 23, holds=False),
    Batch("rsync_inplace", "rsync -r --inplace $TMP/d .", 11, sent=1),
    Batch("git_checkout", GIT_FOLDER, 0, ""),
    Batch("tar_x", "tar cf - -C $TMP d | tar xf -", 2),
    Batch("unzip", "(cd $TMP && python3 -m zipfile -c t.zip d); unzip -q $TMP/t.zip", 0, ""),
]

if __name__ == "__main__":
    main([*cases(PATTERNS), *batch_cases(BATCHES)])
