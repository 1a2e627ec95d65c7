# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What happens in a run, as it happens. Frozen data; `_stream/event_json.py` is the form outside of the process.

Rule 1: an event says what is known and nothing else; what Ansible or the agent did not tell is None.
Rule 2: no event holds a secret: arguments and variables never come in here, messages are cut and masked by who makes the event.
Rule 3: ``kind`` is the name outside of the process. Fields may be added in a later version, none changes its meaning.
Rule 4: ``time`` is the wall clock (seconds since 1970), ``monotonic`` the controller's monotonic clock; ``sequence`` counts from 1 in each
execution and is the order in which things happened.
"""
from __future__ import annotations

import dataclasses
import typing as t

__all__ = [
    'EVENT_VERSION', 'AdaptationApplied', 'AdaptationEvent', 'AdaptationRejected', 'AdaptationRequested', 'BundleCut', 'BundleEvent',
    'BundleFinished', 'BundleSent', 'Event', 'ExecutionCompleted', 'ExecutionStarted', 'ExecutionStatus', 'HostRecovered',
    'HostUnavailable', 'Measures', 'Path', 'PlanCompared', 'PlayStarted', 'ResourceConstraint', 'TaskCompleted', 'TaskEnded', 'TaskEvent',
    'TaskFailed', 'TaskNote', 'TaskProgress', 'TaskRef', 'TaskSkipped', 'TaskStarted',
]

EVENT_VERSION: t.Final = 1

ExecutionStatus = t.Literal['running', 'success', 'failed', 'unreachable', 'interrupted']
Path = t.Literal['agent', 'stock', 'controller']
"""How a task was run: through the agent, by Ansible's own worker, or without asking anything of the host."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TaskRef:
    """A task of a playbook. ``task_id``: Ansible's uuid, good for one run. ``identity``: the same in each run of the playbook.

    ``path``: file:line. ``traits``: what is remarkable about how it is written (`_model/traits.py`), e.g. ``become``,
    ``no_log``, ``loop``, ``secret-arguments``. ``order``: its place among the tasks that this run has begun, from 0.
    """

    task_id: str
    identity: str
    name: str
    module: str  # resolved: ansible.builtin.copy
    path: str = ''
    play: str = ''
    role: str = ''
    handler: bool = False
    traits: tuple[str, ...] = ()
    order: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Measures:
    """What a task has used on one host. Times in seconds; all of it as the agent saw it, so None on the stock path.

    ``start``, ``end``: the target's wall clock, first and last call. ``cpu``: user and system, the module's children included.
    ``maxrss`` in KiB; ``block_in`` and ``block_out`` in blocks of 512 bytes (getrusage). ``bytes_up``, ``bytes_down``: on the wire before
    packing. ``queued``: from being ready to be sent to its start. ``calls``: module calls and commands, 0 for a skipped task.
    """

    start: float | None = None
    end: float | None = None
    cpu: float | None = None
    maxrss: int | None = None
    block_in: int | None = None
    block_out: int | None = None
    bytes_up: int | None = None
    bytes_down: int | None = None
    queued: float | None = None
    calls: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TaskNote:
    """What the engine knows of an ended task beyond what Ansible tells; the fields of TaskEnded."""

    duration: float | None = None
    attempt: int = 1
    path: Path | None = None
    path_reason: str = ''
    measures: Measures | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What each event has. ``sequence`` is 0 until the event is published."""

    kind: t.ClassVar[str] = ''
    execution: str = ''
    sequence: int = 0
    time: float = 0.0
    monotonic: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionStarted(Event):
    """A run of ansible-playbook begins. ``identity``: equal for runs of the same playbook files. ``command``: without values of options."""

    kind: t.ClassVar[str] = 'execution_started'
    playbook: str = ''
    identity: str = ''
    inventory: str = ''
    limit: str = ''
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    forks: int = 0
    check: bool = False
    user: str = ''
    controller: str = ''
    pid: int = 0
    core_version: str = ''
    engine_version: str = ''
    plays: int | None = None  # that the playbook has
    traits: tuple[str, ...] = ()  # how the run is set up: host-key-checking-off, pipelining, become-ask-pass, ...


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class PlayStarted(Event):
    """A play begins. ``tasks``: how many each host has before it at most, None when that is not known (includes)."""

    kind: t.ClassVar[str] = 'play_started'
    play: str = ''
    play_id: str = ''
    strategy: str = ''
    hosts: tuple[str, ...] = ()
    serial: str = ''
    tasks: int | None = None
    identities: tuple[str, ...] = ()  # of the tasks that are known beforehand, in order
    traits: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class PlanCompared(Event):
    """A play has ended in a run that follows a saved plan. ``differences``: where plan and truth differ so far, in words.

    ``plan_hash``: of the playbooks that were planned. ``tasks``, ``estimated_duration``, ``estimated_spread`` as in the plan.
    """

    kind: t.ClassVar[str] = 'plan_compared'
    plan_hash: str = ''
    tasks: int = 0
    estimated_duration: float | None = None
    estimated_spread: float | None = None
    differences: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionCompleted(Event):
    """The run has ended. ``totals``: ok, changed, failed, unreachable, skipped, rescued, ignored over all hosts, as the recap counts."""

    kind: t.ClassVar[str] = 'execution_completed'
    status: ExecutionStatus = 'success'
    totals: t.Mapping[str, int] = dataclasses.field(default_factory=dict)
    hosts: t.Mapping[str, t.Mapping[str, int]] = dataclasses.field(default_factory=dict)
    round_trips: int | None = None
    bundles: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TaskEvent(Event):
    """Something about a task on one host."""

    task: TaskRef
    host: str


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TaskStarted(TaskEvent):
    """linear has come to the task for this host. Under running ahead the host may be past it already."""

    kind: t.ClassVar[str] = 'task_started'


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TaskProgress(TaskEvent):
    """A loop's item has ended, a retry of ``until`` was made, or an async task was polled. ``done`` of ``total``, where it is known."""

    kind: t.ClassVar[str] = 'task_progress'
    what: t.Literal['item', 'retry', 'poll'] = 'item'
    done: int = 0
    total: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TaskEnded(TaskEvent):
    """What the three ends of a task have. ``duration``: seconds of work on the host as far as the agent measured, else on the controller.

    ``attempt``: 1, or more where the engine has tried again. ``path_reason``: the code of why it was not the agent's.
    ``host_class``: connection, system, architecture and Python of the host as far as they are known: ``ssh/linux/x86_64/3.11``.
    """

    duration: float | None = None
    attempt: int = 1
    path: Path | None = None
    path_reason: str = ''
    host_class: str = ''
    measures: Measures | None = None
    items: int | None = None  # of a loop


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TaskCompleted(TaskEnded):
    kind: t.ClassVar[str] = 'task_completed'
    changed: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TaskFailed(TaskEnded):
    """``final``: it stands; else the engine holds it back and decides. ``started``: False when nothing of it provably began.

    ``declared``: the playbook says itself what a failure means (until, ignore_errors, ignore_unreachable, failed_when, a block with rescue).
    ``idempotent``: a second run is known to do no harm. ``retry_declared``: rustle_retry, None when it is not given.
    """

    kind: t.ClassVar[str] = 'task_failed'
    message: str = ''
    final: bool = True
    unreachable: bool = False
    ignored: bool = False
    started: bool | None = None
    rc: int | None = None
    error_class: str = ''  # as it was classified, empty before that
    declared: bool = False
    idempotent: bool = False
    retry_declared: bool | None = None
    skippable: bool = False  # rustle_skippable: the play says that it may be left out
    interchangeable: tuple[str, ...] = ()  # hosts that the play says may take its place
    advise: bool = False  # rustle_adaptation: advise; it is only said what would be done


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TaskSkipped(TaskEnded):
    kind: t.ClassVar[str] = 'task_skipped'


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class HostUnavailable(Event):
    """A host cannot be reached. ``started``: a task of it may have begun and its outcome is not known.

    ``final``: the end of its task stands; else the engine holds it back and decides. ``declared``: what that task says, as in TaskFailed, or that it is
    to be left alone.
    """

    kind: t.ClassVar[str] = 'host_unavailable'
    host: str = ''
    message: str = ''
    started: bool = False
    final: bool = False
    declared: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class HostRecovered(Event):
    """A host that was unavailable answers again, after ``seconds``."""

    kind: t.ClassVar[str] = 'host_recovered'
    host: str = ''
    seconds: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ResourceConstraint(Event):
    """Something is used up to a large part. ``host`` empty: the controller. ``used`` and ``limit`` have the same unit.

    ``resource``: memory (bytes), disk (bytes), load (runnable processes a CPU), descriptors, connects (errors a window),
    latency (seconds, its limit is the multiple of the usual one that is too much).
    """

    kind: t.ClassVar[str] = 'resource_constraint'
    host: str = ''
    resource: str = ''
    used: float = 0.0
    limit: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class BundleEvent(Event):
    """Tasks in one piece on their way to one agent. ``bundle`` counts from 1 in a run."""

    host: str = ''
    bundle: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class BundleSent(BundleEvent):
    """``joined``: others were under way to the host still, so that it costs no round trip of its own."""

    kind: t.ClassVar[str] = 'bundle_sent'
    tasks: int = 0
    bytes_up: int = 0
    joined: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class BundleFinished(BundleEvent):
    """All of it has ended, or was dropped. ``seconds``: from being sent to its last answer; ``work``: those that its tasks took on the host.

    ``failed``: the connection or the agent was lost under it. A task that fails, and so ends its bundle, is no such failure.
    """

    kind: t.ClassVar[str] = 'bundle_finished'
    seconds: float = 0.0
    done: int = 0
    dropped: int = 0
    failed: bool = False
    work: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class BundleCut(BundleEvent):
    """Looking ahead has ended before a task: ``reason`` is a code of `_model/reasons.py`, ``detail``: the variable that was read, where that is it."""

    kind: t.ClassVar[str] = 'bundle_cut'
    reason: str = ''
    detail: str = ''


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class AdaptationEvent(Event):
    """``adaptation``: its id. ``target``: the host, the class of hosts (bundle_toggle), or ``*`` for the run.

    ``what`` and ``policy`` as in `_model/adaptation.py`.
    """

    adaptation: str = ''
    policy: str = ''
    what: str = ''
    target: str = ''


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class AdaptationRequested(AdaptationEvent):
    """The engine wants something done. ``advised``: it is only said, since nobody can act (plain linear, or rustle_adaptation: advise)."""

    kind: t.ClassVar[str] = 'adaptation_requested'
    level: str = ''
    task: str = ''  # the identity
    error_class: str = ''
    rationale: str = ''
    impact: str = ''
    rollback: str = ''
    confidence: float | None = None
    trials: int = 0
    advised: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class AdaptationApplied(AdaptationEvent):
    """It was done and has shown its worth, or not. ``succeeded`` None: what it led to is not known yet."""

    kind: t.ClassVar[str] = 'adaptation_applied'
    succeeded: bool | None = None
    detail: str = ''


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class AdaptationRejected(AdaptationEvent):
    """It was not done: ``reason`` is a code (limit, conflict, time-out, not possible)."""

    kind: t.ClassVar[str] = 'adaptation_rejected'
    reason: str = ''
