# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a plan was made from: every file that was read, and the hosts with the variables that mattered. Fingerprints only.

Rule 1: a fingerprint is a sha256 in hex; neither contents nor values leave this file.
Rule 2: a host's fingerprint covers the variables that tasks read, so that an inventory that says other things anew can still match.
"""
from __future__ import annotations

import hashlib
import json
import os
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._planner.facts import is_fact

__all__ = ['Inputs', 'hash_of']

_INVENTORY_FOLDERS = frozenset(('group_vars', 'host_vars'))  # their values count with the hosts
_NO_INPUT = frozenset(('.git', '__pycache__'))


class Inputs:
    """Watches a DataLoader from now on."""

    def __init__(self, loader: t.Any) -> None:
        self._files: dict[str, str] = {}
        self._plays: list[tuple[str, t.Any]] = []
        self._names: list[set[str]] = []
        self.vaulted: set[str] = set()  # variables out of files that are encrypted as a whole
        self.base = os.getcwd()  # paths below it are shown relative to it
        self._loader = loader
        self._get = loader._get_file_contents
        loader._get_file_contents = self._watched

    def _watched(self, file_name: str) -> t.Any:
        data, show = self._get(file_name)
        path = os.path.abspath(self._loader.path_dwim(file_name))
        if not _INVENTORY_FOLDERS.intersection(path.split(os.sep)):
            self.saw(path, bytes(data))
        if not show:
            self._note_vaulted(bytes(data))
        return data, show

    def _note_vaulted(self, data: bytes) -> None:
        """The names at the top of a file that came out of a vault."""
        for line in data.decode('utf-8', 'replace').splitlines():
            name, colon, _rest = line.partition(':')
            if colon and name and name == name.strip() and not name.startswith(('#', '-')):
                self.vaulted.add(name.strip('\'"'))

    def saw(self, path: str, data: bytes) -> None:
        """A file was read."""
        self._files[path] = hashlib.sha256(data).hexdigest()

    def read(self, path: str) -> bytes | None:
        """The content of a file, which is then an input; None when it cannot be read."""
        try:
            with open(path, 'rb') as file:
                data = file.read()
        except OSError:
            return None
        self.saw(os.path.abspath(path), data)
        return data

    def folder(self, path: str) -> None:
        """Everything in a folder is an input, whether it is read before the run or in it."""
        for top, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if name not in _NO_INPUT)
            for name in sorted(names):
                self.read(os.path.join(top, name))

    def hosts(self, play: str, classified: t.Any) -> None:
        self._plays.append((play, classified))
        self._names.append(set())

    def used(self, names: t.Iterable[str]) -> None:
        """Variables that tasks of the last play read."""
        self._names[-1].update(names)

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(sorted(self._files))

    def fingerprints(self) -> dict[str, str]:
        """What each thing was like: ``file:<path>``, ``hosts:<number>:<play>``."""
        found = {f'file:{self._shown(path)}': digest for path, digest in sorted(self._files.items())}
        for number, (play, classified) in enumerate(self._plays):
            names = [name for name in sorted(self._names[number] - classified.varying) if not is_fact(name)]
            hosts = [[one.class_id, one.connection, *one.hosts] for one in classified.classes]
            values = {
                one.class_id: {name: _plain(classified.variables[one.class_id].get(name)) for name in names}
                for one in classified.classes}
            found[f'hosts:{number}:{play}'] = _digest([hosts, values])
        return found

    def _shown(self, path: str) -> str:
        relative = os.path.relpath(os.path.realpath(path), self.base)
        return path if relative.startswith('..') else relative


def hash_of(fingerprints: t.Mapping[str, str], kind: str) -> str:
    """One for all of a kind: ``file`` is the hash of the playbooks and what belongs to them, ``hosts`` that of the inventory."""
    return _digest(sorted((name, digest) for name, digest in fingerprints.items() if name.startswith(f'{kind}:')))


def _plain(value: t.Any) -> t.Any:
    """A value as JSON can hold it; what it cannot hold counts by its type."""
    try:
        json.dumps(value)
        return value
    except (TypeError, ValueError):
        return repr(type(value))


def _digest(value: t.Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
