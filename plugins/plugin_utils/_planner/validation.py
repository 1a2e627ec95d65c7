# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The invariants of a plan, each a function from a plan to its breaches. They are checked on every plan that is made or read.

Rule: the number of hosts costs nothing here but where hosts themselves are checked, and batches that share their tasks are looked at once.
"""
from __future__ import annotations

import collections
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionBatch, ExecutionPlan, Finding, PlayPlan, TaskPlan, ValidationReport
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.touches import Touches

__all__ = ['INVARIANTS', 'validate']

Invariant = t.Callable[[ExecutionPlan], t.Iterator[Finding]]

_NOT_FORESEEN = ('var:*', 'var:ansible_facts')  # any module may return facts; the run sees it when it happens
INVARIANTS: dict[str, Invariant] = {}


def _invariant(check: Invariant) -> Invariant:
    INVARIANTS[check.__name__.removeprefix('_')] = check
    return check


def validate(plan: ExecutionPlan) -> ValidationReport:
    findings = [finding for check in INVARIANTS.values() for finding in check(plan)]
    return ValidationReport(tuple(INVARIANTS), tuple(findings))


@_invariant
def _ids_are_unique(plan: ExecutionPlan) -> t.Iterator[Finding]:
    for play in plan.plays:
        for batch in _unlike(play):
            counted = collections.Counter(task.task_id for task in batch.tasks)
            for task_id, count in counted.items():
                if count > 1:
                    yield Finding('ids_are_unique', batch.batch_id, f'{task_id} stands there {count} times')
    for play_id, count in collections.Counter(play.play_id for play in plan.plays).items():
        if count > 1:
            yield Finding('ids_are_unique', play_id, f'{count} plays have this id')


@_invariant
def _order_respects_edges(plan: ExecutionPlan) -> t.Iterator[Finding]:
    for play in plan.plays:
        for batch in _unlike(play):
            order = {task.task_id: task.execution_order for task in batch.tasks}
            for task in batch.tasks:
                for edge in task.dependencies:
                    if order.get(edge.task_id, -1) >= task.execution_order:
                        yield Finding('order_respects_edges', task.task_id, f'{edge.task_id} has to come first and comes later')


@_invariant
def _order_is_ascending(plan: ExecutionPlan) -> t.Iterator[Finding]:
    for play in plan.plays:
        for batch in _unlike(play):
            for before, task in zip(batch.tasks, batch.tasks[1:], strict=False):
                if before.execution_order >= task.execution_order:
                    yield Finding('order_is_ascending', task.task_id, f'it stands behind {before.task_id} and has no higher number')


@_invariant
def _dependencies_exist(plan: ExecutionPlan) -> t.Iterator[Finding]:
    known = {task.task_id for task in _tasks(plan)} | {handler.handler_id for play in plan.plays for handler in play.handlers}
    for task in _tasks(plan):
        for edge in task.dependencies:
            if edge.task_id not in known:
                yield Finding('dependencies_exist', task.task_id, f'it depends on {edge.task_id}, which is not in the plan')


@_invariant
def _batches_cover_hosts_once(plan: ExecutionPlan) -> t.Iterator[Finding]:
    for play in plan.plays:
        counted = collections.Counter(host for batch in play.batches for host in batch.hosts)
        for host in play.hosts:
            if counted[host] != 1:
                yield Finding('batches_cover_hosts_once', play.play_id, f'{host} is in {counted[host]} batches')
        for host in counted.keys() - set(play.hosts):
            yield Finding('batches_cover_hosts_once', play.play_id, f'{host} is no host of the play')


@_invariant
def _classes_cover_hosts_once(plan: ExecutionPlan) -> t.Iterator[Finding]:
    for play in plan.plays:
        counted = collections.Counter(host for one in play.host_classes for host in one.hosts)
        if play.host_classes and (set(counted) != set(play.hosts) or set(counted.values()) - {1}):
            yield Finding('classes_cover_hosts_once', play.play_id, 'the classes are no partition of its hosts')


@_invariant
def _tasks_run_on_their_batch(plan: ExecutionPlan) -> t.Iterator[Finding]:
    for play in plan.plays:
        for batch in play.batches:
            for task in batch.tasks:
                if task.hosts is not None and not set(task.hosts) <= set(batch.hosts):
                    yield Finding('tasks_run_on_their_batch', task.task_id, 'it has hosts that are not in its batch')
            fine = {id(batch.hosts)}
            for bundle in batch.bundles:
                if id(bundle.hosts) in fine:
                    continue
                if set(bundle.hosts) <= set(batch.hosts):
                    fine.add(id(bundle.hosts))
                else:
                    yield Finding('tasks_run_on_their_batch', bundle.bundle_id, 'it has hosts that are not in its batch')


@_invariant
def _bundles_hold_their_tasks_once(plan: ExecutionPlan) -> t.Iterator[Finding]:
    for play in plan.plays:
        for batch in play.batches:
            named = {task.task_id: task.bundle_id for task in batch.tasks if task.bundle_id is not None}
            held = [(task_id, bundle.bundle_id) for bundle in batch.bundles for task_id in bundle.tasks]
            if dict(held) != named or len(held) != len(named):
                wrong = sorted(set(held) ^ set(named.items()))
                yield Finding('bundles_hold_their_tasks_once', batch.batch_id, f'tasks and bundles disagree about {wrong[0][0] if wrong else "a task"}')


@_invariant
def _no_bundle_crosses_a_barrier(plan: ExecutionPlan) -> t.Iterator[Finding]:
    for _batch, bundle, tasks in _bundled(plan):
        if len(tasks) > 1:
            for task in tasks:
                if task.barrier is not None:
                    yield Finding('no_bundle_crosses_a_barrier', bundle, f'{task.task_id} has a barrier ({task.barrier.value}) and is not alone')


@_invariant
def _no_bundle_holds_stock_tasks(plan: ExecutionPlan) -> t.Iterator[Finding]:
    for _batch, bundle, tasks in _bundled(plan):
        for task in tasks:
            if task.path == 'stock':
                yield Finding('no_bundle_holds_stock_tasks', bundle, f'{task.task_id} takes the stock path')


@_invariant
def _no_bundle_reads_what_is_under_way(plan: ExecutionPlan) -> t.Iterator[Finding]:
    for _batch, bundle, tasks in _bundled(plan):
        under_way: dict[str, str] = {}
        for task in tasks:
            for name in under_way.keys() & set(task.reads):
                yield Finding('no_bundle_reads_what_is_under_way', bundle, f'{task.task_id} reads {name}, which {under_way[name]} sets')
            if task.path == 'agent':
                under_way.update((name, task.task_id) for name in task.writes if name.startswith('var:') and name not in _NOT_FORESEEN)


@_invariant
def _bundles_are_contiguous(plan: ExecutionPlan) -> t.Iterator[Finding]:
    for play in plan.plays:
        for batch in _unlike(play):
            over: set[str] = set()
            between: list[TaskPlan] = []  # tasks since the bundle that was last seen
            last: str | None = None
            for task in batch.tasks:
                if task.bundle_id is None:
                    between += [] if task.flush else [task]
                    continue
                if task.bundle_id == last and between:
                    yield Finding('bundles_are_contiguous', last, f'{between[0].task_id} stands between its tasks')
                elif task.bundle_id != last and task.bundle_id in over:
                    yield Finding('bundles_are_contiguous', task.bundle_id, f'{task.task_id} is parted from its other tasks')
                if last is not None and last != task.bundle_id:
                    over.add(last)
                last, between = task.bundle_id, []


@_invariant
def _stock_has_a_reason(plan: ExecutionPlan) -> t.Iterator[Finding]:
    for task in _tasks(plan):
        if task.path == 'stock' and (task.path_reason is None or task.path_reason.kind != 'stock'):
            yield Finding('stock_has_a_reason', task.task_id, 'it takes the stock path and nothing says why')
        if task.barrier is not None and not isinstance(task.barrier, Reason):
            yield Finding('stock_has_a_reason', task.task_id, f'its barrier {task.barrier!r} is no reason code')


@_invariant
def _groups_are_free_of_edges(plan: ExecutionPlan) -> t.Iterator[Finding]:
    for play in plan.plays:
        for batch in _unlike(play):
            edges = {task.task_id: {edge.task_id for edge in task.dependencies} for task in batch.tasks}
            for group in batch.parallel_groups:
                members = set(group.tasks)
                for task_id in group.tasks:
                    if members & edges.get(task_id, set()):
                        yield Finding('groups_are_free_of_edges', group.group_id, f'{task_id} depends on another task of the group')


@_invariant
def _groups_touch_different_things(plan: ExecutionPlan) -> t.Iterator[Finding]:
    for play in plan.plays:
        for batch in _unlike(play):
            tasks = {task.task_id: task for task in batch.tasks}
            for group in batch.parallel_groups:
                index = Touches()
                for task in filter(None, map(tasks.get, group.tasks)):
                    for there, here in index.add(task.task_id, writes=task.writes, reads=task.reads):
                        yield Finding('groups_touch_different_things', group.group_id, f'{there.task_id} and {here.task_id} both touch {here.resource}')


@_invariant
def _deployments_know_their_tasks(plan: ExecutionPlan) -> t.Iterator[Finding]:
    known = {task.task_id for task in _tasks(plan)}
    for deployment in plan.binary_deployments:
        for task_id in deployment.tasks:
            if task_id not in known:
                yield Finding('deployments_know_their_tasks', deployment.deployment_id, f'{task_id} is not in the plan')


@_invariant
def _scores_are_shares(plan: ExecutionPlan) -> t.Iterator[Finding]:
    for name in ('parallelism_score', 'network_efficiency_score'):
        value = getattr(plan, name)
        if not 0 <= value <= 1:
            yield Finding('scores_are_shares', name, f'{value} is not between 0 and 1')


def _bundled(plan: ExecutionPlan) -> t.Iterator[tuple[tuple[TaskPlan, ...], str, list[TaskPlan]]]:
    for play in plan.plays:
        for batch in _unlike(play):
            by_bundle: dict[str, list[TaskPlan]] = {}
            for task in batch.tasks:
                if task.bundle_id is not None:
                    by_bundle.setdefault(task.bundle_id, []).append(task)
            for bundle_id, tasks in by_bundle.items():
                yield batch.tasks, bundle_id, tasks


def _unlike(play: PlayPlan) -> t.Iterator[ExecutionBatch]:
    """The batches without those that have the tasks and groups of another one."""
    yield from {(id(batch.tasks), id(batch.parallel_groups)): batch for batch in reversed(play.batches)}.values()


def _tasks(plan: ExecutionPlan) -> t.Iterator[TaskPlan]:
    for play in plan.plays:
        for batch in _unlike(play):
            yield from batch.tasks
