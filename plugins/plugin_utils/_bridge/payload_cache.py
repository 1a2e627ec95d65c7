# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's cache of payloads: records (small JSON files) and archives, in one private folder.

Rule 1: a record is believed only while every path that it watches is as it was (size and mtime, or absent).
Rule 2: the cache never fails a run: what is missing, stale, corrupt or not writable reads as absent, and is built again.
Rule 3: only code and its file names come in here; never arguments, variables or rendered files.
"""
from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import typing as t

__all__ = ['PayloadCache', 'default_folder', 'digest']

FORMAT = 1
"""Part of every key: raise it when a record's meaning changes."""

Stamp = list[int] | None
_RECORD, _ARCHIVE, _TEMPORARY = '.json', '.pyz', '.tmp'


def default_folder() -> str:
    """``RUSTLE_CACHE_DIR``, else ``rustle`` below the user's cache folder."""
    base = os.environ.get('XDG_CACHE_HOME') or ''
    if not os.path.isabs(base):  # the XDG specification: relative paths are to be ignored
        base = os.path.expanduser('~/.cache')
    return os.environ.get('RUSTLE_CACHE_DIR') or os.path.join(base, 'rustle')


def digest(value: t.Any) -> str:
    """A name for a JSON value."""
    return hashlib.sha256(json.dumps([FORMAT, value], sort_keys=True).encode()).hexdigest()


class PayloadCache:
    """Records by key and archives by sha256 in ``folder``, at most ``limit`` bytes; least recently used go first."""

    def __init__(self, folder: str | None = None, *, limit: int = 64 << 20) -> None:
        self.folder = os.path.abspath(os.path.expanduser(folder or default_folder()))
        self._limit = limit

    def recall(self, key: str) -> dict[str, t.Any] | None:
        """The value remembered under ``key``, unless a path that it depends on has changed."""
        path = self._path(key, _RECORD)
        try:
            with open(path, 'rb') as file:
                record = json.load(file)
            watched, value = record['watched'], record['value']
            fresh = self._is_ours() and record['key'] == key and all(_stamp(name) == stamp for name, stamp in watched.items())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        if not fresh or not isinstance(value, dict):
            return None
        _touch(path)
        return value

    def remember(self, key: str, value: dict[str, t.Any], *, watched: t.Iterable[str], since: int) -> None:
        """Keep ``value`` under ``key``. ``since`` (time.time_ns) is when the reading of the watched files began."""
        stamps = {path: _stamp(path) for path in sorted(watched)}
        if any(stamp and stamp[0] >= since for stamp in stamps.values()):
            return  # changed while it was read: the content may be older than its stamp
        record = json.dumps({'key': key, 'watched': stamps, 'value': value}, separators=(',', ':'))
        if self._write(self._path(key, _RECORD), record.encode()):
            self._prune()

    def archive(self, sha: str) -> bytes | None:
        """The archive, verified; None when it is missing or is not what its name says."""
        path = self.archive_path(sha)
        try:
            with open(path, 'rb') as file:
                data = file.read()
        except OSError:
            return None
        if not self._is_ours() or hashlib.sha256(data).hexdigest() != sha:
            return None
        _touch(path)
        return data

    def keep_archive(self, sha: str, data: bytes) -> None:
        if self.archive(sha) is None:
            self._write(self.archive_path(sha), data)

    def archive_path(self, sha: str) -> str:
        return self._path(sha, _ARCHIVE)

    def _path(self, name: str, ending: str) -> str:
        return os.path.join(self.folder, name + ending)

    def _is_ours(self) -> bool:
        """Nobody else may write here: what we read is run on the targets."""
        try:
            stat = os.stat(self.folder)
        except OSError:
            return False
        return stat.st_uid == os.geteuid() and not stat.st_mode & 0o022

    def _write(self, path: str, data: bytes) -> bool:
        """Atomic: readers and other writers see the old file or the new one."""
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            if not self._is_ours():
                return False
            handle, temporary = tempfile.mkstemp(prefix='.', suffix=_TEMPORARY, dir=self.folder)
            try:
                with open(handle, 'wb') as file:
                    file.write(data)
                os.replace(temporary, path)
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError:
            return False
        return True

    def _prune(self) -> None:
        with contextlib.suppress(OSError):
            endings = (_RECORD, _ARCHIVE, _TEMPORARY)
            ours = [entry for entry in os.scandir(self.folder) if entry.name.endswith(endings) and entry.is_file()]
            stats = sorted(((entry.stat(), entry.path) for entry in ours), key=lambda pair: pair[0].st_mtime_ns, reverse=True)
            total = 0
            for stat, path in stats:
                total += stat.st_size
                if total > self._limit:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(path)


def _stamp(path: str) -> Stamp:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return [stat.st_mtime_ns, stat.st_size]


def _touch(path: str) -> None:
    with contextlib.suppress(OSError):
        os.utime(path)
