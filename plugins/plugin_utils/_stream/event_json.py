# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Events outside of the process: one JSON object a line.

Rule 1: a line is the event's fields by name, with ``v`` (EVENT_VERSION) and ``kind``; what is not known (None) and what is empty is left out.
Rule 2: who reads a newer version leaves out what it does not know: fields are dropped, an unknown kind is Foreign. Nothing known changes its meaning.
"""
from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model import event as events
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import StreamError

__all__ = ['Foreign', 'decode', 'encode']


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Foreign(events.Event):
    """An event of a later version. ``content``: the line's object."""

    name: str = ''
    content: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


def encode(event: events.Event) -> bytes:
    """The line, without its end."""
    return json.dumps({'v': events.EVENT_VERSION, 'kind': event.kind, **_known(event)}, separators=(',', ':'), ensure_ascii=False).encode('utf-8', 'replace')


def _known(value: t.Any) -> dict[str, t.Any]:
    found = {}
    for name in _names(type(value)):
        one = getattr(value, name)
        if one is None or one == '' or one == ():
            continue
        found[name] = _known(one) if dataclasses.is_dataclass(one) else dict(one) if isinstance(one, t.Mapping) else one
    return found


@functools.lru_cache(maxsize=64)
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def decode(line: bytes | str) -> events.Event:
    """The event of a line. StreamError for what is no event: what was expected, what was found, where."""
    try:
        content = json.loads(line)
    except ValueError as ex:
        raise StreamError(expected='a JSON object', found=_short(line), where='line') from ex
    if not isinstance(content, dict) or not isinstance(content.get('kind'), str):
        raise StreamError(expected='a JSON object with a kind', found=_short(line), where='line')
    kind = _KINDS.get(content['kind'])
    if kind is None:
        base = {name: content[name] for name in ('execution', 'sequence', 'time', 'monotonic') if name in content}
        _check(events.Event, base, 'event')
        return Foreign(name=content['kind'], content=types.MappingProxyType(content), **base)
    return t.cast('events.Event', _made(kind, content, content['kind']))


_KINDS: t.Final = {
    kind.kind: kind for name in events.__all__
    if isinstance(kind := getattr(events, name), type) and issubclass(kind, events.Event) and kind.kind}


def _made(kind: type, content: t.Mapping[str, t.Any], where: str) -> t.Any:
    values = {name: content[name] for name in _names(kind) if name in content}
    _check(kind, values, where)
    for name, nested in _NESTED.items():
        if name in values and name in _names(kind) and isinstance(values[name], dict):
            values[name] = _made(nested, values[name], f'{where}.{name}')
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(value)
    try:
        return kind(**values)
    except TypeError as ex:
        missing = ', '.join(name for name in _required(kind) if name not in values)
        raise StreamError(expected=missing or 'the fields of its kind', found='nothing', where=where) from ex


_NESTED: t.Final = {'task': events.TaskRef, 'measures': events.Measures}


def _required(kind: type) -> tuple[str, ...]:
    return tuple(
        field.name for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING)


def _check(kind: type, values: t.Mapping[str, t.Any], where: str) -> None:
    """That each value is of its field's sort: text, number, yes or no, list, object."""
    for field in dataclasses.fields(kind):
        if field.name in values:
            expected = _sort(str(field.type))
            value = values[field.name]
            if not isinstance(value, _SORTS[expected]) or (expected == 'a number' and isinstance(value, bool)):
                raise StreamError(expected=expected, found=_short(repr(value)), where=f'{where}.{field.name}')


_SORTS: t.Final[dict[str, t.Any]] = {
    'text': str, 'a number': (int, float), 'true or false': bool, 'a list': (list, tuple), 'an object': dict, 'anything': object}


def _sort(annotation: str) -> str:
    """Of a field, from how its type is written."""
    for beginning, sort in (('tuple', 'a list'), ('t.Mapping', 'an object'), ('bool', 'true or false'), ('int', 'a number'), ('float', 'a number')):
        if annotation.startswith(beginning):
            return sort
    if annotation in ('TaskRef', 'Measures | None'):
        return 'an object'
    return 'text' if annotation.startswith(('str', 't.Literal', 'Path', 'ExecutionStatus')) else 'anything'


def _short(text: bytes | str) -> str:
    shown = text.decode('utf-8', 'replace') if isinstance(text, bytes) else text
    return shown if len(shown) <= 80 else f'{shown[:77]}...'
