# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Steps that Ansible takes for each task and host, made shorter where their outcome is plain.

Rule 1: the outcome is the original's, object for object; whatever is not plain goes to the original.
Rule 2: validation only inside coroutines; the rest for the strategy's loop as well.
Sources: ansible/playbook/base.py (post_validate, copy), ansible/_internal/_templating/_engine.py (template), ansible/vars/clean.py.
"""
from __future__ import annotations

import copy
import functools
import typing as t

from ansible._internal._templating._engine import TemplateEngine, TemplateOptions
from ansible._internal._templating._jinja_bits import _JinjaConstTemplate, is_possibly_template
from ansible.module_utils._internal._datatag import _AnsibleTaggedStr
from ansible.module_utils.common.sentinel import Sentinel
from ansible.playbook.base import FieldAttributeBase
from ansible.vars import manager

from .coroutine import current
from .memo import replace

__all__ = ['Masters', 'install', 'validate']

_ATOMS = (type(None), bool, int, float, str, type)
_PLAIN = {'bool': bool, 'float': float}
_EMPTY = {'list': list, 'dict': dict}
#: their own validators give these lists back as they are
_UNTOUCHED = frozenset(('changed_when', 'failed_when', 'module_defaults', 'until'))


@functools.lru_cache(maxsize=64)
def _fields(cls: type) -> tuple[tuple[str, str, bool, t.Any], ...]:
    """(name, name of its value, whether parents add to the value, how it is validated) of each attribute."""
    rows = []
    for name, attribute in cls.fattributes.items():  # type: ignore[attr-defined]
        kind: t.Any = None if attribute.required else attribute.isa
        if hasattr(cls, f'_post_validate_{name}') and name not in _UNTOUCHED:
            kind = kind and 'own'
        rows.append((name, f'_{name}', bool(getattr(attribute, 'extend', False)), kind))
    return tuple(rows)


def _is_plain(value: t.Any, kind: str) -> bool:
    """Whether validation gives the value back as it is: nothing to template, nothing to convert."""
    if value is None:
        return True
    if kind == 'own':
        return False
    if kind == 'string':
        return isinstance(value, str) and not is_possibly_template(value)
    if kind in ('list', 'dict'):
        return not value and type(value) is _EMPTY[kind]
    if kind == 'int':
        return isinstance(value, int)
    return type(value) is _PLAIN.get(kind)


def validate(thing: t.Any, templar: t.Any) -> None:
    """FieldAttributeBase.post_validate."""
    values = thing.__dict__
    alone = thing._squashed or not hasattr(thing, '_get_parent_attribute')
    for name, slot, inherits, kind in _fields(type(thing)):
        if kind is not None and (alone or not inherits):
            value = values.get(slot, Sentinel)
            default = value is Sentinel
            if default:
                value = getattr(thing, name)
            if _is_plain(value, kind):
                if default and value is not None:
                    setattr(thing, name, value)
                continue
        value = thing.post_validate_attribute(name, templar=templar)
        if value is not Sentinel:
            setattr(thing, name, value)
    thing._finalized = True


@functools.lru_cache(maxsize=64)
def _slots(cls: type) -> tuple[tuple[str, str | None], ...]:
    """The name of each attribute's value, and of its alias's."""
    return tuple((f'_{name}', attribute.alias and f'_{attribute.alias}') for name, attribute in cls.fattributes.items())  # type: ignore[attr-defined]


def _copy(self: t.Any) -> t.Any:
    """FieldAttributeBase.copy."""
    twin = self.__class__()
    values, into = self.__dict__, twin.__dict__
    for slot, alias in _slots(self.__class__):
        value = values.get(slot, Sentinel)
        kind = type(value)
        if kind is list or kind is dict:
            value = value.copy()
        elif not issubclass(kind, _ATOMS):
            value = copy.copy(value)
        into[slot] = value
        if alias is not None:
            into[alias] = value
    for name in ('_loader', '_variable_manager', '_origin', '_validated', '_finalized', '_uuid'):
        setattr(twin, name, getattr(self, name))
    if hasattr(self, '_ds'):
        twin._ds = self._ds
    return twin


def _templating(original: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    @functools.wraps(original)
    def template(self: t.Any, variable: t.Any, *, options: t.Any = TemplateOptions.DEFAULT, **others: t.Any) -> t.Any:
        kind = type(variable)
        if kind is str or (kind is _AnsibleTaggedStr and not _JinjaConstTemplate.is_tagged_on(variable)):
            if not is_possibly_template(variable, options.overrides):
                return variable
        return original(self, variable, options=options, **others)
    return template


class Masters:
    """Squashed copies of tasks: what a task inherits does not depend on the host."""

    def __init__(self) -> None:
        self._masters: dict[int, tuple[t.Any, t.Any]] = {}

    def copy(self, task: t.Any) -> t.Any:
        """A squashed copy for one host."""
        known = self._masters.get(id(task))
        if known is None:
            master = task.copy(exclude_parent=True, exclude_tasks=True)
            master._parent = task._parent
            master.squash()
            known = self._masters[id(task)] = task, master
        twin = known[1].copy(exclude_parent=True, exclude_tasks=True)
        twin._parent = task._parent
        twin.name = task.name  # linear templates it when the first host comes
        twin._squashed = True
        return twin


class _Facts:
    """Facts cleaned for use as variables: a function of the cached facts, which change only through the variable manager."""

    def __init__(self) -> None:
        self._version = 0
        self._known: dict[tuple[str, int], tuple[int, t.Any, t.Any]] = {}

    def changed(self, change: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        @functools.wraps(change)
        def method(manager_: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:
            self._version += 1
            return change(manager_, *args, **kwargs)
        return method

    def once(self, clean: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        name = clean.__name__

        @functools.wraps(clean)
        def cleaned(facts: t.Any) -> t.Any:
            if not facts:
                return {'ansible_facts': {}} if name == 'namespace_facts' else {}
            known = self._known.get((name, id(facts)))
            if known is None or known[0] != self._version or known[1] is not facts:
                if len(self._known) > 2048:
                    self._known.clear()
                known = self._known[name, id(facts)] = self._version, facts, clean(facts)
            result = dict(known[2])
            inner = result.get('ansible_facts')
            if isinstance(inner, dict):
                result['ansible_facts'] = dict(inner)
            return result
        return cleaned


def install() -> None:
    """Put the short ways in place (idempotent; memo.uninstall takes them out)."""
    facts = _Facts()
    for name in ('clean_facts', 'namespace_facts', '_clean_and_deprecate_top_level_facts'):
        if hasattr(manager, name):
            replace(manager, name, facts.once(getattr(manager, name)))
    for name in ('set_host_facts', 'clear_facts'):
        replace(manager.VariableManager, name, facts.changed(getattr(manager.VariableManager, name)))
    replace(TemplateEngine, 'template', _templating(TemplateEngine.template))
    replace(FieldAttributeBase, 'copy', _copy)
    original = FieldAttributeBase.post_validate
    replace(FieldAttributeBase, 'post_validate', lambda self, templar: original(self, templar) if current() is None else validate(self, templar))
