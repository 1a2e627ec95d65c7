# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which files the processes of a host touched, and when, read off strace."""

from __future__ import annotations

import posixpath
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CALLS = "%file,chdir,fchmod,fchown"
_LINE = re.compile(r"^(?P<pid>\d+) +(?P<time>\d+\.\d+) (?P<call>\w+)\((?P<args>.*?)\)\s+= (?P<result>-?\d+|\?)", re.DOTALL)
_PATH = re.compile(r'(?:(?:AT_FDCWD|\d+)<(?P<folder>[^>]*)>, )?"(?P<path>(?:[^"\\]|\\.)*)"')
_WRITES = re.compile(
    r"chmod|f?chown|fchmodat|fchownat|lchown|creat|link(at)?|mkdir(at)?|mknod(at)?|rename(at2?)?|rmdir|l?setxattr|symlink(at)?|truncate"
    r"|unlink(at)?|f?utimes?(at)?|utimensat|futimesat"
)


@dataclass(frozen=True)
class Access:
    time: float
    path: str
    write: bool


def wrapper(path: Path, python: str, log: Path) -> Path:
    """A program that is ``python`` under strace, for ansible_python_interpreter."""
    strace = shutil.which("strace")
    path.write_text(f'#!/bin/sh\nexec {strace} -f -qq -ttt -y -s 4096 -A -o {log} -e trace={CALLS} -e signal=none {python} "$@"\n')
    path.chmod(0o755)
    return path


def accesses(log: Path) -> Iterator[Access]:
    """In the order of the log; relative paths are found by the folder that strace shows, or the process changed to."""
    folders: dict[str, str] = {}
    text = log.read_text(errors="replace") if log.exists() else ""
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        call, args, failed = match["call"], match["args"], match["result"].startswith("-")
        found = list(_PATH.finditer(args))
        if call == "chdir":
            if found and not failed:
                folders[match["pid"]] = found[0]["path"]
            continue
        opens = call in ("open", "openat") and re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", args)
        write = not failed and bool(opens or _WRITES.fullmatch(call))
        for number, one in enumerate(found):
            linked = number == 0 and "link" in call and "unlink" not in call  # what a link leads to is looked at
            folder = one["folder"] or folders.get(match["pid"], "/")
            path = posixpath.normpath(posixpath.join(folder, one["path"]))
            yield Access(float(match["time"]), path, write and not linked)
