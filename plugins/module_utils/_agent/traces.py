# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an import leaves behind in a process, or reads from it, besides the modules it is there for.

Rule 1: notice rather than guess. `Traces` compares the process before an import with the process after it.
Rule 2: what was noticed is undone, as far as it can be: the import will be made again in the child whose module wants it.
Rule 3: which variables and missing libraries an import has looked for is remembered: others may give another answer.
"""

from __future__ import annotations

import atexit
import locale
import logging
import os
import signal
import sys
import warnings
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from .payload import is_payload_module

__all__ = ["Missing", "Recorder", "State", "Traces", "is_outside"]

Missing = Tuple[str, Optional[Tuple[str, ...]]]  # name of a module, and the __path__ it was looked for in (None: sys.path)

_ANSIBLE_WARNINGS = "ansible.module_utils.common.warnings"


def is_outside(name: str, module: Any) -> bool:
    """Return whether a module is neither Python's own, nor out of a payload, nor the agent's."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or name == "__main__" or is_payload_module(name):
        return False
    if name.partition(".")[0] == __name__.partition(".")[0]:
        return False
    return not file.startswith(os.path.dirname(os.__file__) + os.sep) or "-packages" in file


class State:
    """What of this process can be put back, as it is now."""

    def __init__(self) -> None:
        self._kept = {name: get() for name, (get, _put) in _STATE.items()}

    def put_back(self) -> bool:
        """Make it again what it was; return whether anything had changed."""
        changed = [name for name, (get, _put) in _STATE.items() if get() != self._kept[name]]
        for name in changed:
            _STATE[name][1](self._kept[name])
        return bool(changed)


class Traces:
    """The state of the process now. `noise`: descriptor of the file that stands in for stdout and stderr."""

    def __init__(self, noise: int) -> None:
        self._noise = noise
        self._state = State()
        self._threads = _threads()

    def undo(self) -> bool:
        """Put back what has changed since; return whether anything had."""
        changed = self._state.put_back()
        silent = self._silence()
        return changed or not silent or _threads() != self._threads

    def _silence(self) -> bool:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        if os.fstat(self._noise).st_size == 0:
            return True
        os.ftruncate(self._noise, 0)
        os.lseek(self._noise, 0, os.SEEK_SET)
        return False


class Recorder:
    """Inside `with`: adds to `missing` what imports do not find, to `read` the environment variables they read ("*": all).

    `registered`: functions of theirs that are to run at the exit of the process.
    """

    def __init__(self, missing: Set[Missing], read: Set[str]) -> None:
        self.registered: List[Callable[..., Any]] = []
        self._missing = missing
        self._read = read
        self._environ: Any = type(os.environ)
        self._originals = (self._environ.__getitem__, self._environ.__iter__, atexit.register)

    def __enter__(self) -> Recorder:
        getitem, iterate, register = self._originals
        read, registered = self._read, self.registered

        def note_name(environ: Any, name: Any) -> Any:
            read.add(name)
            return getitem(environ, name)

        def note_all(environ: Any) -> Any:
            read.add("*")
            return iterate(environ)

        def note_function(function: Any, *args: Any, **kwargs: Any) -> Any:
            module = getattr(function, "__module__", None) or ""
            if is_payload_module(module) or is_outside(module, sys.modules.get(module)):
                registered.append(function)
            return register(function, *args, **kwargs)

        self._environ.__getitem__, self._environ.__iter__ = note_name, note_all
        atexit.register = note_function  # type: ignore[assignment]
        sys.meta_path.append(self)  # last: whatever gets here was not found
        return self

    def __exit__(self, *exc_info: Any) -> None:
        sys.meta_path.remove(self)
        self._environ.__getitem__, self._environ.__iter__, atexit.register = self._originals

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        if not is_payload_module(fullname):
            self._missing.add((fullname, None if path is None else tuple(path)))


def _threads() -> int:
    threading = sys.modules.get("threading")
    return 1 if threading is None else threading.active_count()


def _put_environ(kept: Dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(kept)


def _cwd() -> Optional[str]:
    try:
        return os.getcwd()
    except OSError:
        return None


def _put_cwd(kept: Optional[str]) -> None:
    if kept is not None:
        os.chdir(kept)


def _handlers() -> Dict[int, Any]:
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def _put_handlers(kept: Dict[int, Any]) -> None:
    for number, handler in kept.items():
        if handler is not None and signal.getsignal(number) != handler:
            signal.signal(number, handler)


def _ansible_warnings() -> Tuple[List[Any], ...]:
    module = sys.modules.get(_ANSIBLE_WARNINGS)
    return tuple(list(getattr(module, name, ())) for name in ("_global_warnings", "_global_deprecations"))


def _put_ansible_warnings(kept: Tuple[List[Any], ...]) -> None:
    # They are only ever added to; dicts in ansible-core 2.19, lists before.
    module = sys.modules.get(_ANSIBLE_WARNINGS)
    for name, items in (("_global_warnings", kept[0]), ("_global_deprecations", kept[1])):
        held: Any = getattr(module, name, None) or []
        for item in [item for item in held if item not in items]:
            held.pop(item) if isinstance(held, dict) else held.remove(item)


def _put_in(place: List[Any]) -> Callable[[List[Any]], None]:
    def put(kept: List[Any]) -> None:
        place[:] = kept

    return put


def _put_filters(kept: List[Any]) -> None:
    warnings.filters[:] = kept  # type: ignore[index]  # warnings.catch_warnings gives it another list


def _put_streams(kept: Tuple[Any, ...]) -> None:
    sys.stdin, sys.stdout, sys.stderr, sys.excepthook = kept


def _put_logging(kept: Tuple[List[Any], int]) -> None:
    logging.root.handlers[:], logging.root.level = kept


# what -> (get it, put it back)
_STATE: Dict[str, Tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "environ": (lambda: dict(os.environ), _put_environ),
    "cwd": (_cwd, _put_cwd),
    "path": (lambda: list(sys.path), _put_in(sys.path)),
    "finders": (lambda: list(sys.meta_path), _put_in(sys.meta_path)),
    "filters": (lambda: list(warnings.filters), _put_filters),
    "streams": (lambda: (sys.stdin, sys.stdout, sys.stderr, sys.excepthook), _put_streams),
    "locale": (lambda: locale.setlocale(locale.LC_ALL), lambda kept: locale.setlocale(locale.LC_ALL, kept)),
    "recursion": (sys.getrecursionlimit, sys.setrecursionlimit),
    "signals": (_handlers, _put_handlers),
    "logging": (lambda: (list(logging.root.handlers), logging.root.level), _put_logging),
    "warnings": (_ansible_warnings, _put_ansible_warnings),
}
