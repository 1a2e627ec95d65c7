# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Traits (`_model/traits.py`) of Ansible's tasks, as they are written: nothing is rendered."""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.traits import TaskTrait
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import short_name

__all__ = ['of_task']

_PACKAGES = frozenset(('apk', 'apt', 'dnf', 'dnf5', 'package', 'pacman', 'pip', 'yum', 'zypper'))
_NEEDS_NO_ROOT = frozenset(('assert', 'debug', 'fail', 'pause', 'ping', 'set_fact', 'set_stats', 'wait_for_connection'))
_SECRETS = frozenset(('credentials', 'key', 'pass', 'passphrase', 'passwd', 'password', 'secret', 'token'))
_KEYS = frozenset(('access', 'api', 'private', 'secret', 'ssh'))  # what a key may be that is secret


def of_task(task: t.Any) -> tuple[str, ...]:
    """In the order of the alphabet."""
    action = short_name(task._resolved_action or str(task.action))
    args = task.args if isinstance(task.args, dict) else {}
    found = {
        TaskTrait.ASYNC: bool(task.async_val),
        TaskTrait.BECOME: task.become is True,
        TaskTrait.CHANGED_WHEN: task.changed_when is not None and task.changed_when != [],  # 2.21 makes no list of it
        TaskTrait.DELEGATED: bool(task.delegate_to),
        TaskTrait.GATHERS_FACTS: action in ('gather_facts', 'setup'),
        TaskTrait.GATHER_SUBSET: action in ('gather_facts', 'setup') and bool(args.get('gather_subset')),
        TaskTrait.IGNORES_ERRORS: bool(task.ignore_errors),
        TaskTrait.LOOP: task.loop is not None,
        TaskTrait.NEEDS_NO_ROOT: task.become is True and action in _NEEDS_NO_ROOT,
        TaskTrait.NO_LOG: task.no_log is not None and task.no_log is not False,
        TaskTrait.PACKAGE_LOOP: task.loop is not None and action in _PACKAGES and '{{' in str(args.get('name') or args.get('pkg') or ''),
        TaskTrait.RUN_ONCE: bool(task.run_once),
        TaskTrait.SECRET_ARGUMENTS: any(_is_secret(str(name)) and value not in (None, '', True, False) for name, value in args.items()),
        TaskTrait.THROTTLE: bool(task.throttle),
        TaskTrait.TIMEOUT: bool(task.timeout),
        TaskTrait.UNTIL: bool(task.until),
    }
    return tuple(sorted(trait.value for trait, here in found.items() if here))


def _is_secret(name: str) -> bool:
    """Whether an argument is called like a secret: ``login_password`` is, ``update_password`` and ``key`` are not."""
    *before, last = name.lower().split('_')
    if last == 'key':
        return bool(before) and before[-1] in _KEYS
    return last in _SECRETS and before[:1] != ['update']
