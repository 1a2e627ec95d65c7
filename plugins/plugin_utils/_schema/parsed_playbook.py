# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Playbooks and inventories as rustle-parse prints them (JSON): what a field may hold.

Rule 1: a field that is not known is passed over, with one notice for each place in the document's structure; a bad one is a DocumentError with its path.
Rule 2: what people write in several forms (a text or a list, yes or true) has one form here. Templates stay as they are.
Rule 3: a task may also stand there as in a playbook (``copy: {...}`` instead of ``module`` and ``args``), as it does inside of blocks.
"""
from __future__ import annotations

import math
import re
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import DocumentError
from ansible_collections.rustle.engine.plugins.plugin_utils._schema._pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.plan_document import problem

__all__ = ['ParsedGroup', 'ParsedHost', 'ParsedInventory', 'ParsedPlay', 'ParsedPlaybook', 'ParsedRole', 'ParsedTask', 'is_inventory', 'parse_inventory',
           'parse_playbook']

_MODULE = re.compile(r'[A-Za-z_]\w*(\.\w+)*')
_YES, _NO = frozenset({'yes', 'on', 'true', 'y', '1'}), frozenset({'no', 'off', 'false', 'n', '0'})

_TEXTS = ('name', 'id', 'module', 'delegate_to', 'become_user', 'become_method', 'become_flags', 'remote_user', 'connection', 'registered', 'strategy',
          'order', 'debugger', 'src', 'version', 'address', 'user', 'ssh_private_key_file', 'ssh_common_args', 'ssh_extra_args', 'file_path')
_FLAGS = ('ignore_errors', 'run_once', 'no_log', 'become', 'check_mode', 'diff', 'ignore_unreachable', 'any_errors_fatal', 'delegate_facts', 'gather_facts',
          'force_handlers', 'ansible_become', 'ssh_pipelining')
_NUMBERS = ('retries', 'delay', 'poll', 'async_seconds', 'throttle', 'timeout', 'port', 'max_fail_percentage', 'connection_timeout')
_LISTS = ('tags', 'notify', 'listen', 'dependencies', 'collections', 'groups_of_host', 'children', 'vars_files', 'vault_ids')
_CONDITIONS = ('when', 'changed_when', 'failed_when', 'until')
_MAPPINGS = ('vars', 'variables', 'loop_control', 'facts')
_LAYERS = ('environment', 'module_defaults')


class _Part(BaseModel):
    """A part of the document. What is not known is kept apart, for the notice."""

    model_config = ConfigDict(extra='allow', populate_by_name=True)

    @field_validator(*_TEXTS, mode='before', check_fields=False)
    @classmethod
    def _text(cls, value: object) -> object:
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
        raise ValueError('a text')

    @field_validator(*_FLAGS, mode='before', check_fields=False)
    @classmethod
    def _flag(cls, value: object) -> object:
        if value is None or isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if word in _YES or word in _NO:
            return word in _YES
        if isinstance(value, str) and '{{' in value:
            return value
        raise ValueError('true, false or a template')

    @field_validator(*_NUMBERS, mode='before', check_fields=False)
    @classmethod
    def _number(cls, value: object) -> object:
        if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value)):
            return value
        if isinstance(value, str) and ('{{' in value or re.fullmatch(r'\s*\d+(\.\d+)?\s*%?\s*', value)):
            return value.strip()
        raise ValueError('a number or a template')

    @field_validator(*_LISTS, mode='before', check_fields=False)
    @classmethod
    def _texts(cls, value: object) -> object:
        if value is None:
            return []
        if isinstance(value, (list, tuple)) and all(isinstance(part, (str, int, float)) and not isinstance(part, bool) for part in value):
            return [str(part) for part in value]
        if isinstance(value, str):
            return [value]
        raise ValueError('a text or a list of texts')

    @field_validator(*_CONDITIONS, mode='before', check_fields=False)
    @classmethod
    def _condition(cls, value: object) -> object:
        parts = value if isinstance(value, (list, tuple)) else [] if value is None else [value]
        if not all(isinstance(part, (str, bool)) for part in parts):
            raise ValueError('an expression, true, false or a list of such')
        return [_plain(part) for part in parts]

    @field_validator(*_MAPPINGS, mode='before', check_fields=False)
    @classmethod
    def _mapping(cls, value: object) -> object:
        return {} if value is None else value

    @field_validator(*_LAYERS, mode='before', check_fields=False)
    @classmethod
    def _layers(cls, value: object) -> object:
        if value is None or isinstance(value, (dict, str)) or (isinstance(value, list) and all(isinstance(part, (dict, str)) for part in value)):
            return value
        raise ValueError('an object or a list of objects')


def _plain(condition: t.Any) -> t.Any:
    """``"false"`` says what false says; a condition that is no expression is a constant for the planner."""
    word = condition.strip().lower() if isinstance(condition, str) else condition
    return word == 'true' if word in ('true', 'false') else condition


class _Keywords(_Part):
    """What plays, blocks, roles and tasks have in common. None where the document says nothing."""

    name: str | None = None
    vars: dict[str, t.Any] = Field(default_factory=dict)
    when: list[t.Any] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    collections: list[str] = Field(default_factory=list)
    environment: t.Any = None
    module_defaults: t.Any = None
    become: t.Any = None
    become_user: str | None = None
    become_method: str | None = None
    become_flags: str | None = None
    remote_user: str | None = None
    connection: str | None = None
    port: t.Any = None
    debugger: str | None = None
    no_log: t.Any = None
    run_once: t.Any = None
    check_mode: t.Any = None
    diff: t.Any = None
    ignore_errors: t.Any = None
    ignore_unreachable: t.Any = None
    any_errors_fatal: t.Any = None
    throttle: t.Any = None
    timeout: t.Any = None


class ParsedTask(_Keywords):
    """A task or handler, or a block where ``block`` is not empty. ``dependencies``: ids of tasks of its play that come first (``rustle_after``)."""

    offset: int = -1
    id: str | None = None
    module: str | None = None
    args: dict[str, t.Any] = Field(default_factory=dict)
    loop_items: t.Any = None
    loop_control: dict[str, t.Any] = Field(default_factory=dict)
    notify: list[str] = Field(default_factory=list)
    listen: list[str] = Field(default_factory=list)
    dependencies: list[str] = Field(default_factory=list)
    changed_when: list[t.Any] = Field(default_factory=list)
    failed_when: list[t.Any] = Field(default_factory=list)
    until: list[t.Any] = Field(default_factory=list)
    retries: t.Any = None
    delay: t.Any = None
    poll: t.Any = None
    async_seconds: t.Any = Field(None, alias='async')
    registered: str | None = Field(None, alias='register')
    delegate_to: str | None = None
    delegate_facts: t.Any = None
    block: list[ParsedTask] = Field(default_factory=list)
    rescue: list[ParsedTask] = Field(default_factory=list)
    always: list[ParsedTask] = Field(default_factory=list)

    @model_validator(mode='before')
    @classmethod
    def _one_form(cls, value: t.Any) -> t.Any:
        if not isinstance(value, dict):
            return value
        task = {**value, 'offset': getattr(value, 'at', -1)}
        if 'loop' in task:
            task['loop_items'] = task.pop('loop') if task.get('loop_items') is None else task['loop_items']
        if task.get('module') is None and not task.get('block'):
            actions = [key for key in value if key not in _TASK_FIELDS and not key.startswith('with_')]
            if len(actions) == 1:
                task['module'], task['args'] = actions[0], {**_arguments(task.get('args')), **_arguments(task.pop(actions[0]))}
        if task.get('module') in ('block', 'rescue', 'always') and isinstance(task.get('args'), dict) and isinstance(task['args'].get('_raw_params'), list):
            # rustle-parse takes a block's list of tasks for the argument of a module of that name
            task['block'] = task.pop('args')['_raw_params']
            task.pop('module')
        for section in ('block', 'rescue', 'always'):
            task[section] = [] if task.get(section) is None else task[section]
        return task

    @field_validator('args', mode='before')
    @classmethod
    def _args(cls, value: object) -> object:
        return _arguments(value)

    @field_validator('loop_items', mode='before')
    @classmethod
    def _items(cls, value: object) -> object:
        if value is None or isinstance(value, (list, str, dict)):
            return value
        raise ValueError('a list or a template')

    @model_validator(mode='after')
    def _is_something(self) -> ParsedTask:
        if self.module is not None and not _MODULE.fullmatch(self.module) and '{{' not in self.module:
            raise ValueError(f'the name of a module, not {self.module!r}')
        if self.module is None and not self.block:
            raise ValueError('a module, or a block of tasks')
        return self


def _arguments(value: t.Any) -> t.Any:
    """Free-form arguments as rustle-parse writes them."""
    if value is None:
        return {}
    return value if isinstance(value, dict) else {'_raw_params': value}


class ParsedRole(_Keywords):
    """A role of a play. ``src`` and ``version`` say where it comes from."""

    src: str | None = None
    version: str | None = None

    @model_validator(mode='before')
    @classmethod
    def _one_form(cls, value: t.Any) -> t.Any:
        if isinstance(value, str):
            return {'name': value}
        if isinstance(value, dict) and 'role' in value and 'name' not in value:
            return {**{key: part for key, part in value.items() if key != 'role'}, 'name': value['role']}
        return value

    @model_validator(mode='after')
    def _is_named(self) -> ParsedRole:
        if not self.name:
            raise ValueError('the name of a role')
        return self


class ParsedPlay(_Keywords):
    hosts: list[str] = Field(default_factory=lambda: ['localhost'])
    pre_tasks: list[ParsedTask] = Field(default_factory=list)
    roles: list[ParsedRole] = Field(default_factory=list)
    tasks: list[ParsedTask] = Field(default_factory=list)
    post_tasks: list[ParsedTask] = Field(default_factory=list)
    handlers: list[ParsedTask] = Field(default_factory=list)
    vars_files: list[str] = Field(default_factory=list)
    strategy: str | None = None
    serial: list[t.Any] = Field(default_factory=list)
    max_fail_percentage: t.Any = None
    gather_facts: t.Any = None
    force_handlers: t.Any = None
    order: str | None = None
    offset: int = -1

    @model_validator(mode='before')
    @classmethod
    def _located(cls, value: t.Any) -> t.Any:
        return {**value, 'offset': getattr(value, 'at', -1)} if isinstance(value, dict) else value

    @field_validator('hosts', mode='before')
    @classmethod
    def _pattern(cls, value: object) -> object:
        if value is None:
            return ['localhost']
        if isinstance(value, str) and value.strip():
            return [value]
        if isinstance(value, list) and value and all(isinstance(part, str) and part.strip() for part in value):
            return value
        raise ValueError('a pattern of hosts or a list of such')

    @field_validator('pre_tasks', 'roles', 'tasks', 'post_tasks', 'handlers', mode='before')
    @classmethod
    def _empty(cls, value: object) -> object:
        return [] if value is None else value

    @field_validator('serial', mode='before')
    @classmethod
    def _sizes(cls, value: object) -> object:
        sizes = value if isinstance(value, list) else [] if value is None else [value]
        for size in sizes:
            number = str(size).strip().removesuffix('%')
            if isinstance(size, bool) or not isinstance(size, (int, str)) or not (number.isdecimal() or '{{' in number):
                raise ValueError('a number of hosts, a percentage, or a list of such')
        return [size for size in sizes if size not in (0, '0')]


class ParsedHost(_Part):
    name: str | None = None
    address: str | None = None
    port: t.Any = None
    user: str | None = None
    connection: str | None = None
    connection_timeout: t.Any = None
    ansible_become: t.Any = None
    become_method: str | None = None
    become_user: str | None = None
    become_flags: str | None = None
    ssh_private_key_file: str | None = None
    ssh_common_args: str | None = None
    ssh_extra_args: str | None = None
    ssh_pipelining: t.Any = None
    groups_of_host: list[str] = Field(default_factory=list, alias='groups')
    vars: dict[str, t.Any] = Field(default_factory=dict)


class ParsedGroup(_Part):
    name: str | None = None
    hosts: list[str] = Field(default_factory=list)
    children: list[str] = Field(default_factory=list)
    vars: dict[str, t.Any] = Field(default_factory=dict)

    @field_validator('hosts', 'children', mode='before')
    @classmethod
    def _names(cls, value: object) -> object:
        return [] if value is None else list(value) if isinstance(value, dict) else value


class ParsedInventory(_Part):
    """``host_facts``: host -> facts that are known of it, with or without ``ansible_`` before their names."""

    hosts: dict[str, ParsedHost] = Field(default_factory=dict)
    groups: dict[str, ParsedGroup] = Field(default_factory=dict)
    variables: dict[str, t.Any] = Field(default_factory=dict)
    host_facts: dict[str, dict[str, t.Any]] = Field(default_factory=dict)

    @field_validator('hosts', 'groups', mode='before')
    @classmethod
    def _empty(cls, value: object) -> object:
        if isinstance(value, dict):
            return {name: {} if part is None else part for name, part in value.items()}
        return {} if value is None else value

    @field_validator('host_facts', mode='before')
    @classmethod
    def _nothing(cls, value: object) -> object:
        return {} if value is None else value


class ParsedMetadata(_Part):
    file_path: str | None = None
    name: t.Any = None
    version: t.Any = None
    created_at: t.Any = None
    parsed_at: t.Any = None
    checksum: t.Any = None


class ParsedPlaybook(_Part):
    """The document. ``facts_required``: whether a play gathers facts where it says nothing of it."""

    metadata: ParsedMetadata = Field(default_factory=ParsedMetadata)
    plays: list[ParsedPlay]
    variables: dict[str, t.Any] = Field(default_factory=dict)
    facts_required: bool = False
    vault_ids: list[str] = Field(default_factory=list)
    inventory: ParsedInventory | None = None
    host_facts: dict[str, dict[str, t.Any]] = Field(default_factory=dict)

    @field_validator('facts_required', mode='before')
    @classmethod
    def _required(cls, value: object) -> object:
        return bool(value) if value is None or isinstance(value, list) else value

    @field_validator('metadata', 'host_facts', mode='before')
    @classmethod
    def _nothing(cls, value: object) -> object:
        return {} if value is None else value


_TASK_FIELDS = frozenset(getattr(ParsedTask, 'model_fields', ())) | {'loop', 'async', 'register'}


def parse_playbook(data: t.Any, *, where: str) -> tuple[ParsedPlaybook, tuple[str, ...]]:
    """(the playbook, notices). DocumentError for what is not one; ``where`` names the file."""
    if isinstance(data, dict) and 'plays' not in data and is_inventory(data):
        raise DocumentError(path='', expected='a parsed playbook', found='a parsed inventory', where=where, hint='give an inventory with -i')
    return t.cast('tuple[ParsedPlaybook, tuple[str, ...]]', _parsed(ParsedPlaybook, data, where))


def parse_inventory(data: t.Any, *, where: str) -> tuple[ParsedInventory, tuple[str, ...]]:
    """(the inventory, notices), of a document that is one or that has one in its ``inventory``."""
    inside = isinstance(data, dict) and isinstance(data.get('inventory'), dict)
    return t.cast('tuple[ParsedInventory, tuple[str, ...]]', _parsed(ParsedInventory, data['inventory'] if inside else data, where))


def is_inventory(data: t.Any) -> bool:
    """Whether a JSON value is an inventory of rustle-parse, or has one, and not one of Ansible's own."""
    if not isinstance(data, dict):
        return False
    inside = data.get('inventory', data)
    return isinstance(inside, dict) and isinstance(inside.get('hosts'), dict) and isinstance(inside.get('groups'), dict)


def _parsed(model: type[BaseModel], data: t.Any, where: str) -> tuple[BaseModel, tuple[str, ...]]:
    if not isinstance(data, dict):
        raise DocumentError(path='', expected='a JSON object', found=type(data).__name__, where=where)
    try:
        made = model.model_validate(data)
    except ValidationError as ex:
        raise problem(ex, where=where) from None
    found: dict[str, list[str]] = {}
    for path in _unknown(made, ''):
        found.setdefault(re.sub(r'\[\d+\]', '[]', path), []).append(path)
    return made, tuple(
        f'{where}: {paths[0]} is not known and passed over' + (f', there and in {len(paths) - 1} other places' if len(paths) > 1 else '')
        for paths in found.values())


def _unknown(part: t.Any, path: str) -> t.Iterator[str]:
    """Paths of fields that no model has."""
    if isinstance(part, BaseModel):
        for name in part.model_extra or ():
            if not (name.startswith('with_') and isinstance(part, ParsedTask)):
                yield f'{path}.{name}'.lstrip('.')
        for name in type(part).model_fields:
            yield from _unknown(getattr(part, name), f'{path}.{name}'.lstrip('.'))
    elif isinstance(part, list) and part and isinstance(part[0], BaseModel):
        for number, one in enumerate(part):
            yield from _unknown(one, f'{path}[{number}]')
    elif isinstance(part, dict):
        for key, one in part.items():
            if isinstance(one, BaseModel):
                yield from _unknown(one, f'{path}[{key}]')
