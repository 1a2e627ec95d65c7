# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is imported before a fork, so that no module imports it again; and whether a module may start from it.

Rule 1: module_utils are imported here, modules never.
Rule 2: nobody can tell. A util whose import is noticed by others (traces.py) is not imported here. A module that could see a
        difference gets an interpreter that has imported less (PURGED) or nothing (FRESH).
Rule 3: what a task changes on disk the next one sees (seen.py).
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import re
import sys
from typing import Any, Dict, Iterable, List, Set

from . import selecting
from .payload import Archive, Mount, is_payload_module
from .seen import Seen, is_compiled, outside_modules
from .traces import Missing, Recorder, Traces

__all__ = ["FRESH", "LOADER", "PURGED", "WARM", "Warmth"]

WARM = "warm"  # fork and run
PURGED = "purged"  # fork, forget every module out of payloads, run
FRESH = "fresh"  # fork and exec a new interpreter

LOADER = "ansible.module_utils._internal._ansiballz._loader"
_PROFILE = "ansible.module_utils._internal._json._profiles._module_%s_%s"

# Read by the interpreter, the C library or site while a process starts: too late to set them after a fork.
_READ_AT_START = re.compile(r"PYTHON|LC_|LD_|DYLD_|MALLOC_|GLIBC_|OPENSSL_|(LANG|LANGUAGE|HOME)\Z")


class Warmth:
    """The agent's imported world: after `mode` for a step, sys.modules is ready for its fork.

    `mount`: where archives are imported from; it holds the agent's own. `path`: sys.path without anything of ours.
    `noise`: descriptor of a file that stands in for stdout and stderr.
    """

    def __init__(self, mount: Mount, path: List[str], noise: int) -> None:
        self._path = path
        self._noise = noise
        self._mount = mount
        self._aliens: Set[str] = set()
        self._tried: Set[str] = set()
        self._stubborn: Set[str] = set()
        self._env_read: Set[str] = set()
        self._missing: Set[Missing] = set()
        self._is_outdated = False
        self._seen = Seen(path, self._missing)
        self.version = 0
        """Another number whenever a process that was forked before is not what a new one would be, or would do work again that is done here."""

    def add(self, archive: Archive) -> None:
        """Import what every module of this archive imports, unless it disagrees with what is here already."""
        self.version += 1
        if not self._mount.add(archive):
            self._aliens.add(archive.path)
            return
        sys.path[:] = [mounted.path for mounted in self._mount.archives] + self._path
        self._warm([], "legacy")

    def mode(self, archive: Archive, step: Dict[str, Any]) -> str:
        """Return how this module must start."""
        self._look_again()
        env = {name for name, value in (step.get("env") or {}).items() if os.environ.get(name) != value}
        if self._is_outdated or any(_READ_AT_START.match(name) for name in env):
            return FRESH
        file = step["fqn"].replace(".", "/") + ".py"
        if file in archive.files and archive.prepare(file):
            self.version += 1  # compiled here once, not in each child
        if archive.path in self._aliens:
            return PURGED
        utils = step.get("utils") or ()
        self._warm(utils, step["profile"])
        if not self._stubborn.isdisjoint(utils):
            return FRESH
        if env and (env & self._env_read or "*" in self._env_read):
            return PURGED
        self._import_empty_parents(archive, step["fqn"])
        return WARM

    def is_ready(self, archive: Archive, step: Dict[str, Any]) -> bool:
        """Whether `mode` would find nothing left to import for this module, as far as one can tell without looking at the disk."""
        return archive.path not in self._aliens and archive.has_code(step["fqn"].replace(".", "/") + ".py") and not any(
            name not in self._tried or name in self._stubborn for name in self._utils(step.get("utils") or (), step["profile"])
        )

    @staticmethod
    def _utils(utils: Iterable[str], profile: str) -> List[str]:
        return [LOADER, _PROFILE % (profile, "c2m"), _PROFILE % (profile, "m2c"), *utils]

    def _warm(self, utils: Iterable[str], profile: str) -> None:
        always = self._utils((), profile)
        wanted = [name for name in self._utils(utils, profile) if name not in self._tried]
        if not wanted:
            return
        self.version += 1
        for name in wanted:
            self._tried.add(name)
            if name not in sys.modules and any(archive.find(name.replace(".", "/"))[0] for archive in self._mount.archives):
                self._import(name, name in always)
        selecting.install()
        self._seen.note_modules()
        gc.freeze()  # children shall not touch, and so copy, the memory of what is here for good

    def _import(self, name: str, always: bool) -> None:
        """Import one util; undo it when a module that does not import it could notice. (Every module imports the loader.)"""
        before = set(sys.modules)
        traces = None if always else Traces(self._noise)
        with Recorder(self._missing, self._env_read) as recorder:
            try:
                importlib.import_module(name)
                failed = False
            except BaseException:
                failed = True
        if not failed and (traces is None or not (traces.undo() or recorder.registered)):
            return
        for function in recorder.registered:
            atexit.unregister(function)
        libraries = {module: outside for module, outside in outside_modules().items() if module not in before}
        if any(is_compiled(library) for library in libraries.values()):
            self._stubborn.add(name)  # they cannot be unloaded, and would not do again what they did
        _forget([module for module in sys.modules if module not in before and (is_payload_module(module) or module in libraries)])

    def _import_empty_parents(self, archive: Archive, fqn: str) -> None:
        """Stock puts empty packages around a module; that much of it can be imported before."""
        parts = fqn.split(".")[:-1]
        for end in range(1, len(parts) + 1):
            name = ".".join(parts[:end])
            if name not in sys.modules:
                file, is_package = archive.find(name.replace(".", "/"))
                if file is None or not is_package or archive.files[file][1]:
                    return
                self.version += 1
                importlib.import_module(name)

    def _look_again(self) -> None:
        """Has a task changed what imports would find?"""
        seen = self._seen
        if not seen.has_changed():
            return
        self.version += 1
        self._seen = Seen(self._path, self._missing)
        importlib.invalidate_caches()
        if seen.needs_a_new_interpreter():
            self._is_outdated = True
        elif seen.needs_new_imports():
            self._start_over()
        self._seen.note_modules()

    def _start_over(self) -> None:
        """Import everything again. Compiled libraries stay: they cannot be unloaded, and have not changed."""
        libraries = outside_modules()
        compiled = {name.partition(".")[0] for name, library in libraries.items() if is_compiled(library)}
        _forget([name for name in sys.modules if is_payload_module(name) or (name in libraries and name.partition(".")[0] not in compiled)])
        self._missing.clear()
        self._stubborn.clear()
        tried, self._tried = self._tried, set()
        self._warm(sorted(tried), "legacy")


def _forget(names: Iterable[str]) -> None:
    """Remove modules, and the attributes by which their packages know them."""
    for name in [name for name in names if name in sys.modules]:
        module = sys.modules.pop(name)
        package, _dot, tail = name.rpartition(".")
        parent = sys.modules.get(package)
        if parent is not None and getattr(parent, tail, None) is module:
            delattr(parent, tail)
