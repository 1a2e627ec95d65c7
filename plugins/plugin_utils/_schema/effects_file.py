# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A file of effects that a user gives (setting ``effects_file``), in the language of our own tables (docs/ordering.md).

Rule 1: whatever comes out of here can be followed without a further look; an entry is refused as a whole, with the line it stands on.
Rule 2: checked by hand: the start of pydantic takes longer than all else that is done with such a file, and it knows no lines.
"""
from __future__ import annotations

import re
import typing as t

import yaml  # type: ignore[import-untyped]
from ansible_collections.rustle.engine.plugins.plugin_utils._model.entry import CONDITIONS, KEYS, RULES, SCOPES, parse_pattern
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import SettingsError
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.declarations import suggestion

__all__ = ['parse_effects_file', 'read_effects_file']

Known = t.Callable[[str], bool]
Entry = dict[str, t.Any]
_At = tuple[t.Any, ...]  # keys and indices that lead to a value

_MODULE = re.compile(r'\w+|\w+(\.\w+){2,}')
_BUILTIN = re.compile(r'ansible\.(builtin|legacy)\.')
_ARGUMENT = re.compile(r'\w[\w-]*')
_LOADER = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
_LISTS = ('edits', 'writes', 'reads')
_SWITCHES = ('exact', 'remote_src', 'restarts_agent')
_NEEDS = {'host_if': 'host', 'exact': 'world'}  # words that mean something with one scope only


def read_effects_file(path: str, *, known: Known) -> dict[str, Entry]:
    """The entries of the file at ``path``; see parse_effects_file. SettingsError as well when there is no such file."""
    try:
        with open(path, encoding='utf-8') as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as ex:
        raise SettingsError(expected='a readable text file', found=str(ex), where=f'effects_file {path}') from ex
    return parse_effects_file(text, path=path, known=known)


def parse_effects_file(text: str, *, path: str, known: Known) -> dict[str, Entry]:
    """Module -> entry, names of ansible.builtin short. ``known``: whether our tables have a module, for ``like``.

    Raises SettingsError, with line and place, at the first thing that cannot be right.
    """
    try:
        loader = _LOADER(text)
        try:
            node = loader.get_single_node()
            check = _Check(path, known)
            if node is None:
                return {}
            check.take_lines(node, (), set())
            data = loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as ex:
        line = f':{ex.problem_mark.line + 1}' if ex.problem_mark else ''
        raise SettingsError(expected='YAML', found=str(ex.problem), where=f'{path}{line}') from ex
    except (yaml.YAMLError, ValueError, RecursionError) as ex:  # numbers and dates that are none raise what Python raises
        raise SettingsError(expected='YAML', found=str(ex), where=path) from ex
    return {} if data is None else check.file(data)


class _Check:
    """Follows one file from the top; every method raises SettingsError for what cannot be."""

    def __init__(self, path: str, known: Known) -> None:
        self._path = path
        self._known = known
        self._lines: dict[_At, int] = {}

    def take_lines(self, node: t.Any, at: _At, inside: set[int]) -> None:
        """Remember where everything stands, and refuse keys that stand there twice, of which YAML would take the last."""
        self._lines.setdefault(at, node.start_mark.line + 1)
        if id(node) in inside or not isinstance(node, yaml.CollectionNode):
            return
        inside = inside | {id(node)}
        if isinstance(node, yaml.SequenceNode):
            for number, part in enumerate(node.value):
                self.take_lines(part, (*at, number), inside)
            return
        for key, value in node.value:
            place = (*at, str(key.value))
            if place in self._lines:
                self._lines[place] = key.start_mark.line + 1
                raise self._error(place, expected='each key once', found=str(key.value), hint='merge the two, or remove one')
            self._lines[place] = key.start_mark.line + 1
            self.take_lines(value, place, inside)

    def _error(self, at: _At, *, expected: str, found: object, hint: str = '', words: t.Iterable[str] = ()) -> SettingsError:
        near = at
        while near not in self._lines:
            near = near[:-1]
        name = ''.join(f'[{key}]' if isinstance(key, int) else f'.{key}' for key in at).removeprefix('.')
        where = f'{self._path}:{self._lines[near]}{f": {name}" if name else ""}'
        if not hint and isinstance(found, str):
            hint = suggestion(found.lower(), words)
        return SettingsError(expected=expected, found=found, where=where, hint=hint)

    # -- entries

    def file(self, data: object) -> dict[str, Entry]:
        if not isinstance(data, dict):
            raise self._error((), expected='modules, each with what it touches', found=data, hint='copy: {scope: host, writes: [file:<dest>]}')
        entries: dict[str, Entry] = {}
        for name, entry in data.items():
            if not isinstance(name, str) or not _MODULE.fullmatch(name):
                raise self._error((str(name),), expected='the name of a module, like copy or community.general.ini_file', found=name)
            short = _BUILTIN.sub('', name, count=1)
            if short in entries:
                raise self._error((name,), expected='each module once', found=name, hint=f'{short} and its full name are the same module')
            entries[short] = self._entry(entry, (name,))
        return entries

    def _entry(self, entry: object, at: _At) -> Entry:
        if not isinstance(entry, dict):
            raise self._error(at, expected='a mapping with scope, or with like', found=entry, hint='{scope: host, writes: [file:<dest>]}')
        self._keys(entry, at, KEYS)
        if 'like' in entry:
            return self._like(entry, at)
        scope = entry.get('scope')
        if scope not in SCOPES:
            raise self._error((*at, 'scope'), expected='none, host or world', found=scope, words=SCOPES)
        for key, wanted in _NEEDS.items():
            if key in entry and scope != wanted:
                raise self._error((*at, key), expected=f'{key} with scope: {wanted} only', found=f'scope: {scope}')
        for key in _SWITCHES:
            if not isinstance(entry.get(key, False), bool):
                raise self._error((*at, key), expected='yes or no', found=entry[key])
        if 'rule' in entry and entry['rule'] not in RULES:
            raise self._error((*at, 'rule'), expected=f'one of {", ".join(RULES)}', found=entry['rule'], words=RULES)
        if 'source' in entry and not self._is_argument(entry['source']):
            raise self._error((*at, 'source'), expected='the name of an argument', found=entry['source'])
        if 'remote_src' in entry and 'source' not in entry:
            raise self._error((*at, 'remote_src'), expected='source beside remote_src', found=entry['remote_src'])
        for key in _LISTS:
            if key in entry:
                self._resources(entry[key], (*at, key), scope)
        if 'host_if' in entry:
            self._host_if(entry['host_if'], (*at, 'host_if'))
        return entry

    def _keys(self, mapping: t.Mapping[t.Any, t.Any], at: _At, words: t.Sequence[str]) -> None:
        for key in mapping:
            if key not in words:
                raise self._error((*at, key), expected=f'one of {", ".join(words)}', found=key, words=words)

    def _like(self, entry: Entry, at: _At) -> Entry:
        if len(entry) > 1:
            other = next(key for key in entry if key != 'like')
            raise self._error((*at, other), expected='like alone', found=other, hint='write the whole entry, or like and nothing else')
        if not isinstance(entry['like'], str) or not self._known(entry['like']):
            raise self._error((*at, 'like'), expected='a module of the tables that come with rustle.engine', found=entry['like'])
        return entry

    # -- resources

    def _resources(self, given: object, at: _At, scope: str) -> None:
        if not isinstance(given, list):
            hint = f'write [{given}]' if isinstance(given, str) else ''
            raise self._error(at, expected='a list of resources', found=given, hint=hint)
        for number, text in enumerate(given):
            self._resource(text, (*at, number), scope)

    def _resource(self, text: object, at: _At, scope: str) -> None:
        if not isinstance(text, str):
            raise self._error(at, expected='a resource like file:<dest>', found=text, hint='leave no blank behind the colon' if isinstance(text, dict) else '')
        try:
            kind = parse_pattern(text).kind
        except ValueError as ex:
            hint = f'write file:{text} for a path' if text.startswith('/') else ''
            raise self._error(at, expected=str(ex), found=text, hint=hint) from ex
        if kind == 'world' and scope != 'world':
            raise self._error(at, expected='scope: world for what touches something beyond the host', found=text)
        if scope == 'none' and kind not in ('var', 'controller'):
            raise self._error(at, expected='var: and controller: only, with scope: none', found=text, hint='scope: host for things of the host')

    # -- conditions

    def _host_if(self, given: object, at: _At) -> None:
        places = [(part, (*at, number)) for number, part in enumerate(given)] if isinstance(given, list) else [(given, at)]
        if not places:
            raise self._error(at, expected='a condition', found=given)
        for conditions, place in places:
            if not isinstance(conditions, dict) or not conditions:
                raise self._error(place, expected=f'a mapping with {", ".join(CONDITIONS)}', found=conditions)
            self._keys(conditions, place, CONDITIONS)
            for name, what in conditions.items():
                self._condition(name, what, (*place, name))

    def _condition(self, name: str, given: t.Any, at: _At) -> None:
        if name == 'not_given':
            if not isinstance(given, list) or not given or not all(map(self._are_arguments, given)):
                raise self._error(at, expected='a list of arguments', found=given)
            return
        if not isinstance(given, dict) or not given:
            raise self._error(at, expected='arguments, each with values' if name == 'one_of' else 'arguments, each with a pattern', found=given)
        for argument, values in given.items():
            place = (*at, argument)
            if not self._are_arguments(argument):
                raise self._error(place, expected='the name of an argument', found=argument)
            if name == 'one_of' and not (isinstance(values, list) and values and all(isinstance(v, (str, int, bool, type(None))) for v in values)):
                raise self._error(place, expected='a list of values', found=values, hint='null stands for an argument that is not given')
            if name == 'not_like' and not (isinstance(values, str) or (isinstance(values, list) and values and all(isinstance(v, str) for v in values))):
                raise self._error(place, expected='a pattern like *://*, or a list of them', found=values)

    @staticmethod
    def _is_argument(name: object) -> bool:
        return isinstance(name, str) and _ARGUMENT.fullmatch(name) is not None

    def _are_arguments(self, names: object) -> bool:
        """One name, or a name and its aliases."""
        return isinstance(names, str) and all(map(self._is_argument, names.split('|')))
