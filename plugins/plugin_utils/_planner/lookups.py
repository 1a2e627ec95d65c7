# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lookups that a task's texts hold, and what each touches. A lookup runs on the controller.

What stands behind a variable's name is not seen here: whoever renders it asks ``lookup_effects`` when a lookup is reached.
"""
from __future__ import annotations

import re
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Effects, Scope
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.arguments import is_template

__all__ = ['LOOKUPS', 'lookup_effects', 'lookups_in']

_PURE = Effects(Scope.NONE)
_READS_CONTROLLER = Effects(Scope.NONE, reads=('controller:*',), controller_reads=True)
_UNKNOWN = Effects(
    Scope.WORLDLY, writes=('controller:*',), reads=('controller:*',), controller_reads=True, controller_writes=True
)

LOOKUPS: t.Final[t.Mapping[str, Effects]] = {
    # they rearrange what they are given, or read variables and configuration
    'config': _PURE,
    'dict': _PURE,
    'env': _PURE,
    'indexed_items': _PURE,
    'inventory_hostnames': _PURE,  # what changes the inventory has barriers of its own
    'items': _PURE,
    'list': _PURE,
    'nested': _PURE,
    'random_choice': _PURE,
    'sequence': _PURE,
    'subelements': _PURE,
    'together': _PURE,
    'vars': _PURE,
    'varnames': _PURE,
    # they read files of the controller
    'csvfile': _READS_CONTROLLER,
    'file': _READS_CONTROLLER,
    'fileglob': _READS_CONTROLLER,
    'first_found': _READS_CONTROLLER,
    'ini': _READS_CONTROLLER,
    'template': _READS_CONTROLLER,
    'unvault': _READS_CONTROLLER,
    # they run commands, ask the network or write
    'lines': _UNKNOWN,
    'password': _UNKNOWN,
    'pipe': _UNKNOWN,
    'url': _UNKNOWN,
    # of community.general: the same three kinds
    'community.general.cartesian': _PURE,
    'community.general.collection_version': _READS_CONTROLLER,
    'community.general.dependent': _PURE,
    'community.general.filetree': _READS_CONTROLLER,
    'community.general.flattened': _PURE,
    'community.general.merge_variables': _PURE,
    'community.general.random_pet': _PURE,
    'community.general.random_string': _PURE,
    'community.general.random_words': _PURE,
    'community.general.shelvefile': _READS_CONTROLLER,
}

_BUILTIN = re.compile(r'ansible\.(builtin|legacy)\.')
_CALL = re.compile(r"""\b(?:lookup|query|q)\s*\(\s*(?:(['"])([\w.]+)\1)?""")
# tests and filters that look at the controller's files; they count as the lookup ``file``
_FILE_TEST = re.compile(
    r'\bis\s+(?:not\s+)?(?:ansible\.builtin\.)?(?:(?:link_)?exists|(?:is_)?(?:file|link|mount|same_file)|directory|is_dir)\b'
    r'|\|\s*(?:ansible\.builtin\.)?(?:fileglob|realpath)\b'
)


def lookup_effects(name: str) -> Effects:
    """What the lookup plugin touches; unknown ones may touch anything. Its scope NONE means: nothing that a barrier is for."""
    return LOOKUPS.get(_BUILTIN.sub('', name), _UNKNOWN)


def lookups_in(value: object, *, expression: bool = False) -> tuple[str, ...]:
    """Names of lookups called in the templates of a value, sorted; '' for one whose name is not literal.

    ``expression``: the text is an expression as a whole (``when``, ``until``), without braces.
    """
    return tuple(sorted(set(_found(value, expression)))) if value else ()


def _found(value: object, expression: bool) -> t.Iterator[str]:
    if isinstance(value, str):
        if expression or is_template(value):
            for call in _CALL.finditer(value):
                yield call.group(2) or ''
            if _FILE_TEST.search(value):
                yield 'file'
    elif isinstance(value, t.Mapping):
        for pair in value.items():
            for part in pair:
                yield from _found(part, expression)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _found(part, expression)
