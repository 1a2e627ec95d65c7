# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a child's stdout and stderr go.

Rule 1: a child's output is complete when the child has ended. Who inherited it from the child may hold it for days.
Rule 2: modules write into files without names: nothing to read while they run, nothing that could block them.
Rule 3: commands write into pipes, as over ssh: in a shell, `> /dev/stderr` would empty a file.
"""

from __future__ import annotations

import fcntl
import os
from typing import Dict, List, Optional, Set, Tuple

__all__ = ["MAX_OUTPUT", "Files", "Pipes", "anonymous_file", "file_with", "high", "high_pipe"]

MAX_OUTPUT = 128 * 1024 * 1024
_CHUNK = 1 << 16


def anonymous_file(name: str) -> int:
    """Return the descriptor of a file that is nowhere on disk, or at least has no name there."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("rustle-" + name, os.MFD_CLOEXEC)
    import tempfile

    # With a folder given: a look for one would be remembered in tempfile, for all modules to come.
    descriptor, path = tempfile.mkstemp(prefix="rustle-", dir=os.environ.get("TMPDIR") or "/tmp")
    os.unlink(path)
    return descriptor


def high(descriptor: int) -> int:
    """Return a duplicate among the high descriptors: modules find the low ones free, as in a new process."""
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 64)


def high_pipe() -> Tuple[int, int]:
    """Return the two ends of a pipe, reading end first, among the high descriptors."""
    low = os.pipe()
    read, write = map(high, low)
    for end in low:
        os.close(end)
    return read, write


def file_with(data: bytes) -> int:
    """Return the descriptor of such a file, to be read from its beginning."""
    descriptor = anonymous_file("stdin")
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


class Files:
    """Two files; `ends` are the descriptors for the child."""

    def __init__(self) -> None:
        self.ends = (anonymous_file("stdout"), anonymous_file("stderr"))
        self.descriptors = set(self.ends)

    def forked(self) -> None:
        """The child has its own descriptors now."""

    def read(self) -> Tuple[bytes, bytes]:
        """Return what was written, at most MAX_OUTPUT of each."""
        out, err = (os.pread(end, min(os.fstat(end).st_size, MAX_OUTPUT), 0) for end in self.ends)
        return out, err

    def empty(self) -> None:
        """Begin anew; the child, which has the same open files, writes from their beginning."""
        for end in self.ends:
            os.ftruncate(end, 0)
            os.lseek(end, 0, os.SEEK_SET)

    def take(self) -> Tuple[bytes, bytes]:
        """Return what was written, and close."""
        written = self.read()
        self.close()
        return written

    def close(self) -> None:
        for end in self.ends:
            os.close(end)


class Pipes:
    """Two pipes. `readable`: read ends, to be passed to `read` when they are; it is shared by all."""

    def __init__(self, readable: Dict[int, Pipes]) -> None:
        (out, out_end), (err, err_end) = os.pipe(), os.pipe()
        self.ends = (out_end, err_end)
        self.descriptors: Set[int] = set()
        self._order = (out, err)
        self._data: Optional[Tuple[bytearray, bytearray]] = (bytearray(), bytearray())
        self._readable = readable
        for end in self._order:
            os.set_blocking(end, False)
            readable[end] = self

    def forked(self) -> None:
        for end in self.ends:
            os.close(end)

    def read(self, descriptor: int) -> None:
        """Read all that is there. After `take` it is thrown away: it comes from processes that outlive the step."""
        while True:
            try:
                data = os.read(descriptor, _CHUNK)
            except BlockingIOError:
                return
            if not data:
                del self._readable[descriptor]
                os.close(descriptor)
                return
            held = None if self._data is None else self._data[self._order.index(descriptor)]
            if held is not None and len(held) < MAX_OUTPUT:
                held += data

    def take(self) -> Tuple[bytes, bytes]:
        """Return what was written; go on reading until nobody holds the other ends."""
        for descriptor in self._open():
            self.read(descriptor)
        (out, err), self._data = self._data or (b"", b""), None
        return bytes(out), bytes(err)

    def close(self) -> None:
        """Nothing was forked."""
        self.forked()
        for descriptor in self._open():
            del self._readable[descriptor]
            os.close(descriptor)

    def _open(self) -> List[int]:
        return [descriptor for descriptor in self._order if self._readable.get(descriptor) is self]
