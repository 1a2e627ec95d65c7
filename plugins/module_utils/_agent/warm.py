# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is imported before a fork, so that no module imports it again; and whether a module may start from it.

Rule 1: module_utils are imported here, modules never.
Rule 2: nobody can tell. What an import leaves behind (warnings, output, threads) or reads (environment variables) is noticed;
        whoever could see a difference gets an interpreter that has imported less (PURGED) or nothing (FRESH).
Rule 3: what a task changes on disk the next one sees, as a new interpreter would: see `_Seen`.
"""

from __future__ import annotations

import gc
import importlib
import os
import re
import site
import sys
import time
from importlib.machinery import EXTENSION_SUFFIXES, PathFinder
from typing import Any, Dict, Iterable, List, Optional, Set, Tuple

from .payload import Archive, Mount, is_payload_module

__all__ = ["FRESH", "LOADER", "PURGED", "WARM", "Warmth"]

WARM = "warm"  # fork and run
PURGED = "purged"  # fork, forget every module out of payloads, run
FRESH = "fresh"  # fork and exec a new interpreter

LOADER = "ansible.module_utils._internal._ansiballz._loader"
_PROFILE = "ansible.module_utils._internal._json._profiles._module_%s_%s"
_WARNINGS = "ansible.module_utils.common.warnings"

# Read by the interpreter, the C library or site while a process starts: too late to set them after a fork.
_READ_AT_START = re.compile(r"PYTHON|LC_|LD_|DYLD_|MALLOC_|GLIBC_|OPENSSL_|(LANG|LANGUAGE|HOME)\Z")

# A new shared library shows here; ctypes users among module_utils (selinux) look for one when they are imported.
_LIBRARIES = "/etc/ld.so.cache"


class Warmth:
    """The agent's imported world: `mode` for a step, after which `archives` and sys.modules are ready for its fork.

    `mount`: where archives are imported from; it holds the agent's own. `path`: sys.path without anything of ours.
    `noise`: descriptor of a file that stands in for stdout and stderr.
    """

    def __init__(self, mount: Mount, path: List[str], noise: int) -> None:
        self._path = path
        self._noise = noise
        self._mount = mount
        self._aliens: Set[str] = set()
        self._tried: Set[str] = set()
        self._env_read: Set[str] = set()
        self._failed: Set[Tuple[str, Optional[Tuple[str, ...]]]] = set()
        self._old = False
        self._seen = _Seen(path, self._failed)

    def add(self, archive: Archive) -> None:
        """Import what every module of this archive imports, unless it disagrees with what is here already."""
        if not self._mount.add(archive):
            self._aliens.add(archive.path)
            return
        sys.path[:] = [mounted.path for mounted in self._mount.archives] + self._path
        self._warm([], "legacy")

    def mode(self, archive: Archive, step: Dict[str, Any]) -> str:
        """Return how this module must start."""
        self._look_again()
        env = {name for name, value in (step.get("env") or {}).items() if os.environ.get(name) != value}
        if self._old or any(_READ_AT_START.match(name) for name in env):
            return FRESH
        file = _file_of(step["fqn"])
        if file in archive.files:
            archive.code(file)  # compiled here once, not in each child
        if archive.path in self._aliens:
            return PURGED
        self._warm(step.get("utils") or (), step["profile"])
        if env and (env & self._env_read or "*" in self._env_read):
            return PURGED
        self._import_empty_parents(archive, step["fqn"])
        return WARM

    def _warm(self, utils: Iterable[str], profile: str) -> None:
        always = [LOADER, _PROFILE % (profile, "c2m"), _PROFILE % (profile, "m2c")]
        wanted = [name for name in [*always, *utils] if name not in self._tried]
        if not wanted:
            return
        for name in wanted:
            self._tried.add(name)
            if name not in sys.modules and any(archive.find(name.replace(".", "/"))[0] for archive in self._mount.archives):
                self._import(name, name in always)
        self._seen.loaded()
        gc.freeze()  # children shall not touch, and so copy, the memory of what is here for good

    def _import(self, name: str, always: bool) -> None:
        """Import one util; undo it when a module that does not import it could notice. (Every module imports the loader.)"""
        before = set(sys.modules)
        threads = _threads()
        warnings = _warnings()
        recorder = _Recorder(self._failed)
        sys.meta_path.append(recorder)
        try:
            with _ReadNames(self._env_read):
                importlib.import_module(name)
            clean = True
        except BaseException:
            clean = False
        finally:
            sys.meta_path.remove(recorder)
        quiet = self._drop_noise()
        if clean and (always or (quiet and warnings == _warnings() and threads == _threads())):
            return
        _forget([module for module in sys.modules if module not in before and is_payload_module(module)])
        _restore_warnings(warnings)

    def _import_empty_parents(self, archive: Archive, fqn: str) -> None:
        """Stock puts empty packages around a module; that much of it can be imported before."""
        parts = fqn.split(".")[:-1]
        for end in range(1, len(parts) + 1):
            name = ".".join(parts[:end])
            if name not in sys.modules:
                file, is_package = archive.find(name.replace(".", "/"))
                if file is None or not is_package or archive.files[file][1]:
                    return
                importlib.import_module(name)

    def _look_again(self) -> None:
        """Has a task changed what imports would find?"""
        changed = self._seen.changes()
        if not changed:
            return
        importlib.invalidate_caches()
        if self._seen.needs_a_new_interpreter():
            self._old = True
        elif _LIBRARIES in changed or self._seen.has_new_code() or any(_findable(*failed) for failed in self._failed):
            self._start_over()
        self._seen = _Seen(self._path, self._failed)
        self._seen.loaded()

    def _start_over(self) -> None:
        """Import everything again. Compiled extensions stay: they cannot be unloaded, and `_Seen` knows that they did not change."""
        outside = {name for name, _module in _outside_modules()}
        compiled = {name.partition(".")[0] for name, module in _outside_modules() if _is_compiled(module)}
        _forget([name for name in sys.modules if is_payload_module(name) or (name in outside and name.partition(".")[0] not in compiled)])
        self._failed.clear()
        tried, self._tried = self._tried, set()
        self._warm(sorted(tried), "legacy")

    def _drop_noise(self) -> bool:
        """Forget what imports have written to stdout and stderr; return whether that was nothing."""
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        quiet = os.fstat(self._noise).st_size == 0
        if not quiet:
            os.ftruncate(self._noise, 0)
            os.lseek(self._noise, 0, os.SEEK_SET)
        return quiet


class _Seen:
    """What the imported world was made from, to notice that it is no longer so."""

    def __init__(self, path: List[str], failed: Set[Tuple[str, Optional[Tuple[str, ...]]]]) -> None:
        self._began = time.time()
        self._failed = failed
        self._path = path
        user = site.getusersitepackages() if site.ENABLE_USER_SITE else None
        # (A new version of Python itself: importing on would mix two of them.)
        self._started = [sys.executable, os.__file__, *([user] if user is not None and user not in path else [])]
        self._states = {place: _state(place) for place in [*path, _LIBRARIES, *self._started]}
        self._modules: Dict[str, Tuple[Any, bool]] = {}

    def loaded(self) -> None:
        """Take note of the libraries that are loaded now, and of the packages that something was missing in."""
        for place in {place for _name, places in self._failed for place in places or ()}:
            self._states.setdefault(place, _state(place))
        for _name, module in _outside_modules():
            self._modules.setdefault(module.__file__, (_state(module.__file__), _is_compiled(module)))

    def changes(self) -> Set[str]:
        return {place for place, state in self._states.items() if _state(place) != state}

    def needs_a_new_interpreter(self) -> bool:
        """Return whether something changed that takes effect only when an interpreter starts."""
        return (
            any(_state(place) != self._states[place] for place in self._started)
            or any(compiled and _state(file) != state for file, (state, compiled) in self._modules.items())
            or any(_has_new_pth(place, self._began) for place in self._path)
        )

    def has_new_code(self) -> bool:
        return any(_state(file) != state for file, (state, _compiled) in self._modules.items())


class _Recorder:
    """Last on sys.meta_path: whatever gets here was not found."""

    def __init__(self, failed: Set[Tuple[str, Optional[Tuple[str, ...]]]]) -> None:
        self._failed = failed

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        if not is_payload_module(fullname):
            self._failed.add((fullname, None if path is None else tuple(path)))


class _ReadNames:
    """Notes which environment variables are read inside `with` ("*": all of them)."""

    def __init__(self, names: Set[str]) -> None:
        self._names = names
        self._kind: Any = type(os.environ)
        self._getitem = self._kind.__getitem__
        self._iter = self._kind.__iter__

    def __enter__(self) -> None:
        names, getitem, iterate = self._names, self._getitem, self._iter

        def read(environ: Any, name: Any) -> Any:
            names.add(name)
            return getitem(environ, name)

        def read_all(environ: Any) -> Any:
            names.add("*")
            return iterate(environ)

        self._kind.__getitem__ = read
        self._kind.__iter__ = read_all

    def __exit__(self, *exc_info: Any) -> None:
        self._kind.__getitem__ = self._getitem
        self._kind.__iter__ = self._iter


def _warnings() -> Tuple[List[Any], List[Any]]:
    module = sys.modules.get(_WARNINGS)
    return list(getattr(module, "_global_warnings", ())), list(getattr(module, "_global_deprecations", ()))


def _restore_warnings(kept: Tuple[List[Any], List[Any]]) -> None:
    """Take out what was added. They are dicts in ansible-core 2.19, and keep the order of their coming."""
    module = sys.modules.get(_WARNINGS)
    for name, items in (("_global_warnings", kept[0]), ("_global_deprecations", kept[1])):
        held = getattr(module, name, None)
        for item in [item for item in held or () if item not in items]:
            held.pop(item) if isinstance(held, dict) else held.remove(item)


def _threads() -> int:
    threading = sys.modules.get("threading")
    return 1 if threading is None else threading.active_count()


def _forget(names: Iterable[str]) -> None:
    """Remove modules, and the attributes by which their packages know them."""
    for name in [name for name in names if name in sys.modules]:
        module = sys.modules.pop(name)
        package, _dot, tail = name.rpartition(".")
        parent = sys.modules.get(package)
        if parent is not None and getattr(parent, tail, None) is module:
            delattr(parent, tail)


def _outside_modules() -> List[Tuple[str, Any]]:
    """Modules that are neither Python's own nor ours."""
    own = os.path.dirname(os.__file__) + os.sep
    found = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and name != "__main__" and name.partition(".")[0] != __name__.partition(".")[0]:
            if not is_payload_module(name) and (not file.startswith(own) or "-packages" in file):
                found.append((name, module))
    return found


def _is_compiled(module: Any) -> bool:
    return module.__file__.endswith(tuple(EXTENSION_SUFFIXES))


def _findable(name: str, path: Optional[Tuple[str, ...]]) -> bool:
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


def _file_of(fqn: str) -> str:
    return fqn.replace(".", "/") + ".py"
