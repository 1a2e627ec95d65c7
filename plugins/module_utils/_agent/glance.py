# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Answers the question of ansible-core's copy action, what is there, without a child for the module stat.

Rule 1: only what is plain is answered here: nothing there, a directory, a link, or a file that is read in no time. For everything else the
        answer is None, and the module runs.
Rule 2: what is answered, the module would say: same keys, same values. Left out is what the action does not read (mimetype, charset, version,
        attributes, attr_flags, disk_usage_bytes, invocation), and pw_name and gr_name: to ask libc for them would fix its view of
        nsswitch.conf for all modules to come.
Rule 3: what the module writes to syslog is written here as well.
Source: ansible/modules/stat.py, AnsibleModule.log in ansible/module_utils/basic.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import time
from typing import Any, Dict, Optional

__all__ = ["MAX_READ", "glance"]

MAX_READ = 4 << 20
"""Bytes of a file that are read while everything else of the agent waits."""

_BASIC = "ansible.module_utils.basic"
_BITS = {
    "wusr": stat.S_IWUSR,
    "rusr": stat.S_IRUSR,
    "xusr": stat.S_IXUSR,
    "wgrp": stat.S_IWGRP,
    "rgrp": stat.S_IRGRP,
    "xgrp": stat.S_IXGRP,
    "woth": stat.S_IWOTH,
    "roth": stat.S_IROTH,
    "xoth": stat.S_IXOTH,
    "isuid": stat.S_ISUID,
    "isgid": stat.S_ISGID,
}
_OF_PLATFORMS = {
    "blocks": "st_blocks",
    "block_size": "st_blksize",
    "device_type": "st_rdev",
    "flags": "st_flags",
    "generation": "st_gen",
    "birthtime": "st_birthtime",
}


def glance(hint: Dict[str, Any]) -> Optional[bytes]:
    """Return what the module would print, or None when it has to run. `hint` as in messages.STEPS: "stat" of a module step."""
    path = hint["path"]
    if not os.path.isabs(path) or "\0" in path or (hint.get("log") and not _logs_to_syslog()):
        return None
    try:
        found = _look(path.encode(), hint)
        out = json.dumps({"changed": False, "stat": found}).encode()
        if hint.get("log"):
            _log(**hint["log"])
    except (OSError, ValueError):  # ValueError: text that is not Unicode, or no sha1 here
        return None
    return out


def _look(path: bytes, hint: Dict[str, Any]) -> Dict[str, Any]:
    try:
        info = os.stat(path) if hint["follow"] else os.lstat(path)
    except FileNotFoundError:
        return {"exists": False}
    kind = stat.S_IFMT(info.st_mode)
    if kind not in (stat.S_IFDIR, stat.S_IFLNK, stat.S_IFREG):
        raise ValueError("no plain file")
    found = {
        "exists": True,
        "path": hint["path"],
        "mode": "%04o" % stat.S_IMODE(info.st_mode),
        "isdir": kind == stat.S_IFDIR,
        "ischr": False,
        "isblk": False,
        "isreg": kind == stat.S_IFREG,
        "isfifo": False,
        "islnk": kind == stat.S_IFLNK,
        "issock": False,
        "uid": info.st_uid,
        "gid": info.st_gid,
        "size": info.st_size,
        "inode": info.st_ino,
        "dev": info.st_dev,
        "nlink": info.st_nlink,
        "atime": info.st_atime,
        "mtime": info.st_mtime,
        "ctime": info.st_ctime,
    }
    found.update((name, bool(info.st_mode & bit)) for name, bit in _BITS.items())
    found.update((name, getattr(info, field)) for name, field in _OF_PLATFORMS.items() if hasattr(info, field))
    found.update(readable=os.access(path, os.R_OK), writeable=os.access(path, os.W_OK), executable=os.access(path, os.X_OK))
    if kind == stat.S_IFLNK:
        found.update(lnk_source=os.path.realpath(path).decode(), lnk_target=os.readlink(path).decode())
    if kind == stat.S_IFREG and hint["checksum"]:
        found["checksum"] = _sha1(path, info)
    return found


def _sha1(path: bytes, info: os.stat_result) -> str:
    """Return the checksum of the file that was looked at."""
    # What has taken its place meanwhile may be a fifo, which would be waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        now = os.fstat(descriptor)
        if (now.st_dev, now.st_ino) != (info.st_dev, info.st_ino):
            raise ValueError("another file")
        data = file.read(MAX_READ + 1) if info.st_size <= MAX_READ else b""
        if len(data) != info.st_size:
            raise ValueError("too long, or in the middle of a change")
    return hashlib.sha1(data).hexdigest()


def _logs_to_syslog() -> bool:
    """Whether modules here write to syslog: known once the library for them was imported. (The other kind is systemd's journal.)"""
    basic = sys.modules.get(_BASIC)
    return getattr(basic, "HAS_SYSLOG", False) is True and getattr(basic, "has_journal", True) is False


def _log(ident: str, facility: str, text: str) -> None:
    import syslog

    time.tzset()  # the line begins with the time: a task may have changed the zone
    syslog.openlog(ident, 0, getattr(syslog, facility, syslog.LOG_USER))
    try:
        syslog.syslog(syslog.LOG_INFO, text)
    finally:
        syslog.closelog()  # children find nothing open
