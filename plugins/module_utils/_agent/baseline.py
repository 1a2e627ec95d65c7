# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a child was before its first module, so that it can be that again for the next one.

A fork, the memory that is copied after it and an exit cost several times what most modules do. So a child may run one module after another:

Rule 1: only modules for which the controller vouches (`again`); and between two of them everything here is as it was, or the child ends.
Rule 2: notice rather than guess: what can be put back is put back, whatever else is different is a reason to end.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _thread
import atexit
import os
import signal
import sys
from typing import Any, Dict, List, Tuple

from .payload import is_payload_module
from .traces import State, is_outside

__all__ = ["Baseline", "is_possible"]

_DESCRIPTORS = "/proc/self/fd"
# libselinux keeps the policy that it has read, and a command may have changed it
_SELINUX = "/sys/fs/selinux/enforce"
# libraries of Python that remember what they have found on disk or in the environment
_FORGETFUL = ("tempfile",)


def is_possible() -> bool:
    """Whether one can tell here whether a process is what it was."""
    return os.path.isdir(_DESCRIPTORS) and not os.path.exists(_SELINUX) and _exit_functions() == _standard_exit_functions()


class Baseline:
    """The process as it is now."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._state = State()
        self._names = set(sys.modules)
        self._globals: List[Tuple[Dict[str, Any], Dict[str, Any]]] = [
            (vars(module), dict(vars(module))) for name, module in sys.modules.items() if is_payload_module(name) or name in _FORGETFUL
        ]
        self._contents = [(value, type(value)(value)) for _now, kept in self._globals for value in kept.values() if type(value) in (dict, list, set)]
        self._facts = _facts()

    def is_alone(self) -> bool:
        """Whether the process is the one that it was, with no thread or process of a module's left to wait for."""
        if os.getpid() != self._pid or _thread._count():
            return False
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        return False

    def put_back(self) -> bool:
        """Undo what a module has left behind; False where something is left. Its exit functions have run."""
        for name in sys.modules.keys() - self._names:
            if is_payload_module(name) or is_outside(name, sys.modules[name]):
                return False
        if self._names - sys.modules.keys():
            return False
        self._names = set(sys.modules)
        try:
            self._state.put_back()
        except (OSError, ValueError):
            return False
        for now, kept in self._globals:
            if len(now) != len(kept) or any(now.get(name, self) is not value for name, value in kept.items()):
                for name in now.keys() - kept.keys():
                    del now[name]
                now.update(kept)
        _forget()
        return all(now == kept for now, kept in self._contents) and _facts() == self._facts


def _forget() -> None:
    """Let go of what Python's libraries hold of the last module."""
    for _shutdown in range(_standard_exit_functions() - _exit_functions()):
        atexit.register(sys.modules["logging"].shutdown)
    if "syslog" in sys.modules:
        sys.modules["syslog"].closelog()
    if "filecmp" in sys.modules:
        sys.modules["filecmp"].clear_cache()


def _exit_functions() -> int:
    return atexit._ncallbacks()


def _standard_exit_functions() -> int:
    """How many there are when nobody but Python's own libraries has registered any."""
    return 1 if "logging" in sys.modules else 0


def _facts() -> Tuple[Any, ...]:
    """What is not put back: a module that leaves it different is the last one of its child."""
    import resource

    umask = os.umask(0o77)
    os.umask(umask)
    return (
        umask,
        sorted(os.listdir(_DESCRIPTORS)),
        [os.fstat(descriptor)[:3] for descriptor in range(3)],
        resource.getrlimit(resource.RLIMIT_NOFILE),
        signal.getitimer(signal.ITIMER_REAL),
        _signal.pthread_sigmask(_signal.SIG_BLOCK, ()),
        os.getresuid(),
        os.getresgid(),
        os.getgroups(),
        os.getpgrp(),
        os.getsid(0),
        list(sys.argv),
        sys.gettrace(),
        _exit_functions(),
    )
