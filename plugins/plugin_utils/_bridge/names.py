# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which variables a template reads, and what else it does, read off its syntax tree. Nothing is rendered.

Rule 1: a text that cannot be parsed may read anything.
Rule 2: a name that the template itself binds (loop variables, set, macro arguments) is not read from outside.
"""
from __future__ import annotations

import dataclasses
import functools
import re
import typing as t
from collections.abc import Mapping

import jinja2
from ansible.parsing.vault import EncryptedString
from jinja2 import meta, nodes

from .hazards import CROSS_HOST

__all__ = ['ANYTHING', 'NOTHING', 'Reading', 'pieces_of', 'reading_of', 'reading_of_expression', 'reading_of_file']

_PLAIN = re.compile(r'\{\{\s*([A-Za-z_]\w*)(?:\.\w+)*\s*\}\}')
_NAME = re.compile(r'\{\{\s*([A-Za-z_]\w*)\s*\}\}')
_MARKS = re.compile(r'\{[{%#]|\n')
_LITERAL = re.compile(r"""\s*(?:[A-Za-z_]\w*|'[^'{}]*'|\d+)\s*\Z""")
_WORDS = frozenset(('true', 'false', 'none', 'True', 'False', 'None', 'not'))
_LOOKUPS = frozenset(('lookup', 'query', 'q'))
_OTHER_HOSTS = CROSS_HOST - {'vars'}
_FILE_PLUGINS = frozenset(('directory', 'is_dir', 'file', 'is_file', 'link', 'is_link', 'exists', 'link_exists', 'is_same_file', 'same_file', 'mount',
                           'is_mount', 'fileglob', 'realpath'))
_CHANGING = frozenset(('random', 'strftime', 'shuffle'))  # they give another value each time
_FUNCTIONS = frozenset(('range', 'dict', 'lipsum', 'cycler', 'joiner', 'namespace', 'now', 'undef', 'omit')) | _LOOKUPS


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """What rendering would do. ``lookups``: '' for one whose name is not literal; ``templates``: literal names of included files."""

    names: frozenset[str] = frozenset()
    lookups: frozenset[str] = frozenset()
    templates: frozenset[str] = frozenset()
    any: bool = False
    other_hosts: bool = False
    clock: bool = False
    controller_files: bool = False
    changing: bool = False

    def __or__(self, other: Reading) -> Reading:
        if other is NOTHING or other == self:
            return self
        return Reading(
            self.names | other.names, self.lookups | other.lookups, self.templates | other.templates, self.any or other.any,
            self.other_hosts or other.other_hosts, self.clock or other.clock, self.controller_files or other.controller_files,
            self.changing or other.changing)


NOTHING: t.Final = Reading()
ANYTHING: t.Final = Reading(any=True)


class _Any(dict[str, t.Any]):
    """Filters or tests: every name is one, since nothing is rendered."""

    def get(self, key: str, default: t.Any = None) -> t.Any:
        return str


_environment = jinja2.Environment(extensions=['jinja2.ext.do', 'jinja2.ext.loopcontrols'], optimized=False)
_environment.filters, _environment.tests = _Any(), _Any()


def reading_of(value: object) -> Reading:
    """Of all templates in a value, keys included."""
    if isinstance(value, str):
        return _of_text(str(value)) if '{{' in value or '{%' in value else NOTHING
    if value is None or isinstance(value, (bool, int)):
        return NOTHING
    if isinstance(value, (dict, Mapping)):
        value = (*value, *value.values())
    elif not isinstance(value, (list, tuple)):
        return NOTHING
    return _together(map(reading_of, value))


def _together(readings: t.Iterable[Reading]) -> Reading:
    found = NOTHING
    for one in readings:
        if one is not NOTHING:
            found |= one
    return found


def reading_of_expression(value: object) -> Reading:
    """Of an expression without braces (``when`` and the like), or of a list of them."""
    if isinstance(value, (list, tuple)):
        return _together(map(reading_of_expression, value))
    if isinstance(value, bool) or value is None:
        return NOTHING
    if isinstance(value, EncryptedString):
        return ANYTHING
    text = str(value)
    if _LITERAL.match(text):
        name = text.strip()
        return NOTHING if name in _WORDS or not name.isidentifier() else _named(name)
    return _of_text(text if '{{' in text or '{%' in text else '{{ ' + text + ' }}')


def pieces_of(text: str) -> list[str] | None:
    """Of text that is names in braces among plain words: words, a name, words, and so on. None for what only a template engine can take apart."""
    pieces = _NAME.split(text)
    return None if any(_MARKS.search(words) for words in pieces[::2]) else pieces


def reading_of_file(text: str) -> Reading:
    """Of a template file's content."""
    return _of_text(text)


@functools.lru_cache(maxsize=65536)
def _named(name: str) -> Reading:
    return Reading(names=frozenset((name,)), any=name == 'vars', other_hosts=name in _OTHER_HOSTS)


@functools.lru_cache(maxsize=65536)
def _of_text(text: str) -> Reading:
    plain = _PLAIN.fullmatch(text.strip())
    if plain is not None:
        return _named(plain.group(1))
    pieces = pieces_of(text)
    if pieces is not None:
        return _together(map(_named, set(pieces[1::2]) - _WORDS - _FUNCTIONS))
    try:
        tree = _environment.parse(text)
        names = meta.find_undeclared_variables(tree)
    except jinja2.TemplateError:
        return ANYTHING
    lookups: set[str] = set()
    templates: set[str] = set()
    anything = clock = files = changing = False
    for node in tree.find_all((nodes.Call, nodes.Filter, nodes.Test, nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport)):
        if isinstance(node, nodes.Call):
            called = node.node.name if isinstance(node.node, nodes.Name) else ''
            if called in _LOOKUPS:
                first = node.args[0] if node.args else None
                lookups.add(first.value if isinstance(first, nodes.Const) and isinstance(first.value, str) else '')
            clock = clock or called == 'now'
        elif isinstance(node, (nodes.Filter, nodes.Test)):
            short = (node.name or '').rpartition('.')[2]
            files = files or short in _FILE_PLUGINS
            clock = clock or short == 'strftime'
            changing = changing or short in _CHANGING
        else:
            target = node.template
            literal = [target.value] if isinstance(target, nodes.Const) else [one.value for one in getattr(target, 'items', ()) if isinstance(one, nodes.Const)]
            if literal and all(isinstance(name, str) for name in literal):
                templates.update(literal)
            else:
                anything = True
    if {'vars', 'varnames', ''} & {name.rpartition('.')[2] for name in lookups}:
        anything = True
    return Reading(
        names=frozenset(names - _FUNCTIONS), lookups=frozenset(lookups), templates=frozenset(templates), any=anything or 'vars' in names,
        other_hosts=not _OTHER_HOSTS.isdisjoint(names), clock=clock, controller_files=files, changing=changing)
