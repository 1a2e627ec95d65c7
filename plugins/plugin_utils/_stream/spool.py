# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Batches that could not be delivered, on disk until they can be. One folder a receiver, one file a batch; several runs may share it.

Rule 1: a file has its final name only when it is whole. Its name is the batch's id, and begins with the time, so that names are in order.
Rule 2: no more than ``limit`` bytes: the oldest go, and are counted.
"""
from __future__ import annotations

import contextlib
import hashlib
import os
import typing as t

__all__ = ['Spool']

LIMIT: t.Final = 64 << 20


class Spool:
    """``folder``: where spools are; ``receiver``: the address that this one is for. OSError from whatever cannot be written."""

    def __init__(self, folder: str, receiver: str, *, limit: int = LIMIT) -> None:
        self.dropped = 0
        self._folder = os.path.join(folder, hashlib.sha256(receiver.encode()).hexdigest()[:16])
        self._limit = limit

    def put(self, batch: str, body: bytes) -> None:
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        path = self._path(batch)
        with open(os.open(f'{path}.part', os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'wb') as file:
            file.write(body)
        os.replace(f'{path}.part', path)
        self._make_room()

    def waiting(self) -> list[str]:
        """Ids of batches, the oldest first."""
        try:
            return sorted(name for name in os.listdir(self._folder) if not name.endswith('.part'))
        except FileNotFoundError:
            return []

    def get(self, batch: str) -> bytes | None:
        """Its body; None where another run has delivered it meanwhile."""
        try:
            with open(self._path(batch), 'rb') as file:
                return file.read()
        except FileNotFoundError:
            return None

    def done(self, batch: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(batch))

    def _make_room(self) -> None:
        names = self.waiting()
        sizes = {name: self._size(name) for name in names}
        total = sum(sizes.values())
        for name in names[:-1]:
            if total <= self._limit:
                return
            self.done(name)
            self.dropped += 1
            total -= sizes[name]

    def _size(self, name: str) -> int:
        try:
            return os.path.getsize(self._path(name))
        except FileNotFoundError:
            return 0

    def _path(self, batch: str) -> str:
        return os.path.join(self._folder, os.path.basename(batch))
