# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file of compiled code beside a payload, <sha>.<cache tag>.code: what was compiled once is not compiled again.

Rule 1: keep this file small. It and server.py are compiled at each start of an agent, everything else comes out of the file.
Rule 2: marshal believes what it reads. Only a whole file of ours is read: right key, right checksum, nobody else may write to it.
Rule 3: without the file, or with a bad one, everything works, only slower.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import stat
import sys

__all__ = ["is_ours", "path_of", "read", "store", "write"]

_MAGIC = b"RECODE1\n"
_HEAD = len(_MAGIC) + 32


def path_of(archive):
    """Return the path of the code file for this payload, or None when the payload does not lie in a cache of ours."""
    folder, name = os.path.split(archive)
    stem, extension = os.path.splitext(name)
    if extension != ".pyz" or len(stem) != 64 or not is_ours(folder):
        return None
    return os.path.join(folder, "%s.%s.code" % (stem, sys.implementation.cache_tag))


def is_ours(folder):
    """Return whether nobody else (root aside) can change what lies in the folder. With sudo, $HOME may be another user's."""
    try:
        info = os.stat(folder)
    except OSError:
        return False
    return info.st_uid == os.geteuid() and not info.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def read(archive):
    """Return the table that `write` was given for this payload and this interpreter, or None."""
    path = path_of(archive)
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_uid != os.geteuid():
                return None
            data = file.read()
    except (OSError, TypeError):
        return None
    if data[: len(_MAGIC)] != _MAGIC or hashlib.sha256(data[_HEAD:]).digest() != data[len(_MAGIC) : _HEAD]:
        return None
    key, table = marshal.loads(memoryview(data)[_HEAD:])
    return table if key == _key(archive) else None


def write(archive, table):
    """Store a table of plain values for this payload and this interpreter; a cache that cannot be written is no error."""
    path = path_of(archive)
    if path is None:
        return
    data = marshal.dumps((_key(archive), table))
    try:
        store(path, _MAGIC + hashlib.sha256(data).digest() + data)
    except OSError:
        pass


def store(path, data):
    """Write a file of ours, whole or not at all."""
    temporary = "%s.%d.tmp" % (path, os.getpid())
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(data)
        os.rename(temporary, path)
    except OSError:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise


def _key(archive):
    # Compiled code names its file, so it belongs to this path; and to this build of the interpreter.
    return (archive, sys.version, sys.flags.optimize)
