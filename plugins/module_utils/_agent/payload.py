# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Payloads on the target: the cache that keeps them, and the importer that serves their code.

Rule 1: a payload is used only after its sha256 was verified; it is named by it.
Rule 2: only code lies in the cache. Names that are not ours are not touched, what another agent uses is not removed.
Rule 3: to a module the importer looks like zipimport: same `__file__`, same order of search, sources for inspect and tracebacks.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.machinery
import io
import marshal
import os
import re
import shutil
import sys
import tempfile
from typing import Any, Dict, Iterator, List, Optional, Tuple

from . import codefile

__all__ = ["FIRST", "Archive", "Cache", "Mount", "is_payload_module"]

# Where there is compiled code, server.py imports them without zipimport.
FIRST = ("rustle_agent/hooks.py", "rustle_agent/payload.py")

_OURS = re.compile(r"([0-9a-f]{64})\.(pyz|[\w.-]+\.code)\Z")
_PACKAGE = "/__init__.py"


class Archive:
    """One payload on disk: names, sources and compiled code of its files, by path inside it.

    `table`: what the code file held, when somebody has read it already.
    """

    def __init__(self, path: str, table: Optional[Dict[str, Any]] = None) -> None:
        self.path = path
        self._zip: Any = None
        self._lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        _shared_lock(self._lock)
        if table is None:
            table = codefile.read(path) or {"files": self._list(), "code": {}}
        self.files: Dict[str, Tuple[int, int]] = table["files"]
        self._marshalled: Dict[str, bytes] = table["code"]
        self._codes: Dict[str, Any] = {}
        self._compiled = False
        self._folders = {name[:end] for name in self.files for end in _slashes(name)}

    @property
    def descriptors(self) -> List[int]:
        return [self._lock]

    def find(self, stem: str) -> Tuple[Optional[str], bool]:
        """Return (file, is a package) for the stem of a module's path; (None, True) when only a folder has that name."""
        if stem + _PACKAGE in self.files:
            return stem + _PACKAGE, True
        if stem + ".py" in self.files:
            return stem + ".py", False
        return None, stem in self._folders

    def code(self, name: str) -> Any:
        """Return the compiled code of a file, compiling it only when no agent has done so before."""
        code = self._codes.get(name)
        if code is None:
            if name in self._marshalled:
                code = marshal.loads(self._marshalled[name])
            else:
                code = compile(self.data(name), os.path.join(self.path, name), "exec", dont_inherit=True)
                self._marshalled[name] = marshal.dumps(code)
                self._compiled = True
            self._codes[name] = code
        return code

    def prepare(self, name: str) -> bool:
        """Have the code of a file at hand; return whether it had to be compiled."""
        had = name in self._marshalled
        self.code(name)
        return not had

    def has_code(self, name: str) -> bool:
        """Whether `code` has nothing to do for this file."""
        return name in self._codes

    def data(self, name: str) -> bytes:
        """Return the content of a file; OSError when there is none."""
        try:
            return self._opened().read(name)
        except KeyError as exc:
            raise OSError(0, "", name) from exc

    def save(self) -> None:
        """Keep what was compiled since the start for the next agent."""
        for name in FIRST:
            if name in self.files:
                self.code(name)
        if self._compiled:
            self._compiled = False
            codefile.write(self.path, {"files": self.files, "code": self._marshalled})

    def differs_from(self, other: Archive) -> bool:
        """Return whether some file that both hold for modules to import is not the same in both."""
        mine, others = _importable(self.files), _importable(other.files)
        return any(mine[stem] != others[stem] for stem in mine.keys() & others.keys())

    def close(self) -> None:
        os.close(self._lock)

    def _list(self) -> Dict[str, Tuple[int, int]]:
        return {info.filename: (info.CRC, info.file_size) for info in self._opened().infolist()}

    def _opened(self) -> Any:
        if self._zip is None:
            import zipfile  # takes a while to import, and is not needed where all code is compiled

            # From memory: children keep no descriptor of ours, and the file may be gone by now.
            with open(self.path, "rb") as file:
                data = file.read()
            try:
                self._zip = zipfile.ZipFile(io.BytesIO(data))
            except zipfile.BadZipFile as exc:
                raise ValueError("%s is no archive" % self.path) from exc
        return self._zip


class PayloadLoader:
    """Loads one module out of an archive."""

    def __init__(self, archive: Archive, name: str, file: str) -> None:
        self.archive = archive.path
        self._archive = archive
        self._name = name
        self._file = file

    def create_module(self, spec: Any) -> None:
        return None

    def exec_module(self, module: Any) -> None:
        exec(self._archive.code(self._file), module.__dict__)

    def get_code(self, fullname: str) -> Any:
        return self._archive.code(self._file)

    def get_source(self, fullname: str) -> str:
        from importlib.util import decode_source

        try:
            return decode_source(self._archive.data(self._file))
        except OSError as exc:
            raise ImportError("no source", name=fullname) from exc

    def get_filename(self, fullname: str) -> str:
        return os.path.join(self.archive, self._file)

    def is_package(self, fullname: str) -> bool:
        return self._file.endswith(_PACKAGE)

    def get_data(self, path: str) -> bytes:
        return self._archive.data(path[len(self.archive) + 1 :] if path.startswith(self.archive + os.sep) else path)

    def get_resource_reader(self, fullname: str) -> Any:
        import zipimport

        folder = os.path.dirname(os.path.dirname(self._file))
        return zipimport.zipimporter(os.path.join(self.archive, folder)).get_resource_reader(fullname)


class PayloadFinder:
    """Finds modules for one entry of sys.path, or of a package's `__path__`, that lies in an archive of the mount."""

    def __init__(self, mount: Mount, archive: Archive, folder: str) -> None:
        self._mount = mount
        self._archive = archive
        self._prefix = folder + "/" if folder else ""

    def find_spec(self, fullname: str, target: Any = None) -> Any:
        stem = self._prefix + fullname.rpartition(".")[2]
        file, is_package = self._archive.find(stem)
        if file is None and not is_package:
            return None
        loader: Any = None if file is None else PayloadLoader(self._archive, fullname, file)
        spec = importlib.machinery.ModuleSpec(fullname, loader, is_package=is_package)
        if loader is not None:
            spec.origin = loader.get_filename(fullname)
            spec.has_location = True
        if is_package:
            spec.submodule_search_locations = self._mount.places(stem, self._archive)
        return spec

    def invalidate_caches(self) -> None:
        """Nothing to do: an archive is what its name says."""

    def iter_modules(self, prefix: str = "") -> Iterator[Tuple[str, bool]]:
        """For pkgutil: yield (name, is a package) of what lies directly in this folder."""
        seen = {"__init__"}
        for file in sorted(self._archive.files):
            first, slash, rest = file[len(self._prefix) :].partition("/")
            name = first if slash else os.path.splitext(first)[0]
            fits = rest == "__init__.py" if slash else first.endswith(".py")
            if file.startswith(self._prefix) and fits and name.isidentifier() and name not in seen:
                seen.add(name)
                yield prefix + name, bool(slash)


class Mount:
    """Archives that agree about every file, as one tree to import from."""

    def __init__(self) -> None:
        self.archives: List[Archive] = []
        # A hook for the path, not a finder before the others: what an archive lacks is looked for where zipimport's users do.
        sys.path_hooks.insert(0, self._hook)

    def add(self, archive: Archive) -> bool:
        """Take an archive in; False when it disagrees about a file."""
        if archive in self.archives:
            return True
        if any(archive.differs_from(other) for other in self.archives):
            return False
        self.archives.append(archive)
        for path in [path for path in sys.path_importer_cache if path.startswith(archive.path)]:
            del sys.path_importer_cache[path]
        for name, module in list(sys.modules.items()):
            stem = name.replace(".", "/")
            if is_payload_module(name) and hasattr(module, "__path__") and archive.find(stem)[1]:
                module.__path__ = [*module.__path__, os.path.join(archive.path, stem)]
        return True

    def places(self, stem: str, first: Archive) -> List[str]:
        """Return where the parts of a package lie, those in `first` before others."""
        archives = [first] + [archive for archive in self.archives if archive is not first]
        return [os.path.join(archive.path, stem) for archive in archives if archive.find(stem)[1]]

    def _hook(self, path: str) -> PayloadFinder:
        for archive in self.archives:
            if path == archive.path:
                return PayloadFinder(self, archive, "")
            if isinstance(path, str) and path.startswith(archive.path + os.sep):
                return PayloadFinder(self, archive, path[len(archive.path) + 1 :])
        raise ImportError("no payload")


def is_payload_module(name: str) -> bool:
    """Return whether a module of this name comes out of payloads."""
    return name.partition(".")[0] in ("ansible", "ansible_collections")


class Cache:
    """The payloads in one folder, the one that `archive` (the agent's own payload) lies in.

    When that is no cache of ours, payloads go to a private folder that `close` removes.
    """

    def __init__(self, archive: str) -> None:
        self._private = codefile.path_of(archive) is None
        self._folder = None if self._private else os.path.dirname(archive)

    def lookup(self, sha: str) -> Optional[str]:
        """Return the path of a payload whose content was just verified, or None."""
        if self._folder is None:
            return None
        path = os.path.join(self._folder, sha + ".pyz")
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            return None
        if hashlib.sha256(data).hexdigest() != sha:
            return None
        _touch(path)
        return path

    def store(self, sha: str, data: bytes) -> str:
        """Keep a payload and return its path; ValueError when it is not what its name says."""
        found = hashlib.sha256(data).hexdigest()
        if found != sha:
            raise ValueError("expected a payload with sha256 %s, found %s" % (sha, found))
        try:
            return self._write(sha, data)
        except OSError:
            # A cache that is full or cannot be written is no reason to fail.
            if self._private:
                raise
            self._folder, self._private = None, True
            return self._write(sha, data)

    def prune(self, limit: int) -> None:
        """Remove the least recently used payloads, with their compiled code, until at most `limit` bytes are held."""
        if self._folder is None:
            return
        sizes: Dict[str, int] = {}
        used: Dict[str, float] = {}
        names: Dict[str, List[str]] = {}
        for entry in os.scandir(self._folder):
            match = _OURS.match(entry.name)
            if match:
                info = entry.stat(follow_symlinks=False)
                sha = match.group(1)
                sizes[sha] = sizes.get(sha, 0) + info.st_size
                used[sha] = max(used.get(sha, 0.0), info.st_mtime)
                names.setdefault(sha, []).append(entry.path)
        total = sum(sizes.values())
        for sha in sorted(used, key=lambda key: (used[key], key)):
            if total <= limit:
                return
            if _remove_unused(os.path.join(self._folder, sha + ".pyz"), names[sha]):
                total -= sizes[sha]

    def close(self) -> None:
        if self._private and self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _write(self, sha: str, data: bytes) -> str:
        if self._folder is None:
            # With a folder given: a look for one would be remembered in tempfile, for all modules to come.
            self._folder = tempfile.mkdtemp(prefix="rustle-", dir=os.environ.get("TMPDIR") or "/tmp")
        path = os.path.join(self._folder, sha + ".pyz")
        codefile.store(path, data)
        return path


def _shared_lock(descriptor: int) -> None:
    """Tell other agents that this payload is in use. (File systems without locks: they see it as in use anyway.)"""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        pass


def _remove_unused(archive: str, paths: List[str]) -> bool:
    try:
        descriptor = os.open(archive, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        descriptor = None  # compiled code that lost its payload
    except OSError:
        return False
    try:
        if descriptor is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for path in paths:
            os.unlink(path)
    except OSError:
        return False
    finally:
        if descriptor is not None:
            os.close(descriptor)
    return True


def _touch(path: str) -> None:
    try:
        os.utime(path)
    except OSError:
        pass


def _slashes(name: str) -> List[int]:
    return [at for at, char in enumerate(name) if char == "/"]


def _importable(files: Dict[str, Tuple[int, int]]) -> Dict[str, Tuple[str, Tuple[int, int]]]:
    """The files that modules import, by the stem they are found under, so that a/b.py meets a/b/__init__.py."""
    found = {}
    for name, content in files.items():
        if name.startswith(("ansible/", "ansible_collections/")):
            stem = name[: -len(_PACKAGE)] if name.endswith(_PACKAGE) else name[:-3] if name.endswith(".py") else name
            found[stem] = (name, content)
    return found
