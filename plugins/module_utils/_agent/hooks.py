# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What libraries want to have done around a fork (os.register_at_fork), kept by the agent for its own forks.

In a new child the hooks of threading and logging touch, and so copy, more memory than all else that a fork does.

Rule 1: a child is as if it had imported everything itself: there all hooks are registered, and its own forks run them.
Rule 2: around the agent's forks the same hooks run in the same order, but for those that only tidy up after other threads while there are none.
"""

from __future__ import annotations

import _thread
import os
import sys
from typing import Any, Callable, Dict, List

__all__ = ["Hooks"]

_MOMENTS = {"before", "after_in_child", "after_in_parent"}
# They make new locks for those that other threads may have held, and forget those threads.
_OF_THREADS = ("threading", "logging")


class Hooks:
    """Keeps what is registered from now on. Make it before anything imports threading, logging or random."""

    def __init__(self) -> None:
        self._register: Callable[..., None] = os.register_at_fork
        self._kept: List[Dict[str, Any]] = []
        os.register_at_fork = self._keep

    def _keep(self, **hooks: Any) -> None:
        if hooks and hooks.keys() <= _MOMENTS and all(map(callable, hooks.values())):
            self._kept.append(hooks)
        else:
            self._register(**hooks)  # it has the right words for this

    def fork(self) -> int:
        """os.fork, hooks included."""
        kept = self._kept if _thread._count() else [hooks for hooks in self._kept if not _is_of_threads(hooks)]
        _call("before", kept[::-1])
        pid = -1
        try:
            pid = os.fork()
        finally:
            if pid == 0:
                self._hand_over()
            _call("after_in_parent" if pid else "after_in_child", kept)
        return pid

    def _hand_over(self) -> None:
        """From now on this process is no agent."""
        os.register_at_fork = self._register
        for hooks in self._kept:
            self._register(**hooks)
        main: Any = sys.modules["threading"].main_thread() if "threading" in sys.modules else None
        if hasattr(main, "_set_native_id"):
            main._set_native_id()  # up to Python 3.12 not even the hook of threading does this


def _is_of_threads(hooks: Dict[str, Any]) -> bool:
    return all(getattr(hook, "__module__", None) in _OF_THREADS for hook in hooks.values())


def _call(moment: str, kept: List[Dict[str, Any]]) -> None:
    for hooks in kept:
        if moment in hooks:
            try:
                hooks[moment]()
            except BaseException:
                pass  # so does Python, except that it tells a stderr which nobody reads here
