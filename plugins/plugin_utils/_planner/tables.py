# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The effects tables: YAML, one file a collection, one entry a module. A name that is in no table is worldly.

Rule 1: the files come with this package and are read like its code, by its loader, when a task first asks for their collection.
Rule 2: entries begin at the start of a line, and each can be read alone: a run reads those of the modules that it meets, no others.
Rule 3: an entry of the user's overrules ours as a whole.
"""
from __future__ import annotations

import functools
import pkgutil
import re
import typing as t

import yaml  # type: ignore[import-untyped]
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.entries import Row, row_of
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.named_rules import NAMED_RULES

__all__ = ['COLLECTIONS', 'OURS', 'Tables', 'names_in', 'short_name', 'text_of']

COLLECTIONS: t.Final = ('ansible.builtin', 'ansible.posix', 'community.crypto', 'community.docker', 'community.general')
"""Collections that have a table, ``effects_tables/<collection>.yml``."""

Entry = t.Mapping[str, t.Any]

_HEAD = re.compile(r'^(\w+):', re.MULTILINE)
_LOADER = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)


def text_of(collection: str) -> str:
    """The table of one of COLLECTIONS as it is written. RustleError where it cannot be read: the collection is not whole then."""
    try:
        return (pkgutil.get_data(__name__.rpartition('.')[0], f'effects_tables/{collection}.yml') or b'').decode()
    except (OSError, UnicodeDecodeError) as ex:
        raise _broken(collection, ex) from ex


def _broken(collection: str, ex: Exception) -> RustleError:
    return RustleError(f'effects_tables/{collection}.yml of rustle.engine: it cannot be read: {" ".join(str(ex).split())}', hint='install the collection anew')


def names_in(collection: str) -> tuple[str, ...]:
    """The modules in a collection's table, as ``Tables.row`` takes them: short names for ansible.builtin, full ones else."""
    prefix = '' if collection == 'ansible.builtin' else f'{collection}.'
    return tuple(f'{prefix}{name}' for name in _texts(collection))


@functools.cache
def _texts(collection: str) -> dict[str, str]:
    """Name -> its entry as text."""
    text = text_of(collection)
    heads = list(_HEAD.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return {head[1]: text[head.start():end] for head, end in zip(heads, ends, strict=True)}


@functools.cache
def _ours(name: str) -> Entry | None:
    """The entry of a module by its short name (see short_name)."""
    collection, _dot, module = name.rpartition('.')
    collection = collection or 'ansible.builtin'
    text = _texts(collection).get(module) if collection in COLLECTIONS else None
    if text is None:
        return None
    try:
        entry: Entry = yaml.load(text, _LOADER)[module]
    except (yaml.YAMLError, ValueError) as ex:
        raise _broken(collection, ex) from ex
    return _ours(short_name(entry['like'])) if 'like' in entry else entry


class Tables:
    """Our tables, and the entries of a user's above them.

    ``entries``: module -> its entry, with short names for ansible.builtin and for modules beside a playbook; checked already.
    """

    def __init__(self, entries: t.Mapping[str, Entry] | None = None) -> None:
        self._entries = entries or {}
        self._rows: dict[str, Row | None] = {}

    def row(self, action: str, *, own_module: bool = False) -> Row | None:
        """What an action does; None when no table knows it. ``own_module``: it is the user's, so that none of our entries is meant."""
        name = short_name(action)
        if own_module and name not in self._entries:
            return None
        if name not in self._rows:
            self._rows[name] = self._read(name)
        return self._rows[name]

    def _read(self, name: str) -> Row | None:
        entry = self._entries.get(name)
        if entry is None:
            entry = _ours(name)
        elif 'like' in entry:
            entry = _ours(short_name(entry['like']))
        return None if entry is None else row_of(entry, NAMED_RULES)


OURS: t.Final = Tables()
"""The tables without entries of a user's."""
