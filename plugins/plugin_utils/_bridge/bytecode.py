# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Imports of our own rooms by way of Python's cache of bytecode.

Ansible's loader of collections compiles a file whenever a process imports it; for our files together that is a tenth of a short run.
Source: ansible/utils/collection_loader/_collection_finder.py (get_code).

Rule 1: only modules below our rooms are found here; what they are named and where they lie does not change.
Rule 2: import this before anything else of ours: what has been imported stays as it is.
"""
from __future__ import annotations

import functools
import sys
import typing as t
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader

__all__ = ['install']

_COLLECTION = __name__.partition('.plugin_utils.')[0]
_ROOMS = (f'{_COLLECTION}.plugin_utils.', f'{_COLLECTION}.module_utils.')


class _Finder:
    """A finder for sys.meta_path."""

    @staticmethod
    def find_spec(fullname: str, path: t.Sequence[str] | None = None, target: t.Any = None) -> ModuleSpec | None:
        if path is None or not fullname.startswith(_ROOMS):
            return None
        return next((spec for spec in (_folder(place).find_spec(fullname) for place in path) if spec is not None), None)


@functools.cache
def _folder(path: str) -> FileFinder:
    return FileFinder(path, (SourceFileLoader, SOURCE_SUFFIXES))


def install() -> None:
    """Put the finder in place (idempotent)."""
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)
