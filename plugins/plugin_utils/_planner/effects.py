# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a task does to its surroundings: ``effects_of``, the one question that ordering asks of the tables.

Rule 1: what is not in a table is worldly; what is not literal is taken as the worst that it can be.
Rule 2: ``changed_when`` and ``check_mode`` weaken nothing: they say what a task reports, not whom it can be noticed by.
Rule 3: only the user's declarations overrule the tables: those of a task, and those of a module (``effects_file``).
"""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import DeclaredEffects, Effects, Scope, TaskNode
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.arguments import Arguments
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.logins import changes_logins
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.lookups import lookup_effects, lookups_in
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.places import leaves_the_host
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.readonly import only_reads, words_of
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.resources import ANYTHING, conflicts, on_controller
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import OURS, Tables, short_name

__all__ = ['effects_of', 'interferes', 'is_known', 'short_name']

_UNKNOWN = Effects(Scope.WORLDLY, writes=(ANYTHING,), reads=(ANYTHING,))
_SKIPPED = Effects(Scope.NONE)
_WIDTH = (Scope.NONE, Scope.PRIVATE, Scope.WORLDLY)


def is_known(action: str, tables: Tables = OURS) -> bool:
    """Whether a table has an entry for the action."""
    return tables.row(action) is not None


def effects_of(node: TaskNode, tables: Tables = OURS) -> Effects:
    """The effects of one task on its host, or of any of its items; see Effects for what each field promises."""
    if node.when_constant_false:
        return _SKIPPED
    row = tables.row(node.action, own_module=node.own_module)
    args = Arguments(node.args)
    effects = _UNKNOWN if row is None else _with_validation(row(args), args)
    if effects.scope is Scope.PRIVATE and leaves_the_host(effects, node.shared_mounts):
        effects = dataclasses.replace(effects, scope=Scope.WORLDLY)
    for name in (*node.lookups, *lookups_in(node.args)):
        effects = _both(effects, lookup_effects(name))
    if effects.writes and not effects.restarts_agent and changes_logins(short_name(node.action), args):
        effects = dataclasses.replace(effects, restarts_agent=True)
    effects = _declared(effects, node)
    return _on_controller(effects) if node.on_controller else effects


def interferes(one: Effects, other: Effects) -> bool:
    """Whether the order of two tasks on one machine may matter by what they touch there (their scopes are not looked at)."""
    return conflicts(one.writes, (*other.writes, *other.reads)) or conflicts(other.writes, one.reads)


def _both(one: Effects, other: Effects) -> Effects:
    return Effects(
        scope=max(one.scope, other.scope, key=_WIDTH.index),
        writes=(*one.writes, *other.writes),
        reads=(*one.reads, *other.reads),
        controller_reads=one.controller_reads or other.controller_reads,
        controller_writes=one.controller_writes or other.controller_writes,
        restarts_agent=one.restarts_agent or other.restarts_agent,
    )


def _with_validation(effects: Effects, args: Arguments) -> Effects:
    """``validate`` runs a command on the host, which is judged like any command."""
    if effects.scope is not Scope.PRIVATE or not args.given('validate'):
        return effects
    words = words_of({'cmd': args.get('validate')})
    if words and only_reads(words):
        return dataclasses.replace(effects, reads=(*effects.reads, ANYTHING))
    return _both(effects, _UNKNOWN)


def _declared(effects: Effects, node: TaskNode) -> Effects:
    if node.declared_effects is not None:
        effects = _as_declared(node.declared_effects, effects)
    if node.rescope is Scope.WORLDLY or (node.rescope is not None and effects.scope is Scope.WORLDLY):
        # a task that touches nothing stays so when its play is declared to be private
        effects = dataclasses.replace(effects, scope=node.rescope)
    return effects


def _as_declared(declared: DeclaredEffects, effects: Effects) -> Effects:
    def touches(kind: str, resources: t.Iterable[str]) -> bool:
        return any(resource == kind or resource.startswith(f'{kind}:') for resource in resources)

    worldly = touches('world', (*declared.writes, *declared.reads))
    return Effects(
        scope=Scope.WORLDLY if worldly else min(effects.scope, Scope.PRIVATE, key=_WIDTH.index),
        # files of the controller are touched by the action, whatever the task does on its host
        writes=(*declared.writes, *(name for name in effects.writes if name.startswith('controller:'))),
        reads=(*declared.reads, *(name for name in effects.reads if name.startswith('controller:'))),
        controller_reads=effects.controller_reads or touches('controller', declared.reads),
        controller_writes=effects.controller_writes or touches('controller', declared.writes),
        restarts_agent=effects.restarts_agent,
    )


def _on_controller(effects: Effects) -> Effects:
    """The files of the host are the controller's files."""
    writes, reads = on_controller(effects.writes), on_controller(effects.reads)
    return dataclasses.replace(
        effects,
        writes=(*effects.writes, *writes),
        reads=(*effects.reads, *reads),
        controller_writes=effects.controller_writes or bool(writes),
        controller_reads=effects.controller_reads or bool(reads),
    )
