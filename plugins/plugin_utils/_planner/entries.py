# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Follows entries of the effects tables: an entry becomes a row, which takes the arguments of a task and gives its effects.

Rule 1: an entry may be of scope ``host`` only if nobody beyond the host can notice the task, nor the task anybody, whatever is not literal.
Rule 2: what an entry does not know it names as a whole (``file:*``, ``*``) or as worldly.
Rule 3: entries come here checked: ours by tests, those of users by `_schema/effects_file.py`.
"""
from __future__ import annotations

import fnmatch
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.entry import PATHS, Pattern, parse_pattern
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Effects, Scope
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.arguments import Arguments, is_template
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.resources import ANYTHING, path_resource

__all__ = ['Row', 'Rule', 'row_of']

Row = t.Callable[[Arguments], Effects]
Rule = t.Callable[[Arguments, Row], Effects]  # takes the row of the entry's other words
_Names = tuple[str, ...]
_Resources = t.Callable[[Arguments], _Names]
_Condition = t.Callable[[Arguments], bool]


def row_of(entry: t.Mapping[str, t.Any], rules: t.Mapping[str, Rule]) -> Row:
    """The row of an entry that is no ``like``; ``rules`` are what its ``rule`` may name."""
    row = _row(entry)
    if 'rule' not in entry:
        return row
    rule = rules[entry['rule']]
    return lambda args: rule(args, row)


def _row(entry: t.Mapping[str, t.Any]) -> Row:
    scope = Scope(entry['scope'])
    patterns = {key: tuple(map(parse_pattern, entry.get(key) or ())) for key in ('edits', 'writes', 'reads')}
    if scope is Scope.PRIVATE and 'reads' not in entry:
        patterns['reads'] = (Pattern(ANYTHING),)
    edits, writes, reads = map(_resources, patterns.values())
    certain = _any_of(entry['host_if']) if 'host_if' in entry else None
    beyond = () if entry.get('exact') else (ANYTHING,)
    source = _source(entry['source'], default=entry.get('remote_src', False)) if 'source' in entry else None
    watched = any(pattern.kind == 'controller' for kinds in patterns.values() for pattern in kinds)
    restarts = entry.get('restarts_agent', False)

    def row(args: Arguments) -> Effects:
        edited = edits(args)
        written, read = (*edited, *writes(args)), (*edited, *reads(args))
        uploads = False
        if source is not None:
            uploads, found = source(args)
            read += found
        if scope is Scope.WORLDLY:
            written, read = written + beyond, read + beyond
        found_scope = scope
        if certain is not None and not certain(args):
            found_scope, written, read = Scope.WORLDLY, (*written, ANYTHING), (*read, ANYTHING)
        return Effects(
            found_scope, written, read, controller_reads=uploads or (watched and _of_controller(read)),
            controller_writes=watched and _of_controller(written), restarts_agent=restarts,
        )

    return row


def _of_controller(resources: _Names) -> bool:
    return any(resource.startswith('controller:') for resource in resources)


def _source(name: str, *, default: bool) -> t.Callable[[Arguments], tuple[bool, _Names]]:
    """(whether a file of the controller is read, what is read) for an argument that ``remote_src`` puts on the host."""

    def source(args: Arguments) -> tuple[bool, _Names]:
        on_host = args.truth('remote_src', default=default)
        uploads = args.given(name) and on_host is not True
        here = args.paths(name, kind='controller') if uploads else ()
        there = args.paths(name) if on_host is not False else ()
        return uploads, (*here, *there)

    return source


# --- resources


def _resources(patterns: tuple[Pattern, ...]) -> _Resources:
    if not any(pattern.names for pattern in patterns):
        fixed = tuple(map(_fixed, patterns))
        return lambda args: fixed
    parts = [_found(pattern) if pattern.names else _fixed(pattern) for pattern in patterns]

    def resources(args: Arguments) -> _Names:
        found: list[str] = []
        for part in parts:
            if isinstance(part, str):
                found.append(part)
            else:
                found += part(args)
        return tuple(found)

    return resources


def _fixed(pattern: Pattern) -> str:
    return ANYTHING if pattern.kind == ANYTHING else f'{pattern.kind}:{pattern.before}'


def _found(pattern: Pattern) -> _Resources:
    kind, names = pattern.kind, pattern.names
    default: _Names = () if pattern.default is None else (_around(pattern, pattern.default),)
    plain = not pattern.before and not pattern.after and not any('.' in name for name in names)
    if plain and kind in PATHS:
        return lambda args: args.paths(*names, kind=kind) or default
    if plain:
        return lambda args: args.named(kind, *names) or default

    def found(args: Arguments) -> _Names:
        inside = (_inside(args, name) for name in names)
        value = next((value for value in inside if value is not None), None)
        if value is None:
            return default
        listed = value if isinstance(value, (list, tuple)) else (value,)
        return tuple(_around(pattern, name) for name in listed) or default

    return found


def _around(pattern: Pattern, name: object) -> str:
    """The resource of one name; all of the kind for one that is not literal."""
    kind = pattern.kind
    if name == ANYTHING or not isinstance(name, (str, int)) or is_template(name):
        return f'{kind}:*'
    text = f'{pattern.before}{name}{pattern.after}'
    if kind in PATHS:
        return path_resource(kind, name if pattern.before and str(name).startswith('/') else text)
    return f'{kind}:{text.strip()}'


def _inside(args: Arguments, name: str) -> t.Any:
    """The value of an argument, or what a dotted name finds in it; None when there is nothing."""
    name, *keys = name.split('.')
    value = args.get(name)
    for key in keys:
        listed = value if isinstance(value, (list, tuple)) else () if value is None else (value,)
        found = [part.get(key) if isinstance(part, t.Mapping) else part for part in listed]
        value = [part for part in found if part is not None] or None
    return value


# --- conditions


def _any_of(given: t.Any) -> _Condition:
    """One mapping, or a list of them of which one has to hold."""
    each = [_all_of(conditions) for conditions in (given if isinstance(given, list) else [given])]
    return each[0] if len(each) == 1 else lambda args: any(holds(args) for holds in each)


def _all_of(conditions: t.Mapping[str, t.Any]) -> _Condition:
    """Each is certain: what is not literal fulfils none."""
    every: list[_Condition] = [_not_given(tuple(names.split('|'))) for names in conditions.get('not_given', ())]
    every += [_one_of(tuple(names.split('|')), values) for names, values in conditions.get('one_of', {}).items()]
    every += [_not_like(tuple(names.split('|')), globs) for names, globs in conditions.get('not_like', {}).items()]
    return every[0] if len(every) == 1 else lambda args: all(holds(args) for holds in every)


def _not_given(names: _Names) -> _Condition:
    return lambda args: not args.given(*names)


def _one_of(names: _Names, values: t.Sequence[t.Any]) -> _Condition:
    """``null`` among the values: or it is not given."""
    switches = [value for value in values if isinstance(value, bool)]
    words = frozenset(str(value) for value in values if value is not None and not isinstance(value, bool))

    def one_of(args: Arguments) -> bool:
        value = args.get(*names)
        if value is None:
            return None in values
        return args.text(*names) in words or args.truth(*names, default=True) in switches

    return one_of


def _not_like(names: _Names, globs: t.Any) -> _Condition:
    patterns = [globs] if isinstance(globs, str) else globs

    def not_like(args: Arguments) -> bool:
        text = args.text(*names)
        return text is not None and not any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns)

    return not_like
