# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A folder of a cache: files that are written whole or not at all, by us alone, at most so many bytes.

Rule: a cache never fails a run. What is missing, or is not ours alone, reads as absent; what cannot be written is not kept.
"""
from __future__ import annotations

import contextlib
import os
import tempfile
import typing as t

__all__ = ['PrivateFolder']

_TEMPORARY = '.tmp'


class PrivateFolder:
    """``endings``: of the files that count; where they are more than ``limit`` bytes the least recently used go first."""

    def __init__(self, path: str, *, limit: int, endings: t.Sequence[str]) -> None:
        self.path = os.path.abspath(os.path.expanduser(path))
        self._limit = limit
        self._endings = (*endings, _TEMPORARY)

    def is_ours(self) -> bool:
        """Nobody else may write here: what we read decides what is run on the targets."""
        try:
            stat = os.stat(self.path)
        except OSError:
            return False
        return stat.st_uid == os.geteuid() and not stat.st_mode & 0o022

    def read(self, name: str) -> bytes | None:
        try:
            with open(os.path.join(self.path, name), 'rb') as file:
                data = file.read()
        except OSError:
            return None
        return data if self.is_ours() else None

    def touch(self, name: str) -> None:
        """It was of use."""
        with contextlib.suppress(OSError):
            os.utime(os.path.join(self.path, name))

    def write(self, name: str, data: bytes) -> bool:
        """Atomic: readers and other writers see the old file or the new one. Files are for us alone (0600)."""
        try:
            os.makedirs(self.path, mode=0o700, exist_ok=True)
            if not self.is_ours():
                return False
            handle, temporary = tempfile.mkstemp(prefix='.', suffix=_TEMPORARY, dir=self.path)
            try:
                with open(handle, 'wb') as file:
                    file.write(data)
                os.replace(temporary, os.path.join(self.path, name))
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError:
            return False
        return True

    def prune(self) -> None:
        with contextlib.suppress(OSError):
            ours = [entry for entry in os.scandir(self.path) if entry.name.endswith(self._endings) and entry.is_file()]
            found = []
            for entry in ours:
                with contextlib.suppress(FileNotFoundError):  # another process has pruned
                    found.append((entry.stat(), entry.path))
            stats = sorted(found, key=lambda pair: pair[0].st_mtime_ns, reverse=True)
            total = 0
            for stat, path in stats:
                total += stat.st_size
                if total > self._limit:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(path)
