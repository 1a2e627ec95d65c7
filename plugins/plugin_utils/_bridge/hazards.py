# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names in flight: what a task that is prepared ahead of linear may not read.

Rule 1: a guard is armed only while a coroutine prepares a task ahead; elsewhere every name is free.
Rule 2: reading a guarded name raises Hazard, a BaseException, since plugins swallow Exception.
Rule 3: whatever is not resolved through a template's context (connection variables, facts that actions read directly) is covered by the
        static rules in prospects.py, not here.
"""
from __future__ import annotations

import dataclasses
import functools
import os
import typing as t

from ansible._internal._templating import _jinja_bits, _jinja_plugins
from ansible.errors import AnsibleError
from ansible.executor import task_executor
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import MAX_PUT
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.facts import is_fact

from .coroutine import current

__all__ = ['Guard', 'Hazard', 'Unsupported', 'install', 'uninstall']

#: what other hosts, or the rest of the play, can change between two tasks of linear
CROSS_HOST = frozenset(('hostvars', 'vars', 'play_hosts', 'ansible_play_hosts', 'ansible_play_hosts_all', 'ansible_play_batch',
                        'ansible_current_hosts', 'ansible_failed_hosts'))

#: lookups that are functions of their terms alone
PURE_LOOKUPS = frozenset(('items', 'list', 'dict', 'sequence', 'nested', 'together', 'subelements', 'indexed_items', 'flattened', 'cartesian'))
#: lookups that are quick and harmless inside the strategy's process; all others run in a worker
QUICK_LOOKUPS = PURE_LOOKUPS | {'file', 'fileglob', 'first_found', 'template', 'vars', 'varnames', 'env', 'csvfile', 'ini', 'config',
                                'inventory_hostnames', 'random_choice', 'unvault'}


class Hazard(BaseException):
    """A task that is prepared ahead wants something that is not known yet."""

    def __init__(self, reason: Reason, name: str) -> None:
        super().__init__(f'{reason.value}: {name}')
        self.reason = reason
        self.name = name


class Unsupported(BaseException):
    """A task wants something that only the stock path can do. Once the target was asked it is an error of the task: nothing is done twice."""

    def __init__(self, reason: Reason, detail: str = '') -> None:
        owner = current()
        if owner is not None and owner.sent:
            raise AnsibleError(f'rustle.engine cannot finish what this task has begun: {reason.text} ({detail}).',
                               help_text='Set `rustle_mode: ssh` on this task.')
        super().__init__(f'{reason.value}: {detail}')
        self.reason = reason
        self.detail = detail


def refuse_large(owner: t.Any, path: str) -> None:
    """Leave a file that is too large to the stock path, as long as nothing was sent."""
    if not owner.sent and os.path.isfile(path) and os.path.getsize(path) > MAX_PUT:
        raise Unsupported(Reason.LARGE_FILE, path)


@dataclasses.dataclass(frozen=True)
class Guard:
    """The names that are in flight on one host: name -> why, and whether facts are."""

    names: t.Mapping[str, Reason]
    facts: bool = False

    def check(self, name: str) -> None:
        """Raise Hazard when reading ``name`` would need a result that is still under way."""
        if name in self.names:
            raise Hazard(self.names[name], name)
        if name in CROSS_HOST:
            raise Hazard(Reason.VARS, name)
        if name == 'now':
            raise Hazard(Reason.CLOCK, name)
        if self.facts and is_fact(name):
            raise Hazard(Reason.FACTS, name)


def _resolve_or_missing(self: t.Any, key: str) -> t.Any:
    owner = current()
    if owner is not None and owner.guard is not None:
        owner.guard.check(key)
    return _jinja_bits.Context.resolve_or_missing(self, key)


def _watched(invoke: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    @functools.wraps(invoke)
    def invoke_lookup(*args: t.Any, **kwargs: t.Any) -> t.Any:
        owner = current()
        if owner is not None:
            plugin = short_name(str(kwargs.get('plugin_name', args[0] if args else '')))
            if owner.guard is not None and plugin not in PURE_LOOKUPS:
                raise Hazard(Reason.LOOKUP_CUT, plugin)
            if plugin not in QUICK_LOOKUPS and not owner.sent:
                raise Unsupported(Reason.LOOKUP, plugin)
        return invoke(*args, **kwargs)
    return invoke_lookup


#: Jinja tests and filters that look at the controller's file system
_FILE_PLUGINS = frozenset(name for plain in ('directory', 'is_dir', 'file', 'is_file', 'link', 'is_link', 'exists', 'link_exists', 'is_same_file',
                                             'same_file', 'mount', 'is_mount', 'fileglob', 'realpath')
                          for name in (plain, f'ansible.builtin.{plain}', f'ansible.legacy.{plain}'))


def _get_plugin(self: t.Any, key: str) -> t.Any:
    owner = current()
    if owner is not None and owner.guard is not None:
        if key in _FILE_PLUGINS:
            raise Hazard(Reason.CONTROLLER_FILES, key)
        if key.rpartition('.')[2] == 'strftime':
            raise Hazard(Reason.CLOCK, key)
    return _originals['__getitem__'](self, key)


_originals: dict[str, t.Callable[..., t.Any]] = {}
_undo: list[t.Callable[[], None]] = []


def install() -> None:
    """Put the hooks in place (idempotent)."""
    if _undo:
        return
    context_class = _jinja_bits.AnsibleContext
    context_class.resolve_or_missing = _resolve_or_missing
    _undo.append(lambda: delattr(context_class, 'resolve_or_missing'))
    plugins = _jinja_plugins.JinjaPluginIntercept
    _originals['__getitem__'] = plugins.__getitem__
    plugins.__getitem__ = _get_plugin
    _undo.append(lambda: setattr(plugins, '__getitem__', _originals['__getitem__']))
    original = _jinja_plugins._invoke_lookup
    watched = _watched(original)
    for module in (_jinja_plugins, task_executor):
        module._invoke_lookup = watched
        _undo.append(functools.partial(setattr, module, '_invoke_lookup', original))


def uninstall() -> None:
    while _undo:
        _undo.pop()()
