# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A short command through a connection's own client, without an agent and without waiting for it."""
from __future__ import annotations

import subprocess
import tempfile
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import Reply, Shell

__all__ = ['ShellRun']

_POLL = 0.01


class ShellRun:
    """One process. Its output goes to files: the master that ssh leaves behind keeps pipes open long after the command has ended."""

    def __init__(self, hub: t.Any, shell: Shell, done: t.Callable[[Reply], None]) -> None:
        self._hub = hub
        self._done = done
        self._options = shell.options
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 (_content closes them)
        self._process = subprocess.Popen(
            shell.argv, stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._err, cwd=shell.options.get('cwd'), env=shell.options.get('env'),
            pass_fds=shell.options.get('pass_fds', ()), start_new_session=True)
        shell.options.get('started', _nothing)()
        hub.after(_POLL, self._look)

    def _look(self) -> None:
        rc = self._process.poll()
        if rc is None:
            self._hub.after(_POLL, self._look)
            return
        self._options.get('settled', _nothing)()
        self._hub.ended(self)
        stdout, stderr = (_content(file) for file in (self._out, self._err))
        self._done(Reply(rc=rc, stdout=stdout, stderr=stderr))

    def kill(self) -> None:
        self._process.kill()
        self._options.get('settled', _nothing)()


def _content(file: t.IO[bytes]) -> bytes:
    with file:
        file.seek(0)
        return file.read()


def _nothing() -> None:
    return None
