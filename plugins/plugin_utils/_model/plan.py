# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan: what will run, in which order, on which path and why. Frozen data; `_schema/plan_document.py` is its JSON.

Rule 1: every "because" is a Reason or an Evidence, never a sentence made up where it is shown.
Rule 2: what is not known is None, never a number that somebody invented.
"""
from __future__ import annotations

import dataclasses
import enum
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.estimate import Estimate
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import Condition, HostClass, StaticFile

__all__ = [
    'FORMAT_VERSION', 'BinaryDeployment', 'BinarySuitabilityAnalysis', 'Bundle', 'Dependency', 'DependencyKind', 'ExecutionBatch', 'ExecutionMode',
    'ExecutionPlan', 'ExecutionStrategy', 'Finding', 'HandlerPlan', 'ParallelGroup', 'Path', 'PlanMetadata', 'PlanningOptions',
    'PlayPlan', 'RiskLevel', 'TaskPlan', 'ValidationReport',
]

FORMAT_VERSION: t.Final = 1

Path = t.Literal['agent', 'stock', 'controller']
"""Through the agent, by Ansible's own worker, or without asking anything of the host."""


class ExecutionStrategy(enum.StrEnum):
    """How hosts and tasks are ordered, in the words of a plan. The value is what JSON holds; options accept any spelling."""

    LINEAR = 'Linear'
    ROLLING = 'Rolling'
    FREE = 'Free'
    HOST_PINNED = 'HostPinned'
    BINARY_HYBRID = 'BinaryHybrid'
    BINARY_ONLY = 'BinaryOnly'


class RiskLevel(enum.StrEnum):
    """What a failure, or a second run, of a task may cost."""

    LOW = 'Low'
    MEDIUM = 'Medium'
    HIGH = 'High'
    CRITICAL = 'Critical'


class ExecutionMode(enum.StrEnum):
    """Who drives a binary deployment: itself, the controller for each bundle, or the controller between its parts."""

    STANDALONE = 'Standalone'
    CONTROLLER = 'Controller'
    HYBRID = 'Hybrid'


class DependencyKind(enum.StrEnum):
    """Why one task has to come after another."""

    VARIABLE = 'variable'  # a registered result or a set_fact
    FACTS = 'facts'
    FILE = 'file'
    PACKAGE = 'package'
    SERVICE = 'service'
    ACCOUNT = 'account'  # a user or group
    REPOSITORY = 'repository'
    MOUNT = 'mount'
    RESOURCE = 'resource'  # any other named thing
    OPAQUE = 'opaque'  # one of both may touch anything
    NOTIFY = 'notify'
    FLUSH = 'flush'
    EXPLICIT = 'explicit'  # rustle_after
    BLOCK = 'block'  # rescue and always stand behind their block
    CONTROL = 'control'  # one of both decides whether, or which, tasks follow
    BARRIER = 'barrier'  # hosts wait for each other
    PLAY = 'play'  # a play stands behind the one before it


@dataclasses.dataclass(frozen=True, slots=True)
class Dependency:
    """``task_id`` has to come first. ``reason``: the evidence, in words (``file:/etc/x is written there and read here``)."""

    task_id: str
    kind: DependencyKind
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TaskPlan:
    """A task in its place.

    ``parallel_reason``: with which tasks it could run side by side, or why with none. ``path_reason`` and ``path_detail``: why it is not
    the agent's. ``barrier``: why hosts wait for each other before and after it. ``cut``: why its bundle begins with it, with ``cut_detail``.
    ``included_by``: the include that brings it. ``opaque``: why an include is not opened, so that its tasks are not in the plan.
    """

    task_id: str
    name: str
    module: str
    args: t.Mapping[str, t.Any]
    dependencies: tuple[Dependency, ...]
    conditions: tuple[Condition, ...]
    tags: tuple[str, ...]
    notify: tuple[str, ...]
    execution_order: int
    can_run_parallel: bool
    risk_level: RiskLevel
    parallel_reason: str = ''
    path: Path = 'agent'
    scope: str = 'world'
    estimated_duration: Estimate | None = None
    path_reason: Reason | None = None
    path_detail: str = ''
    bundle_id: str | None = None
    cut: Reason | None = None
    cut_detail: str = ''
    barrier: Reason | None = None
    unknown_args: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    role: str = ''
    where: str = ''
    section: str = 'block'
    flush: bool = False
    included_by: str = ''
    opaque: Reason | None = None
    opaque_detail: str = ''
    hosts: tuple[str, ...] | None = None  # None: those of the batch, so that batches can share their tasks


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class HandlerPlan:
    handler_id: str
    name: str
    module: str
    args: t.Mapping[str, t.Any]
    conditions: tuple[Condition, ...]
    execution_order: int
    dependencies: tuple[Dependency, ...] = ()
    notified_by: tuple[str, ...] = ()
    listen: tuple[str, ...] = ()
    path: Path = 'agent'
    path_reason: Reason | None = None
    estimated_duration: Estimate | None = None
    where: str = ''


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ParallelGroup:
    """Tasks of one host whose effects are disjoint. ``status``: the agent runs them one after the other all the same.

    ``declared``: the name by which the playbook says that they may run side by side (``rustle_parallel``).
    """

    group_id: str
    tasks: tuple[str, ...]
    status: t.Literal['possible, not used', 'used'] = 'possible, not used'
    shared_resources: tuple[str, ...] = ()  # read by more than one of them
    max_parallelism: int = 0
    declared: str = ''


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """Tasks that go to a host in one piece; the id is one of its play's. ``ended_by``: why it ends, at ``ended_at`` (a task's id, or empty at the end)."""

    bundle_id: str
    tasks: tuple[str, ...]
    hosts: tuple[str, ...]
    ended_by: Reason
    ended_at: str = ''
    detail: str = ''


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionBatch:
    """Hosts that go through the tasks together. ``dependencies``: batches before it."""

    batch_id: str
    hosts: tuple[str, ...]
    tasks: tuple[TaskPlan, ...]
    parallel_groups: tuple[ParallelGroup, ...] = ()
    dependencies: tuple[str, ...] = ()
    estimated_duration: Estimate | None = None
    bundles: tuple[Bundle, ...] = ()
    critical_path: tuple[str, ...] = ()
    round_trips: int = 0  # a host needs, without the connection's own
    stock_round_trips: int = 0  # a host needs where every task takes the stock path


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class PlayPlan:
    play_id: str
    name: str
    strategy: ExecutionStrategy
    serial: tuple[str, ...]
    hosts: tuple[str, ...]
    batches: tuple[ExecutionBatch, ...]
    handlers: tuple[HandlerPlan, ...]
    estimated_duration: Estimate | None = None
    host_classes: tuple[HostClass, ...] = ()
    ordering: str = 'causal'


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class BinaryDeployment:
    """One payload for a class of hosts: code only. Files and values travel beside it and are only named here.

    ``estimated_size`` in bytes, None when it was not built or asked for. ``requirements``: of the target (arch, os, python_version).
    """

    deployment_id: str
    target_hosts: tuple[str, ...]
    binary_name: str
    tasks: tuple[str, ...]
    modules: tuple[str, ...]
    execution_mode: ExecutionMode
    requirements: t.Mapping[str, str]
    static_files: tuple[StaticFile, ...] = ()
    variables: tuple[str, ...] = ()
    facts_required: tuple[str, ...] = ()
    bundles: tuple[str, ...] = ()
    estimated_size: int | None = None
    checksum: str = ''
    estimated_compilation_time: Estimate | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class BinarySuitabilityAnalysis:
    """Whether a binary deployment pays for the tasks of a play on a class of hosts; seconds a host, None when not known.

    ``bound_by``: what decided: the threshold, the cost model, an option or a refusal. The eligible tasks are ``calls`` of modules, in ``bundles`` to
    ``agents``; on the stock path they would be ``stock_round_trips``.
    """

    class_id: str
    suitable: bool
    tasks: int
    eligible: int
    bound_by: t.Literal['threshold', 'cost', 'forced', 'refused']
    explanation: str
    calls: int = 0
    bundles: int = 0
    agents: int = 0
    stock_round_trips: int = 0
    round_trips_saved: int = 0
    saved_seconds: float | None = None
    cost_seconds: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class PlanningOptions:
    limit: str | None = None
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    check_mode: bool = False
    diff_mode: bool = False
    forks: int = 5
    serial: str | None = None
    strategy: ExecutionStrategy = ExecutionStrategy.BINARY_HYBRID
    binary_threshold: int = 5
    force_binary: bool = False
    force_ssh: bool = False
    ordering: t.Literal['causal', 'linear', 'host'] = 'causal'
    optimization_level: int = 1
    lookahead: int = 200
    latency: float | None = None  # seconds of a round trip, where somebody knows it
    target_arch: str = ''
    target_os: str = ''
    planning_timeout: float = 0.0  # seconds, 0: none


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class PlanMetadata:
    """``created_at``: ISO 8601 in UTC. The hashes are sha256 in hex over everything that the plan depends on."""

    created_at: str
    rustle_plan_version: str
    playbook_hash: str
    inventory_hash: str
    planning_options: PlanningOptions
    format_version: int = FORMAT_VERSION
    playbooks: tuple[str, ...] = ()
    fingerprints: t.Mapping[str, str] = dataclasses.field(default_factory=dict)  # what changed is named by comparing these


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionPlan:
    metadata: PlanMetadata
    plays: tuple[PlayPlan, ...]
    binary_deployments: tuple[BinaryDeployment, ...]
    hosts: tuple[str, ...]
    total_tasks: int
    parallelism_score: float
    network_efficiency_score: float
    estimated_duration: Estimate | None = None
    estimated_compilation_time: Estimate | None = None
    suitability: tuple[BinarySuitabilityAnalysis, ...] = ()
    warnings: tuple[str, ...] = ()

    def tasks(self) -> t.Iterator[TaskPlan]:
        """Every task once for each batch, in order."""
        for play in self.plays:
            for batch in play.batches:
                yield from batch.tasks


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """A broken invariant of a plan: which, where, and what was found."""

    invariant: str
    where: str
    found: str


@dataclasses.dataclass(frozen=True, slots=True)
class ValidationReport:
    """``checked``: names of the invariants that were looked at. A plan is valid when nothing was found."""

    checked: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def valid(self) -> bool:
        return not self.findings
