# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the imported world was made from, to notice when a task has changed it.

Rule 1: what a task installs, upgrades or removes, the next module finds as a new interpreter would.
Rule 2: looking costs a handful of stats a module; more is done only when one of them differs.
"""

from __future__ import annotations

import os
import site
import sys
import time
from importlib.machinery import EXTENSION_SUFFIXES, PathFinder
from typing import Any, Dict, List, Optional, Set, Tuple

from .traces import Missing, is_outside

__all__ = ["Seen", "is_compiled", "outside_modules"]

# A new shared library shows here; ctypes users among module_utils (selinux) look for one when they are imported.
_LIBRARIES = "/etc/ld.so.cache"
# What libc reads once in a process: a child that has run something may hold what was there before.
_LIBC = ("/etc/nsswitch.conf", "/usr/lib/locale", "/usr/lib/locale/locale-archive")


class Seen:
    """The state of all this when it was made. `path`: sys.path without anything of ours; `missing`: imports that failed."""

    def __init__(self, path: List[str], missing: Set[Missing]) -> None:
        self._began = time.time()
        self._path = path
        self._missing = missing
        user = site.getusersitepackages() if site.ENABLE_USER_SITE else None
        # Python itself, since importing on would mix two versions; and a folder that joins the path once it exists.
        self._started = [sys.executable, os.__file__, *([user] if user is not None and user not in path else [])]
        self._states = {place: _state(place) for place in [*path, _LIBRARIES, *_LIBC, *self._started]}
        self._modules: Dict[str, Tuple[Any, bool]] = {}

    def note_modules(self) -> None:
        """Take note of the libraries that are loaded now, and of the packages that something was missing in."""
        for place in {place for _name, places in self._missing for place in places or ()}:
            self._states.setdefault(place, _state(place))
        for module in outside_modules().values():
            self._modules.setdefault(module.__file__, (_state(module.__file__), is_compiled(module)))

    def has_changed(self) -> bool:
        """Return whether it is worth while to ask the other questions."""
        return any(_state(place) != state for place, state in self._states.items())

    def needs_a_new_interpreter(self) -> bool:
        """Return whether something changed that takes effect only when an interpreter starts."""
        return (
            any(_state(place) != self._states[place] for place in self._started)
            or any(compiled and _state(file) != state for file, (state, compiled) in self._modules.items())
            or any(_has_new_pth(place, self._began) for place in self._path)
        )

    def needs_new_imports(self) -> bool:
        """Return whether imports would give something else now."""
        return (
            _state(_LIBRARIES) != self._states[_LIBRARIES]
            or any(_state(file) != state for file, (state, _compiled) in self._modules.items())
            or any(_is_findable(name, path) for name, path in self._missing)
        )


def outside_modules() -> Dict[str, Any]:
    """Return the libraries among the loaded modules."""
    return {name: module for name, module in list(sys.modules.items()) if is_outside(name, module)}


def is_compiled(module: Any) -> bool:
    return module.__file__.endswith(tuple(EXTENSION_SUFFIXES))


def _is_findable(name: str, path: Optional[Tuple[str, ...]]) -> bool:
    try:
        return PathFinder.find_spec(name, None if path is None else list(path)) is not None
    except Exception:
        return True


def _has_new_pth(place: str, since: float) -> bool:
    try:
        return any(entry.name.endswith(".pth") and entry.stat().st_ctime >= since for entry in os.scandir(place))
    except OSError:
        return False


def _state(path: str) -> Any:
    try:
        info = os.stat(path)
    except OSError:
        return None
    return info.st_mtime_ns, info.st_ino, info.st_size
