# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be said of a task before it is run, from its keywords alone.

Rule 1: a task that only stock can run is named here, with its reason, before a coroutine is made for it.
Rule 2: whatever a task may change that later tasks read in a way the guard does not see ends the bundle after it.
"""
from __future__ import annotations

import functools
import os
import typing as t

import ansible
from ansible import constants as C
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.playbook.task_include import TaskInclude
from ansible.plugins import action as action_plugins
from ansible.plugins.loader import action_loader, module_loader
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Scope, TaskNode
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.lookups import lookups_in

from . import compat
from .modules import find_module

__all__ = ['AGENT_ACTIONS', 'ends_bundle', 'modules_of', 'node_of', 'notifications', 'plugin_of', 'reads_controller', 'sets_facts', 'stock_reason',
           'tasks_of']

_CORE = os.path.dirname(action_plugins.__file__)
_PACKAGE = os.path.dirname(ansible.__file__) + os.sep
#: action plugins of ansible-core whose every use of the target goes through the seams
AGENT_ACTIONS = frozenset(('normal', 'command', 'shell', 'copy', 'template', 'package', 'dnf', 'service', 'gather_facts', 'uri', 'unarchive', 'assemble'))
_CONTROLLER_ACTIONS = frozenset(('set_fact', 'debug', 'assert', 'fail', 'set_stats', 'include_vars', 'validate_argument_spec'))
_SETS_FACTS = frozenset(('gather_facts', 'getent', 'setup'))
_READS_FACTS = frozenset(('package', 'dnf', 'service', 'gather_facts'))
_READS_VARS = frozenset(('validate_argument_spec',))


@functools.lru_cache(maxsize=2048)
def _action_plugin(action: str, collections: tuple[str, ...]) -> str | None:
    """The name of the ansible-core action plugin that runs an action ('normal' for a plain module), None for any other plugin."""
    found = action_loader.find_plugin_with_context(action, collection_list=list(collections) or None)  # by its place: nothing of it is imported
    if not found.resolved:
        found = action_loader.find_plugin_with_context('ansible.legacy.normal')
    path = found.plugin_resolved_path or ''
    # by its file: a class may have been loaded under several module names
    return os.path.basename(path).removesuffix('.py') if os.path.dirname(path) == _CORE else None


def plugin_of(task: t.Any) -> str | None:
    """The ansible-core action plugin of a task; None when it is unknown or a template."""
    if '{{' in str(task.action):
        return None
    return _action_plugin(str(task.action), tuple(task.collections or ()))


def stock_reason(task: t.Any) -> Reason | None:
    """Why only the stock path may run the task, as far as its keywords tell."""
    if isinstance(task, TaskInclude):
        return None  # an include asks nothing of the target
    if task.async_val:
        return Reason.ASYNC
    if task.throttle:
        return Reason.THROTTLE
    if task.debugger is not None:
        return Reason.DEBUGGER
    if C.DEFAULT_KEEP_REMOTE_FILES:
        return Reason.KEEP_REMOTE_FILES
    plugin = plugin_of(task)
    if plugin == 'raw':
        return Reason.RAW
    if plugin not in AGENT_ACTIONS and plugin not in _CONTROLLER_ACTIONS:
        return Reason.ACTION
    return None


def cut_before(task: t.Any, *, facts: bool, anything: bool, asking: bool) -> Reason | None:
    """Why a task cannot be prepared while others of its host are under way: facts, anything they may set, or anything they ask of a target."""
    if isinstance(task, TaskInclude):
        return Reason.INCLUDE
    plugin = plugin_of(task)
    if facts and plugin in _READS_FACTS:
        return Reason.FACTS
    if anything and plugin in _READS_VARS:
        return Reason.VARS
    if asking and plugin == 'include_vars' and 'dir' in task.args:
        return Reason.CONTROLLER_FILES  # which files are there is not asked through a seam
    return None


def sets_facts(task: t.Any) -> bool:
    """Whether the task gives its host facts: what it asks of the host it is about."""
    action = short_name(task._resolved_action or str(task.action))
    return action.endswith('_facts') or action in _SETS_FACTS


def reads_controller(task: t.Any) -> bool:
    """Whether the task reads a file of the controller, if it runs at all. In doubt False: what it has read is known once it is prepared."""
    plugin, args = plugin_of(task), task.args
    return plugin == 'template' or (plugin in ('copy', 'unarchive', 'assemble') and 'src' in args and 'remote_src' not in args)


def ends_bundle(task: t.Any, *, ended: bool) -> Reason | None:
    """Why nothing of the host may be run ahead of linear taking up this task's result; ``ended``: the controller has judged it already."""
    if isinstance(task, TaskInclude):
        return Reason.INCLUDE
    reason = None if ended else _awaits_verdict(task)
    if reason is not None:
        return reason
    action = short_name(str(task.action))
    if action == 'include_vars':
        return Reason.INCLUDE_VARS
    if action in ('add_host', 'group_by'):
        return Reason.ADD_HOST if action == 'add_host' else Reason.GROUP_BY
    if action == 'set_fact' and str(task.args.get('cacheable', 'no')).lower() not in ('no', 'false'):
        return Reason.CACHEABLE
    if task.delegate_to is not None:
        return Reason.DELEGATED
    return None


def _awaits_verdict(task: t.Any) -> Reason | None:
    """Why the task's result must be known before anything else of the host is prepared."""
    if not all(isinstance(condition, bool) for condition in compat.conditions(task.changed_when)):
        return Reason.JUDGE_CHANGED_WHEN
    if not all(condition is False for condition in compat.conditions(task.failed_when)):  # a constant true fails what the agent takes for good
        return Reason.JUDGE_FAILED_WHEN
    if task.until or task.retries is not None:
        return Reason.UNTIL
    if task.timeout:
        return Reason.TIMEOUT
    if any(name.startswith('ansible_') for name in compat.register_names(task)):
        return Reason.REGISTER  # connection variables are read without a template
    return None


def notifications(task: t.Any) -> list[str] | None:
    """What a task may notify; None when it is not known yet."""
    names = task.notify if isinstance(task.notify, list) else [task.notify] if task.notify else []
    return None if any('{{' in str(name) or '{%' in str(name) for name in names) else names


def _connects_locally(task: t.Any) -> bool:
    """Whether a connection of the task's own makes the controller its host."""
    return 'local' in (str(task.connection or '').rpartition('.')[2], (task.vars or {}).get('ansible_connection'))


def node_of(task: t.Any, *, on_controller: bool, rescope: Scope | None, effects: t.Any, mounts: tuple[str, ...] = ()) -> TaskNode:
    """The task as the planner's rules see it; templates stay unrendered."""
    args = dict(task.args) if isinstance(task.args, dict) else {'_raw_params': '{{ unknown }}'}
    action = task._resolved_action or str(task.action)
    for layer in task.module_defaults or ():
        for name, defaults in layer.items() if isinstance(layer, dict) else ():
            # a group's defaults may be this action's: taken as given rather than looked up
            if (name == action or short_name(name) == short_name(action) or name.startswith('group/')) and isinstance(defaults, dict):
                args = {**defaults, **args}
    texts = (task.when, task.changed_when, task.failed_when, task.until)
    lookups = [name for text in texts for name in lookups_in(text, expression=True)]
    lookups += [name for text in (task.loop, task.vars, task.environment) for name in lookups_in(text)]
    if task.loop_with:
        lookups.append(str(task.loop_with))
    delegate_to = None if task.delegate_to is None else str(task.delegate_to)
    return TaskNode(
        action=action, name=task.name or '', args={str(key): value for key, value in args.items()}, loop=bool(task.loop or task.loop_with),
        run_once=bool(task.run_once), delegate_to=None if delegate_to in ('{{ inventory_hostname }}', '{{inventory_hostname}}') else delegate_to,
        throttle=1 if task.throttle else 0, any_errors_fatal=bool(task.any_errors_fatal), rescope=rescope, declared_effects=effects,
        when_constant_false=any(condition is False for condition in task.when or ()), on_controller=on_controller or _connects_locally(task),
        own_module=_is_own(str(task.action), tuple(task.collections or ())), lookups=tuple(lookups), shared_mounts=mounts)


@functools.lru_cache(maxsize=2048)
def _is_own(action: str, collections: tuple[str, ...]) -> bool:
    """Whether a name of ansible-core leads to a module or action plugin of the user's."""
    if '.' in short_name(action):
        return False
    plugin = _action_plugin(action, collections)
    if plugin is None:
        return True
    path = module_loader.find_plugin_with_context(action, '', collection_list=list(collections) or None).plugin_resolved_path
    return path is not None and not path.startswith(_PACKAGE)


#: modules that action plugins of ansible-core run beside the one they are named after
_HELPERS = {
    'copy': ('stat', 'copy', 'file', 'slurp'), 'template': ('stat', 'copy', 'file', 'slurp'), 'assemble': ('stat', 'copy', 'file', 'assemble'),
    'shell': ('command',), 'gather_facts': ('setup',), 'service': ('setup', 'systemd', 'service'), 'package': ('setup',),
    'unarchive': ('stat', 'unarchive'),
}


def tasks_of(iterator: t.Any) -> list[t.Any]:
    """What a play may ask of its hosts: tasks and handlers. Its own gathering of facts is not among them where the play says no.

    The module for that is a third of a small play's payload. Source: PlayIterator, whose first block always begins with it.
    """
    tasks = [*iterator.all_tasks, *iterator.handlers]
    gathers = iterator._play.gather_facts
    if gathers is None or '{{' in str(gathers) or boolean(gathers, strict=False):
        return tasks
    gathering = {task._uuid for task in iterator._blocks[0].block[:1]}
    return [task for task in tasks if task._uuid not in gathering]


def modules_of(tasks: t.Iterable[t.Any]) -> list[t.Any]:
    """References to the modules that these tasks run, as far as their actions are known; modules for other platforms are left out."""
    found: dict[t.Any, None] = {}
    for action, collections in {(str(task.action), tuple(task.collections or ())) for task in tasks}:
        plugin = None if '{{' in action else _action_plugin(action, collections)
        if plugin not in AGENT_ACTIONS:
            continue
        names = ['ansible.legacy.' + name for name in _HELPERS.get(plugin, (plugin,) if plugin != 'normal' else ())] or [action]
        for name in names:
            reference = find_module(module_loader, name, list(collections) or None)
            if reference is not None:
                found[reference[0]] = None
    return sorted(found, key=lambda reference: reference.fqn)
