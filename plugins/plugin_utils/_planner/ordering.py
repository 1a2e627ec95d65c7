# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where hosts wait for each other: causal ordering (docs/ordering.md).

Rule 1: a barrier stands wherever hosts, the controller or the world could notice that a host ran ahead; in doubt it stands.
Rule 2: the *always* barriers stand in every mode; the user's word that hosts are independent (mode ``host``) lifts only the rest.
Rule 3: with one host nobody is there to be waited for.
"""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Effects, Scope, TaskNode
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import interferes, short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.resources import conflicts

__all__ = ['Mode', 'barrier_for', 'conflicts', 'order_matters']

Mode = t.Literal['causal', 'linear', 'host']

_ACTIONS = {'add_host': Reason.ADD_HOST, 'group_by': Reason.GROUP_BY, 'pause': Reason.PAUSE}
_FREE_META = frozenset({'noop', 'role_complete'})


def barrier_for(
    node: TaskNode, effects: Effects, *, mode: Mode, hosts: int, forks: int, same_machine: bool, play_max_fail: bool
) -> Reason | None:
    """Why all ``hosts`` of the play wait for each other before and after this task; None: they may run ahead through it.

    ``same_machine``: another host of the play is the same machine as this one. ``play_max_fail``: max_fail_percentage is set.
    The first cause in the order of the rules is given.
    """
    if hosts <= 1 or _is_free(node):
        return None
    return (
        _always(node, play_max_fail=play_max_fail)
        or _by_mode(mode, forks=forks)
        or (_by_effects(effects, same_machine=same_machine) if mode == 'causal' else None)
    )


def order_matters(one: Effects, other: Effects, *, same_machine: bool) -> bool:
    """Whether somebody could notice in which order two tasks of two hosts ran; where it is so, a causal barrier is between them.

    For checkers of what has run: it looks at the effects only, and knows nothing of the barriers that always stand.
    """
    if Scope.NONE not in (one.scope, other.scope) and Scope.WORLDLY in (one.scope, other.scope):
        return True
    return interferes(_shared(one, same_machine), _shared(other, same_machine))


def _shared(effects: Effects, same_machine: bool) -> Effects:
    """What two inventory names have in common: the controller, maybe the machine, never the variables."""

    def common(name: str) -> bool:
        return not name.startswith('var:') if same_machine else name.startswith('controller:')

    return Effects(effects.scope, writes=tuple(filter(common, effects.writes)), reads=tuple(filter(common, effects.reads)))


def _is_free(node: TaskNode) -> bool:
    """Meta tasks that nobody can notice in any mode."""
    if short_name(node.action) != 'meta':
        return False
    verb = node.args.get('_raw_params')
    return verb in _FREE_META or (verb == 'flush_handlers' and node.idle_flush)


def _always(node: TaskNode, *, play_max_fail: bool) -> Reason | None:
    action = short_name(node.action)
    if action == 'meta':
        return Reason.FLUSH_HANDLERS if node.args.get('_raw_params') == 'flush_handlers' else Reason.META_TASK
    causes = (
        (node.run_once, Reason.RUN_ONCE),
        (node.delegate_to is not None, Reason.DELEGATED),
        (bool(node.throttle), Reason.THROTTLED),
        (node.any_errors_fatal, Reason.ANY_ERRORS_FATAL),
        (play_max_fail, Reason.MAX_FAIL_PERCENTAGE),
        (node.reads_other_hosts, Reason.OTHER_HOSTS),
    )
    return _ACTIONS.get(action) or next((reason for holds, reason in causes if holds), None)


def _by_mode(mode: Mode, *, forks: int) -> Reason | None:
    if forks <= 1:
        return Reason.FORKS_ONE
    return Reason.ORDERING_LINEAR if mode == 'linear' else None


def _by_effects(effects: Effects, *, same_machine: bool) -> Reason | None:
    if effects.scope is Scope.WORLDLY:
        return Reason.WORLDLY
    if same_machine and effects.scope is not Scope.NONE:
        return Reason.SAME_MACHINE
    return Reason.CONTROLLER_WRITES if effects.controller_writes else None
