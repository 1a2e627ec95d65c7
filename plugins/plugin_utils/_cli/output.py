# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the commands write to: standard output, or a file that is written whole or not at all; and how wide and colourful it may be."""
from __future__ import annotations

import contextlib
import os
import shutil
import sys

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError

__all__ = ['colourful', 'columns', 'write']


def colourful(path: str | None = None) -> bool:
    return path is None and sys.stdout.isatty() and 'NO_COLOR' not in os.environ


def columns() -> int:
    return shutil.get_terminal_size((100, 24)).columns


def write(path: str | None, data: bytes) -> None:
    """``path`` None or ``-``: standard output."""
    if path is None or path == '-':
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    target = os.path.realpath(path)
    try:
        if os.path.exists(target) and not os.path.isfile(target):
            with open(target, 'wb') as file:  # a device or a pipe is written to, and never replaced
                file.write(data)
            return
        temporary = f'{target}.{os.getpid()}.tmp'
        try:
            with open(temporary, 'wb') as file:
                file.write(data)
            if os.path.exists(target):
                shutil.copymode(target, temporary)
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as ex:
        raise RustleError(f'{path}: cannot be written: {ex.strerror}') from ex
