# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A child that was forked before it had something to run, and waits for a module of its own: for one after another, if it may.

Rule 1: it is what a fork at the moment of its use would be: `version` says of which imports; one that is older is ended unused.
Rule 2: it holds nothing of the agent's but, for modules that others may follow, the ends of two pipes: when the agent is gone it reads the end
        of its orders, and goes too.
"""

from __future__ import annotations

import json
import os
import signal
from contextlib import ExitStack
from typing import Any, Dict, NamedTuple, Optional, Set, Tuple

from . import child
from .output import Files, high_pipe
from .payload import Archive

__all__ = ["Report", "Spare"]


class Report(NamedTuple):
    """How a module ended that others may follow. `usage` has the fields of resource.getrusage that results tell of."""

    rc: int
    usage: child.Usage


class Spare:
    """One such child. OSError: there is no process, memory or descriptor left for it."""

    def __init__(self, begin: child.Begin, archives: Dict[str, Archive], ours: Set[int], version: int) -> None:
        self.version = version
        self.runs = 0
        self._like: Any = None  # what its modules have in common
        with ExitStack() as failed, ExitStack() as lent:
            orders, self._orders = high_pipe()
            lent.callback(os.close, orders)
            failed.callback(os.close, self._orders)
            self.reports, reports = high_pipe()
            lent.callback(os.close, reports)
            failed.callback(os.close, self.reports)
            os.set_blocking(self.reports, False)
            self.output = Files()
            failed.callback(self.output.close)
            stdin = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            lent.callback(os.close, stdin)
            self.pid = begin.fork()
            if self.pid == 0:
                child.await_modules(begin, archives, orders, reports, child.Streams(stdin, *self.output.ends), ours | {self._orders, self.reports})
            failed.pop_all()

    @property
    def descriptors(self) -> Set[int]:
        """What no other child may keep."""
        return {self._orders, self.reports, *self.output.ends}

    def suits(self, step: Dict[str, Any], version: int) -> bool:
        """Whether it may run this step, as far as it has run others."""
        return self.version == version and (self.runs == 0 or (bool(step.get("again")) and self._like == _like(step)))

    def run(self, step: Dict[str, Any], *, again: bool) -> bool:
        """Let it run a module step, and wait for more if `again`; False when it has ended before, and will not.

        What kills it from now on has killed the module, even if that had no time to begin.
        """
        self.runs += 1
        self._like = _like(step)
        if os.waitpid(self.pid, os.WNOHANG)[0]:
            self._discard()
            return False
        try:
            with open(self._orders, "wb", closefd=False) as file:
                file.write(child.order_of(step, again))
            if not again:
                self.close()
        except BrokenPipeError:  # it ended while it read
            os.waitpid(self.pid, 0)
            self._discard()
            return False
        return True

    def report(self) -> Optional[Report]:
        """Return how its module has ended, once it waits for the next."""
        try:
            text = os.read(self.reports, 4096)
        except BlockingIOError:
            return None
        if not text:
            return None
        rc, *usage = json.loads(text)
        return Report(rc, child.Usage(*usage))

    def end(self) -> None:
        """It is not needed."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._discard()

    def close(self) -> None:
        """It has ended; its output is somebody else's to close."""
        os.close(self._orders)
        os.close(self.reports)

    def _discard(self) -> None:
        self.close()
        self.output.close()


def _like(step: Dict[str, Any]) -> Tuple[Any, ...]:
    return step["payload"], step.get("env") or {}, step.get("rlimit") or 0
