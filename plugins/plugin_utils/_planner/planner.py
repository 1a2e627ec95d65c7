# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From plays to a plan. Everything that is decided is decided by the rules in the files beside this one; here they are put together.

Rule 1: hosts are planned in classes: what is done for a host, and not for its class, is a slice of a tuple.
Rule 2: a plan leaves here only when every invariant holds.
Rule 3: no clock: whoever limits the time of planning passes ``checkpoint``, which is called between stages and may raise.
"""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import (
    BelowBinaryThreshold,
    ConflictingStrategies,
    IncompatibleModule,
    InsufficientResources,
    PlanError,
    UnsupportedTarget,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._model.estimate import Estimate
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import (
    BinarySuitabilityAnalysis,
    ExecutionBatch,
    ExecutionPlan,
    ExecutionStrategy,
    HandlerPlan,
    PlanMetadata,
    PlanningOptions,
    PlayPlan,
    TaskPlan,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import MAX_PUT
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import HostClass, PlaySource, SourceTask
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.batch_sizes import about_sizes
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.bundling import Bundled, Placed, bundle, calls_of, stock_trips
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.dependencies import Dependencies, Finder
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.deployments import deployments_of
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.graph import TaskGraph
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.groups import alone_of, declared, group, reason_for
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.ordering import barrier_for
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.risk import risk_of
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.suitability import Work, analyse
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import OURS, Tables
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.validation import validate

__all__ = ['History', 'Latency', 'barriers_of', 'make_plan']

History = t.Callable[[SourceTask], 'Estimate | None']
"""What earlier runs say of a task's duration on one host."""
Latency = t.Callable[[HostClass], 'float | None']
"""What they say of the seconds of a round trip to hosts of a class."""

_BINARY = (ExecutionStrategy.BINARY_HYBRID, ExecutionStrategy.BINARY_ONLY)
_DECLARED = 3  # the optimization level from which on declared groups count
_POSIX = frozenset({'', 'aix', 'any', 'darwin', 'dragonfly', 'freebsd', 'linux', 'netbsd', 'openbsd', 'posix', 'sunos'})


def make_plan(
    plays: t.Sequence[PlaySource], *, options: PlanningOptions, metadata: PlanMetadata, history: History | None = None,
    latency: Latency = lambda host_class: None,
    checkpoint: t.Callable[[str], None] = lambda stage: None, warnings: t.Iterable[str] = (), tables: Tables = OURS,
) -> ExecutionPlan:
    """The plan for these plays; ``tables`` say what their tasks touch. Raises a PlanError for options or tasks that no plan can be made of."""
    _check(options)
    finder = Finder(tables)
    planned = [_PlayPlanner(play, options, history, latency, finder, checkpoint, tables) for play in plays]
    about = about_sizes([one.plan for one in planned], forks=options.forks) if options.optimization_level >= 2 else ()
    plan = _total(planned, metadata, (*warnings, *about))
    checkpoint('checking the plan')
    report = validate(plan)
    if not report.valid:
        finding = report.findings[0]
        raise PlanError(f'the plan breaks its own rule {finding.invariant} at {finding.where}: {finding.found}', hint='this is a defect of the planner')
    return plan


def _check(options: PlanningOptions) -> None:
    if options.force_binary and options.force_ssh:
        raise ConflictingStrategies('--force-binary', '--force-ssh', why='one wants every task in bundles, the other none')
    if options.force_ssh and options.strategy is ExecutionStrategy.BINARY_ONLY:
        raise ConflictingStrategies('--force-ssh', '--strategy BinaryOnly', why='one wants no task in bundles, the other all')
    if options.force_binary and options.strategy not in _BINARY:
        raise ConflictingStrategies('--force-binary', f'--strategy {options.strategy.value}', why='this strategy has no bundles')
    if options.target_os.lower() not in _POSIX:
        raise UnsupportedTarget(options.target_os, where='--target-os', supported=', '.join(sorted(_POSIX - {''})))


class _PlayPlanner:
    """Plans one play; what it found stays readable."""

    def __init__(
        self, play: PlaySource, options: PlanningOptions, history: History | None, latency: Latency, finder: Finder,
        checkpoint: t.Callable[[str], None], tables: Tables,
    ) -> None:
        self.tables = tables
        self.play = play
        self.options = options
        self.strategy = _strategy(play, options)
        checkpoint(f'looking for dependencies in play {play.name!r}')
        self.dependencies: Dependencies = finder.find(play)
        every = (*play.tasks, *play.handlers)
        self.estimates = {task.task_id: known for task in every if history is not None and (known := history(task)) is not None}
        self.touched = self.dependencies.touched
        shown = [task.task_id for task in play.tasks if not _implicit(task)]
        checkpoint(f'building the graph of play {play.name!r}')
        self.graph = TaskGraph([task.task_id for task in play.tasks], self.dependencies.order)
        reads = {task_id: touched[1] for task_id, touched in self.touched.items()}
        self.barriers = barriers_of(play, self.dependencies, options, self.strategy)
        self.alone = alone_of(play.tasks, self.barriers)
        prefix = f'{play.play_id}-'
        asked = options.optimization_level >= _DECLARED
        ours = declared(play.tasks, self.graph, reads, self.dependencies.edges, prefix=prefix, alone=self.alone) if asked else ()
        taken = self.alone.keys() | {task_id for one in ours for task_id in one.tasks}
        self.groups = (*ours, *group(self.graph, reads, prefix=prefix, alone=taken))
        seconds = {task_id: known.median for task_id, known in self.estimates.items()} or dict.fromkeys(shown, 1.0)
        self.critical_path = tuple(filter(set(shown).__contains__, self.graph.critical_path(seconds)))
        checkpoint(f'bundling play {play.name!r}')
        self.suitability = self._suitability(latency)
        self.duration = _sum([self.estimates.get(task.task_id) for task in play.tasks if task.on_target])  # of a batch
        self.plan = self._plan()
        if self.strategy is ExecutionStrategy.BINARY_ONLY:
            self._all_bundled()
        self.deployments = deployments_of(play, self.suitability, self.bundled, options) if self.strategy in _BINARY else ()

    # -- paths

    def _refusal(self) -> tuple[Reason, str] | None:
        """Why no task of the play goes through the agent."""
        if self.strategy not in _BINARY:
            return Reason.DISABLED, f'the strategy is {self.strategy.value}'
        if self.options.force_ssh:
            return Reason.MODE_SSH, '--force-ssh'
        if self.options.optimization_level == 0:
            return Reason.DISABLED, 'the optimization level is 0'
        if self.play.classes and all(one.stock is not None for one in self.play.classes):
            one = self.play.classes[0]
            return t.cast('Reason', one.stock), one.stock_detail or one.connection
        return None

    def _suitability(self, latency: Latency) -> tuple[BinarySuitabilityAnalysis, ...]:
        if self.strategy not in _BINARY:
            return ()
        on_target = [task for task in self.play.tasks if task.on_target]
        eligible = [task for task in on_target if task.stock is None]
        bundles = self._bundle(None).bundles
        work = Work(
            calls=sum(map(calls_of, eligible)), stock_trips=sum(map(stock_trips, eligible)), bundles=len(bundles),
            agents=len({task.become for task in eligible}) + sum(one.ended_by is Reason.RESTART_AGENT for one in bundles),
            hosts=max((len(batch) for batch in self.play.batches), default=1))
        return tuple(
            analyse(one, tasks=len(on_target), eligible=len(eligible), work=work, options=self.options, latency=latency(one)) for one in self.play.classes)

    def _bundle(self, stock: tuple[Reason, str] | None) -> Bundled:
        renewing = frozenset(task_id for task_id, effects in self.dependencies.effects.items() if effects.restarts_agent)
        return bundle(
            self.play.tasks, barriers=self.barriers, notifying=self.dependencies.flushes, renewing=renewing, stock=stock,
            lookahead=self.options.lookahead, prefix=f'{self.play.play_id}-')

    def _all_bundled(self) -> None:
        for task in self.play.tasks:
            if not task.on_target or task.stock is None:
                continue
            if task.stock is Reason.LARGE_FILE:
                raise InsufficientResources(
                    f'task {task.name!r}: {task.stock_detail}', needed=f'{max(file.size for file in task.files) >> 20} MiB in one message to the agent',
                    there=f'room for {MAX_PUT >> 20} MiB', hint='plan with --strategy BinaryHybrid: such tasks then take the stock path')
            raise IncompatibleModule(task.module, task=task.name, reason=task.stock.text)
        if all(one.bound_by == 'refused' for one in self.suitability):
            return
        fewest = min(self.suitability, key=lambda one: one.eligible)
        if fewest.eligible < self.options.binary_threshold and not self.options.force_binary:
            raise BelowBinaryThreshold(self.play.name, tasks=fewest.eligible, threshold=self.options.binary_threshold)

    # -- the plan

    def _plan(self) -> PlayPlan:
        bundled = self.bundled = self._bundle(self._refusal())
        in_group = {task_id: one for one in self.groups for task_id in one.tasks}
        shown = [task for task in self.play.tasks if not _implicit(task)]
        tasks = tuple(self._task(task, number, bundled.placed[task.task_id], in_group) for number, task in enumerate(shown))
        batches = [self._batch(number, hosts, tasks) for number, hosts in enumerate(self.play.batches)]
        known = [batch.estimated_duration for batch in batches]
        return PlayPlan(
            play_id=self.play.play_id, name=self.play.name, strategy=self.strategy, serial=self.play.serial, hosts=self.play.hosts,
            batches=tuple(batches), handlers=self._handlers(), host_classes=self.play.classes, ordering=self.options.ordering,
            estimated_duration=_sum(known))

    def _batch(self, number: int, hosts: tuple[str, ...], tasks: tuple[TaskPlan, ...]) -> ExecutionBatch:
        refused = {host for one in self.play.classes if one.stock is not None for host in one.hosts}
        bundles = self.bundled.at(tuple(host for host in hosts if host not in refused) if refused else hosts)
        return ExecutionBatch(
            batch_id=f'{self.play.play_id}-batch-{number}', hosts=hosts, tasks=tasks, parallel_groups=self.groups,
            dependencies=(f'{self.play.play_id}-batch-{number - 1}',) if number else (), bundles=bundles, critical_path=self.critical_path,
            estimated_duration=self.duration, round_trips=self.bundled.round_trips, stock_round_trips=self.bundled.stock_round_trips)

    def _task(self, task: SourceTask, number: int, placed: Placed, in_group: t.Mapping[str, t.Any]) -> TaskPlan:
        effects = self.dependencies.effects[task.task_id]
        edges = self.dependencies.edges[task.task_id]
        writes, reads = self.touched[task.task_id]
        own = in_group.get(task.task_id)
        return TaskPlan(
            task_id=task.task_id, name=task.name, module=task.module, args=task.args, dependencies=edges, conditions=task.conditions,
            tags=task.tags, notify=task.notify, execution_order=number, can_run_parallel=own is not None,
            parallel_reason=reason_for(task.task_id, own, edges, self.alone), risk_level=risk_of(task, effects, self.tables), path=placed.path,
            scope=effects.scope.value, estimated_duration=self.estimates.get(task.task_id), path_reason=placed.reason, path_detail=placed.detail,
            bundle_id=placed.bundle_id,
            cut=placed.cut, cut_detail=placed.cut_detail, barrier=self.barriers.get(task.task_id), unknown_args=task.unknown_args, writes=writes,
            reads=reads, role=task.role, where=task.where, section=task.blocks[-1][1] if task.blocks else 'block', flush=task.flush,
            included_by=task.included_by, opaque=task.opaque, opaque_detail=task.opaque_detail)

    def _handlers(self) -> tuple[HandlerPlan, ...]:
        refusal = self._refusal()
        plans = []
        for number, handler in enumerate(self.play.handlers):
            reason = (refusal[0] if refusal is not None else handler.stock) if handler.on_target else None
            plans.append(HandlerPlan(
                handler_id=handler.task_id, name=handler.name, module=handler.module, args=handler.args, conditions=handler.conditions,
                execution_order=number, dependencies=self.dependencies.edges[handler.task_id], notified_by=self.dependencies.notified_by[handler.task_id],
                listen=handler.listen,
                path='stock' if reason is not None else 'agent' if handler.on_target else 'controller', path_reason=reason,
                estimated_duration=self.estimates.get(handler.task_id), where=handler.where))
        return tuple(plans)


def barriers_of(play: PlaySource, dependencies: Dependencies, options: PlanningOptions, strategy: ExecutionStrategy) -> dict[str, Reason]:
    """Tasks at which hosts wait for each other, with the reason. Whether a flush of handlers is one is known in the run only."""
    if strategy in (ExecutionStrategy.FREE, ExecutionStrategy.HOST_PINNED):
        return {}
    hosts = max((len(batch) for batch in play.batches), default=0)
    same_machine = any(one.shared_machine for one in play.classes)
    found = {}
    for task in play.tasks:
        reason = barrier_for(
            dataclasses.replace(task.node, idle_flush=True) if task.flush else task.node, dependencies.effects[task.task_id],
            mode=options.ordering, hosts=hosts, forks=options.forks, same_machine=same_machine, play_max_fail=play.max_fail_percentage is not None)
        if reason is not None:
            found[task.task_id] = reason
    return found


def _implicit(task: SourceTask) -> bool:
    """A flush that Ansible puts between the sections of a play: it orders, and nobody wrote it."""
    return task.flush and not task.where


def _strategy(play: PlaySource, options: PlanningOptions) -> ExecutionStrategy:
    if options.strategy is ExecutionStrategy.ROLLING and len(play.batches) < 2 and not play.serial:
        raise ConflictingStrategies('--strategy Rolling', f'the play {play.name!r} without serial', why='rolling goes batch by batch',
                                    hint='give the size of a batch with --serial')
    return options.strategy


def _sum(parts: t.Sequence[Estimate | None]) -> Estimate | None:
    """Of things that come one after another; None as soon as one of them is not known."""
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    return Estimate(
        sum(part.median for part in known), sum(part.spread**2 for part in known) ** 0.5, min(part.count for part in known))


def _total(planned: t.Sequence[_PlayPlanner], metadata: PlanMetadata, warnings: tuple[str, ...]) -> ExecutionPlan:
    tasks = [task for one in planned if one.plan.batches for task in one.plan.batches[0].tasks]
    trips = sum(batch.round_trips for one in planned for batch in one.plan.batches)
    stock = sum(batch.stock_round_trips for one in planned for batch in one.plan.batches)
    return ExecutionPlan(
        metadata=metadata, plays=tuple(one.plan for one in planned),
        binary_deployments=tuple(deployment for one in planned for deployment in one.deployments),
        hosts=tuple(dict.fromkeys(host for one in planned for host in one.play.hosts)), total_tasks=len(tasks),
        parallelism_score=sum(task.can_run_parallel for task in tasks) / len(tasks) if tasks else 0.0,
        network_efficiency_score=max(0.0, 1 - trips / stock) if stock else 0.0,
        estimated_duration=_sum([one.plan.estimated_duration for one in planned]),
        suitability=tuple(analysis for one in planned for analysis in one.suitability), warnings=warnings)
