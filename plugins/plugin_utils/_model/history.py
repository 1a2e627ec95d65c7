# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is kept of runs, and what is learned from it. Frozen data; `_store` keeps it, `_learning` reads it.

Rule 1: a record is one row. It is identified by the fields named in ``KEY``; a later record with the same key takes its place.
Rule 2: None is "not known", never 0. Times are wall clock seconds since 1970, durations seconds.
Rule 3: nothing secret: see `_model/event.py`, rule 2.
"""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import ExecutionStatus, Path

__all__ = [
    'AdaptationRecord', 'BundleRecord', 'ExecutionRecord', 'MetricRecord', 'PlanRecord', 'PlayRecord', 'RecommendationRecord', 'Record', 'ReportRecord',
    'ResultRecord', 'TaskRecord', 'TaskStatus',
]

TaskStatus = t.Literal['ok', 'changed', 'failed', 'ignored', 'unreachable', 'skipped', 'running']


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionRecord:
    """One run. ``seen``: when it was last heard of; a run that is ``running``, and whose process is gone, was interrupted.

    ``planned_tasks``: how many results are expected at most (tasks times hosts), None when that is not known.
    """

    KEY: t.ClassVar[tuple[str, ...]] = ('execution',)
    execution: str
    playbook: str = ''
    identity: str = ''
    inventory: str = ''
    strategy: str = ''  # of its plays, joined by commas
    limit: str = ''
    tags: str = ''
    skip_tags: str = ''
    forks: int = 0
    check: bool = False
    user: str = ''
    controller: str = ''
    pid: int = 0
    core_version: str = ''
    engine_version: str = ''
    traits: tuple[str, ...] = ()
    started: float = 0.0
    ended: float | None = None
    seen: float | None = None
    status: ExecutionStatus = 'running'
    hosts: int = 0
    planned_tasks: int | None = None
    ok: int = 0
    changed: int = 0
    failed: int = 0
    unreachable: int = 0
    skipped: int = 0
    ignored: int = 0
    rescued: int = 0
    round_trips: int | None = None
    bundles: int | None = None
    rating: int | None = None  # 1 to 5, by people
    note: str = ''
    plays: int | None = None  # that the playbook has


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class PlanRecord:
    """What was planned for a run, as far as it says what to expect. ``plan_hash``: of its JSON."""

    KEY: t.ClassVar[tuple[str, ...]] = ('execution',)
    execution: str
    plan_hash: str = ''
    tasks: int | None = None
    estimated_duration: float | None = None
    estimated_spread: float | None = None
    differences: str = ''  # JSON: where plan and truth differ


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class PlayRecord:
    """A play that a run has begun, or a batch of it: ``number`` counts them from 1. The fields of PlayStarted."""

    KEY: t.ClassVar[tuple[str, ...]] = ('execution', 'number')
    execution: str
    number: int
    play: str = ''
    play_id: str = ''
    strategy: str = ''
    hosts: tuple[str, ...] = ()
    serial: str = ''
    tasks: int | None = None
    identities: tuple[str, ...] = ()
    started: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TaskRecord:
    """A task in one run, whatever its hosts; the fields of TaskRef."""

    KEY: t.ClassVar[tuple[str, ...]] = ('execution', 'task_id')
    execution: str
    task_id: str
    identity: str = ''
    name: str = ''
    module: str = ''
    path: str = ''
    play: str = ''
    role: str = ''
    handler: bool = False
    traits: tuple[str, ...] = ()
    order: int = 0
    started: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ResultRecord:
    """How a task ended on a host, by attempt, or that it runs.

    ``occurrence``: which time that the play has come to it on that host, from 1: a handler that is notified again runs again. (What is included
    several times is another task each time.) ``items``: of a loop; of a task that runs, those that have ended. ``message``: of a failure, cut
    and masked; empty under no_log.
    """

    KEY: t.ClassVar[tuple[str, ...]] = ('execution', 'task_id', 'host', 'occurrence', 'attempt')
    execution: str
    task_id: str
    identity: str
    module: str
    host: str
    occurrence: int = 1
    attempt: int = 1
    host_class: str = ''
    status: TaskStatus = 'ok'
    final: bool = True
    began: float | None = None  # wall clock of the controller
    ended: float | None = None
    duration: float | None = None
    path: Path | None = None
    path_reason: str = ''
    items: int | None = None
    error_class: str = ''
    message: str = ''
    start: float | None = None  # the target's wall clock
    end: float | None = None
    cpu: float | None = None
    maxrss: int | None = None
    block_in: int | None = None
    block_out: int | None = None
    bytes_up: int | None = None
    bytes_down: int | None = None
    queued: float | None = None
    calls: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class BundleRecord:
    """Tasks that went to a host in one piece. ``joined``: others were under way to it still, so that it cost no round trip of its own."""

    KEY: t.ClassVar[tuple[str, ...]] = ('execution', 'bundle')
    execution: str
    bundle: int
    host: str = ''
    host_class: str = ''
    sent: float | None = None
    tasks: int = 0
    bytes_up: int = 0
    seconds: float | None = None
    done: int = 0
    dropped: int = 0
    failed: bool = False
    cut: str = ''
    cut_detail: str = ''
    joined: bool = False
    work: float | None = None  # seconds of its tasks on the host; the rest of ``seconds`` is the way there and back


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class AdaptationRecord:
    """An adaptation with its outcome. ``state``: requested, advised, applied, rejected; ``succeeded`` None: not known."""

    KEY: t.ClassVar[tuple[str, ...]] = ('execution', 'adaptation')
    execution: str
    adaptation: str
    policy: str = ''
    what: str = ''
    target: str = ''
    level: str = ''
    task: str = ''
    error_class: str = ''
    host_class: str = ''
    rationale: str = ''
    impact: str = ''
    rollback: str = ''
    confidence: float | None = None
    trials: int = 0
    requested: float | None = None
    ended: float | None = None
    state: str = 'requested'
    reason: str = ''
    succeeded: bool | None = None
    detail: str = ''


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class MetricRecord:
    """A number of a run, or of one of its hosts (``host`` not empty). ``unit``: s, bytes, count, ratio."""

    KEY: t.ClassVar[tuple[str, ...]] = ('execution', 'name', 'host')
    execution: str
    name: str
    host: str = ''
    value: float = 0.0
    unit: str = 'count'
    time: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class RecommendationRecord:
    """What to change. ``change``: the exact lines; ``gain``: seconds a run that it is expected to save, None where it is not speed."""

    KEY: t.ClassVar[tuple[str, ...]] = ('execution', 'code', 'subject')
    execution: str
    code: str
    subject: str  # the identity of a task, a host, a setting
    severity: t.Literal['info', 'warning', 'critical'] = 'info'
    title: str = ''
    evidence: str = ''
    change: str = ''
    gain: float | None = None
    time: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ReportRecord:
    """What was said at the end of a run: at most three lines."""

    KEY: t.ClassVar[tuple[str, ...]] = ('execution',)
    execution: str
    lines: tuple[str, ...] = ()
    time: float = 0.0


Record = (
    ExecutionRecord | PlanRecord | PlayRecord | TaskRecord | ResultRecord | BundleRecord | AdaptationRecord | MetricRecord | RecommendationRecord
    | ReportRecord)
