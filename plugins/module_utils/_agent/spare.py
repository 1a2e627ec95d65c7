# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A child that was forked while another module ran, and waits for a module of its own.

Rule 1: it is what a fork at the moment of its use would be: `version` says of which imports; one that is older is ended unused.
Rule 2: it holds nothing of the agent's: when the agent is gone it reads the end of its orders, and goes too.
"""

from __future__ import annotations

import json
import os
import signal
from typing import Any, Dict, Set

from . import child
from .output import Files, high_pipe
from .payload import Archive

__all__ = ["Spare"]


class Spare:
    """One such child. OSError: there is no process, memory or descriptor left for it."""

    def __init__(self, begin: child.Begin, archives: Dict[str, Archive], ours: Set[int], version: int) -> None:
        self.version = version
        read, self._orders = high_pipe()
        try:
            self.output = Files()
            try:
                stdin = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    self.pid = begin.fork()
                    if self.pid == 0:
                        child.await_module(begin, archives, read, child.Streams(stdin, *self.output.ends), ours | {self._orders})
                finally:
                    os.close(stdin)
            except BaseException:
                self.output.close()
                raise
        except BaseException:
            os.close(self._orders)
            raise
        finally:
            os.close(read)

    @property
    def descriptors(self) -> Set[int]:
        """What no other child may keep."""
        return {self._orders, *self.output.ends}

    def run(self, step: Dict[str, Any]) -> bool:
        """Let it run a module step; False when it has ended before, and will not.

        What kills it from now on has killed the module, even if that had no time to begin.
        """
        if os.waitpid(self.pid, os.WNOHANG)[0]:
            self._close()
            return False
        try:
            with open(self._orders, "wb") as file:
                file.write(json.dumps(step).encode())
        except BrokenPipeError:  # it ended while it read
            os.waitpid(self.pid, 0)
            self.output.close()
            return False
        return True

    def end(self) -> None:
        """It is not needed."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._close()

    def _close(self) -> None:
        os.close(self._orders)
        self.output.close()
