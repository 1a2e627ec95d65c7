# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's cache of payloads: records (small JSON files) and archives, in one private folder.

Rule 1: a record is believed only while every path that it watches is as it was (size and mtime, or absent).
Rule 2: the cache never fails a run: what is missing, stale, corrupt or not writable reads as absent, and is built again.
Rule 3: only code and its file names come in here; never arguments, variables or rendered files.
"""
from __future__ import annotations

import hashlib
import json
import os
import typing as t

from .private_folder import PrivateFolder

__all__ = ['PayloadCache', 'default_folder', 'digest']

FORMAT = 1
"""Part of every key: raise it when a record's meaning changes."""

Stamp = list[int] | None
_RECORD, _ARCHIVE = '.json', '.pyz'


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
        self._files = PrivateFolder(folder or default_folder(), limit=limit, endings=(_RECORD, _ARCHIVE))
        self.folder = self._files.path

    def recall(self, key: str) -> dict[str, t.Any] | None:
        """The value remembered under ``key``, unless a path that it depends on has changed."""
        data = self._files.read(key + _RECORD)
        try:
            record = json.loads(data or b'')
            watched, value = record['watched'], record['value']
            fresh = record['key'] == key and all(_stamp(name) == stamp for name, stamp in watched.items())
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        if not fresh or not isinstance(value, dict):
            return None
        self._files.touch(key + _RECORD)
        return value

    def remember(self, key: str, value: dict[str, t.Any], *, watched: t.Iterable[str], since: int) -> None:
        """Keep ``value`` under ``key``. ``since`` (time.time_ns) is when the reading of the watched files began."""
        stamps = {path: _stamp(path) for path in sorted(watched)}
        if any(stamp and stamp[0] >= since for stamp in stamps.values()):
            return  # changed while it was read: the content may be older than its stamp
        record = json.dumps({'key': key, 'watched': stamps, 'value': value}, separators=(',', ':'))
        if self._files.write(key + _RECORD, record.encode()):
            self._files.prune()

    def archive(self, sha: str) -> bytes | None:
        """The archive, verified; None when it is missing or is not what its name says."""
        data = self._files.read(sha + _ARCHIVE)
        if data is None or hashlib.sha256(data).hexdigest() != sha:
            return None
        self._files.touch(sha + _ARCHIVE)
        return data

    def keep_archive(self, sha: str, data: bytes) -> None:
        if self.archive(sha) is None:
            self._files.write(sha + _ARCHIVE, data)

    def archive_path(self, sha: str) -> str:
        return os.path.join(self.folder, sha + _ARCHIVE)


def _stamp(path: str) -> Stamp:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return [stat.st_mtime_ns, stat.st_size]
