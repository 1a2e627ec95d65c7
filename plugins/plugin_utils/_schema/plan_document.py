# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan as a JSON document, and back. The models are made from the frozen classes, so that the two cannot drift apart.

Rule 1: field names are those of the classes. What is written differently is here: durations as secs and nanos, conditions as one key, no serial as null,
every task with its hosts.
Rule 2: a field with a default may be missing, and a field that is not known is passed over: plans of other versions can be read.
"""
from __future__ import annotations

import dataclasses
import enum
import functools
import types
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import DocumentError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.estimate import Estimate
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import FORMAT_VERSION, ExecutionBatch, ExecutionPlan, PlayPlan, TaskPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import Condition
from ansible_collections.rustle.engine.plugins.plugin_utils._schema._pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
)

__all__ = ['from_document', 'json_schema', 'problem', 'to_document']

_CONDITIONS: t.Final[t.Mapping[str, tuple[str, str]]] = {
    # kind: (key, field of its value)
    'when': ('When', 'expression'), 'tag': ('Tag', 'tags'), 'skip_tag': ('SkipTag', 'tags'), 'host': ('Host', 'hosts'), 'check_mode': ('CheckMode', 'value'),
    'include': ('Include', 'tasks'),
}
_LISTED: t.Final = ('tags', 'hosts', 'tasks')
_KINDS = {key: (kind, field) for kind, (key, field) in _CONDITIONS.items()}


_EXPECTED: t.Final = {
    # kinds of complaints of pydantic that its own words say in its own terms
    'missing': 'the field to be there', 'model_type': 'an object', 'dict_type': 'an object', 'list_type': 'a list', 'string_type': 'a text',
    'bool_type': 'true or false', 'bool_parsing': 'true or false',
}


# -- to JSON

def to_document(plan: ExecutionPlan) -> dict[str, t.Any]:
    """Plain data for ``json.dumps``."""
    return t.cast('dict[str, t.Any]', _encoded(plan))


def _encoded(value: t.Any) -> t.Any:
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, Estimate):
        nanos = round(value.median * 1_000_000_000)
        return {'secs': nanos // 1_000_000_000, 'nanos': nanos % 1_000_000_000, 'spread': value.spread, 'count': value.count}
    if isinstance(value, Condition):
        key, field = _CONDITIONS[value.kind]
        return {key: {field: list(value.values) if field in _LISTED else value.text, 'decided': value.decided}}
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        made = {name: _encoded(getattr(value, name)) for name in _fields(t.cast('type', type(value)))}
        if isinstance(value, PlayPlan):
            made['serial'] = made['serial'] or None
        if isinstance(value, ExecutionBatch):
            made['tasks'] = [task if task['hosts'] is not None else {**task, 'hosts': made['hosts']} for task in made['tasks']]
        return made
    if isinstance(value, t.Mapping):
        return {str(key): _encoded(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        # names of hosts are many and plain
        return list(value) if value and set(map(type, value)) == {str} else [_encoded(part) for part in value]
    return value if isinstance(value, (str, int, float)) else str(value)


@functools.cache
def _fields(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls))


# -- from JSON

class _Estimate(BaseModel):
    """A duration. ``spread``: width of the middle 80 % in seconds, out of ``count`` runs."""

    secs: int = Field(ge=0)
    nanos: int = Field(0, ge=0, lt=1_000_000_000)
    spread: float = 0.0
    count: int = 0


class _ConditionBody(BaseModel):
    expression: str = ''
    tags: list[str] = Field(default_factory=list)
    hosts: list[str] = Field(default_factory=list)
    tasks: list[str] = Field(default_factory=list)
    value: str = ''
    decided: bool | None = None


class _Condition(BaseModel):
    """Exactly one key says what kind of condition it is."""

    When: _ConditionBody | None = None
    Tag: _ConditionBody | None = None
    SkipTag: _ConditionBody | None = None
    Host: _ConditionBody | None = None
    CheckMode: _ConditionBody | None = None
    Include: _ConditionBody | None = None


@functools.cache
def _model(cls: type) -> type[BaseModel]:
    """The pydantic model of one of the frozen classes."""
    hints = t.get_type_hints(cls)
    fields: dict[str, t.Any] = {}
    for field in dataclasses.fields(cls):
        default: t.Any = ...
        if field.default is not dataclasses.MISSING:
            default = field.default
        elif field.default_factory is not dataclasses.MISSING:
            default = Field(default_factory=field.default_factory)
        hint = _translated(hints[field.name])
        fields[field.name] = (hint | None if cls is PlayPlan and field.name == 'serial' else hint, default)
    if cls is TaskPlan:
        fields['hosts'] = (list[str], ...)  # never null
    said = None if (cls.__doc__ or '').startswith(f'{cls.__name__}(') else cls.__doc__  # a dataclass without a text has its signature there
    made = create_model(cls.__name__, __config__=ConfigDict(extra='ignore', arbitrary_types_allowed=True), __doc__=said, **fields)
    return t.cast('type[BaseModel]', made)


def _translated(hint: t.Any) -> t.Any:
    if hint is Estimate:
        return _Estimate
    if hint is Condition:
        return _Condition
    if dataclasses.is_dataclass(hint):
        return _model(t.cast('type', hint))
    origin, parts = t.get_origin(hint), t.get_args(hint)
    if origin is tuple:
        return list[_translated(parts[0])] if parts[-1] is ... else list[t.Any]  # type: ignore[misc]
    if origin in (t.Union, types.UnionType):
        return t.Union[tuple(_translated(part) for part in parts)]  # noqa: UP007
    if origin is not None and origin is not t.Literal and issubclass(origin, t.Mapping):
        return dict[str, t.Any] if parts[1] is t.Any else dict[str, _translated(parts[1])]  # type: ignore[misc]
    return hint


@functools.cache
def _plan_model() -> type[BaseModel]:
    return _model(ExecutionPlan)


def json_schema() -> dict[str, t.Any]:
    """The published schema (docs/plan.schema.json)."""
    schema = _plan_model().model_json_schema()
    return {'$schema': 'https://json-schema.org/draft/2020-12/schema', 'title': 'rustle.engine execution plan', **schema}


def from_document(data: t.Any, *, where: str) -> ExecutionPlan:
    """The plan that a document holds. DocumentError for what is not one; ``where`` names the file."""
    version = data.get('metadata', {}).get('format_version', FORMAT_VERSION) if isinstance(data, dict) and isinstance(data.get('metadata', {}), dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise DocumentError(path='metadata.format_version', expected=f'{FORMAT_VERSION} or less', found=version, where=where,
                            hint='the plan was made by a newer rustle.engine: install that, or plan anew')
    try:
        document = _plan_model().model_validate(data)
    except ValidationError as ex:
        raise problem(ex, where=where) from None
    return t.cast('ExecutionPlan', _built(ExecutionPlan, document))


def problem(ex: t.Any, *, where: str) -> DocumentError:
    """The first complaint of pydantic, in our words."""
    first = ex.errors()[0]
    path = ''.join(f'[{part}]' if isinstance(part, int) else f'.{part}' for part in first['loc']).lstrip('.')
    found = first.get('input')
    found = f'{type(found).__name__} of {len(found)}' if isinstance(found, (dict, list)) and len(found) > 3 else found
    expected = _EXPECTED.get(first['type'], first['msg'].removeprefix('Input should be ').removeprefix('Value error, '))
    return DocumentError(path=path, expected=expected, found=None if first['type'] == 'missing' else found, where=where)


def _built(hint: t.Any, value: t.Any) -> t.Any:
    if value is None:
        return () if t.get_origin(hint) is tuple else None
    if isinstance(value, _Estimate):
        return Estimate(value.secs + value.nanos / 1_000_000_000, value.spread, value.count)
    if isinstance(value, _Condition):
        return _condition(value)
    if dataclasses.is_dataclass(hint):
        cls = t.cast('type', hint)
        hints = _hints(cls)
        if cls is ExecutionBatch:
            for task in value.tasks:
                task.hosts = None if task.hosts == value.hosts else task.hosts
        return cls(**{name: _built(hints[name], getattr(value, name)) for name in _fields(cls)})
    origin, parts = t.get_origin(hint), t.get_args(hint)
    if origin is tuple:
        return tuple(_built(parts[0], part) for part in value)
    if origin in (t.Union, types.UnionType):
        return _built(next(part for part in parts if part is not type(None)), value)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint(value)
    return types.MappingProxyType(dict(value)) if isinstance(value, dict) and origin is not None else value


@functools.cache
def _hints(cls: type) -> dict[str, t.Any]:
    return t.get_type_hints(cls)


def _condition(value: _Condition) -> Condition:
    for key, (kind, field) in _KINDS.items():
        body = getattr(value, key)
        if body is not None:
            found = getattr(body, field)
            values, text = (tuple(found), '') if isinstance(found, list) else ((), found)
            return Condition(kind=t.cast('t.Any', kind), text=text, values=values, decided=body.decided)
    return Condition(kind='when')
