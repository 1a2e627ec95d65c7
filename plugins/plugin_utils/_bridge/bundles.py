# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bundle files: literal tasks that a payload runs by itself (module_utils/_agent/standalone.py reads them).

Rule 1: a bundle means what its tasks mean: a task with a keyword that only a controller can obey is refused, never changed.
Rule 2: arguments are in it as they are written. What is marked as secret (no_log, vault) is refused.
"""
from __future__ import annotations

import json
import typing as t

from ansible._internal._datatag._tags import VaultedValue
from ansible.parsing.vault import EncryptedString
from ansible.utils.sentinel import Sentinel
from ansible_collections.rustle.engine.plugins.module_utils._agent.standalone import FORMAT

from . import compat, prospects
from .payload import Payload

__all__ = ['document', 'refusal']

#: keywords that must have been left out, wherever they may be inherited from
_UNUSED = (
    'become', 'become_user', 'check_mode', 'connection', 'debugger', 'delegate_to', 'diff', 'module_defaults', 'no_log', 'remote_user', 'run_once',
    'throttle', 'timeout',
)
#: keywords of the task alone, with what they are when they were left out
_OWN: dict[str, tuple[t.Any, ...]] = {
    'async_val': (0,), 'loop': (None,), 'loop_with': (None,), 'notify': (None, []), 'retries': (None,),
}
_CONDITIONS = ('changed_when', 'failed_when', 'until', 'when')
_PLAIN = ('normal', 'command', 'shell')


def refusal(task: t.Any) -> str | None:
    """Why no bundle can hold the task; None when one can."""
    plugin = prospects.plugin_of(task)
    if plugin not in _PLAIN or len(prospects.modules_of([task])) != 1:
        return f'the action {task.action} works on the controller'
    one = task
    while one is not None:
        for name in _UNUSED:
            if getattr(one, f'_{name}', Sentinel) not in (Sentinel, None, [], False):
                return f'{name} needs a controller' if name != 'no_log' else 'no_log asks for arguments that nobody sees, and a bundle shows them'
        if getattr(one, 'rescue', None) or getattr(one, 'always', None):
            return 'rescue and always need a controller'
        one = getattr(one, '_parent', None)
    for name, unset in _OWN.items():
        if getattr(task, name) not in unset:
            return f'{name.removesuffix("_val").removesuffix("_with")} needs a controller'
    for name in _CONDITIONS:
        if compat.conditions(getattr(task, name)):
            return f'{name} needs a controller'
    if not isinstance(task.ignore_errors, (bool, type(None))):
        return 'ignore_errors is a template'
    environment = _environment(task)
    if any(name.startswith(('PYTHON', 'LD_')) for name in environment):
        return 'PYTHON* and LD_* have to be there before Python starts'
    return _unwritable([task.args, environment])


def document(tasks: t.Sequence[t.Any], payload: Payload) -> bytes:
    """The text of a bundle of tasks, none of which was refused, for this payload."""
    entries = []
    for number, task in enumerate(tasks, 1):
        entry: dict[str, t.Any] = {
            'id': f'{number}: {task.name or task.action}', 'module': prospects.modules_of([task])[0].fqn, 'args': dict(task.args)}
        if prospects.plugin_of(task) == 'shell':
            entry['args']['_uses_shell'] = True
        if environment := _environment(task):
            entry['environment'] = environment
        if task.ignore_errors:
            entry['ignore_errors'] = True
        if entry['module'] not in payload.modules:
            raise LookupError(f'no {entry["module"]} in payload {payload.sha}')
        entries.append(entry)
    return (json.dumps({'format': FORMAT, 'tasks': entries}, indent=2) + '\n').encode()


def _environment(task: t.Any) -> dict[str, str]:
    merged: dict[str, str] = {}
    for one in task.environment or ():  # what is inherited stands first, and the task's own wins
        if not isinstance(one, dict):
            return {'': '{{ }}'}  # a template as a whole
        merged |= {str(name): value if isinstance(value, str) else str(value) for name, value in one.items()}
    return merged


def _unwritable(value: t.Any) -> str | None:
    """Why a value cannot stand in a bundle as it is."""
    if isinstance(value, EncryptedString) or VaultedValue.is_tagged_on(value):
        return 'a value comes out of a vault'
    if isinstance(value, dict):
        return _unwritable([*value, *value.values()])
    if isinstance(value, (list, tuple)):
        return next((words for one in value if (words := _unwritable(one)) is not None), None)
    if isinstance(value, str):
        return 'a template needs a controller' if '{{' in value or '{%' in value else None
    if value is None or isinstance(value, (bool, int, float)):
        return None
    return f'a value of type {type(value).__name__} is no JSON value'
