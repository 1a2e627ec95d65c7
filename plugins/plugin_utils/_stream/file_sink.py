# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Events as JSON lines in a file, or into a descriptor that whoever started the run holds the other end of."""
from __future__ import annotations

import os
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import SettingsError

from .sink import Sink

__all__ = ['FileSink']


class FileSink(Sink):
    """``place``: a path, which is appended to, or ``fd:N``. SettingsError when it cannot be opened. ``warn`` is told once when writing fails."""

    def __init__(self, place: str, *, warn: t.Callable[[str], object]) -> None:
        super().__init__(warn=warn, every=0.5)
        self._place = place
        self._fd: int | None = _opened(place)

    def write(self, lines: list[bytes]) -> None:
        if self._fd is None or not lines:
            self.lost += len(lines)
            return
        data = memoryview(b''.join(line + b'\n' for line in lines))
        try:
            while data:
                data = data[os.write(self._fd, data):]
        except OSError as ex:
            self._fd = None
            self.lost += len(lines)
            self._warn(f'rustle.engine: no more events are written to {self._place}: {ex.strerror}')

    def leave(self) -> None:
        if self._fd is not None and not self._place.startswith('fd:'):
            os.close(self._fd)


def _opened(place: str) -> int:
    kind, _colon, number = place.partition(':')
    try:
        if kind == 'fd' and number.isdigit():
            os.fstat(int(number))
            return int(number)
        return os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as ex:
        raise SettingsError(
            expected='a file that can be written, or fd:N of an open descriptor', found=place, where='events_file', hint=str(ex.strerror)) from ex
