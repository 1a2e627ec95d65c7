# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the adaptation engine decides. Frozen data: events go in (`_model/event.py`), instructions come out, and somebody else acts.

Ansible owns the word *strategy*; a rule of ours that decides is a *policy*.
"""
from __future__ import annotations

import dataclasses
import enum
import typing as t

__all__ = ['AdaptationKind', 'Confidence', 'Decision', 'ErrorClass', 'Instruction', 'Level', 'Rejection', 'Stance']

Stance = t.Literal['off', 'advise', 'on']


class Level(enum.StrEnum):
    """How much an adaptation changes."""

    NONE = 'no_action'
    MINOR = 'minor_adjustment'
    MAJOR = 'major_replanning'
    HALT = 'halt'


class AdaptationKind(enum.StrEnum):
    """What is done. The comment says what ``Instruction.changes`` holds."""

    RETRY = 'retry'  # after: seconds
    WAIT = 'wait'  # until: monotonic seconds at the latest; every: seconds between looks
    REPORT = 'report'  # nothing: what was held back goes to linear as it is
    REORDER = 'task_reordering'  # hosts: names, first to last
    REALLOCATE = 'host_reallocation'  # host: the name of who takes its place
    STRATEGY = 'strategy_change'  # ordering: linear
    PARAMETERS = 'parameter_adjustment'  # timeout, batch: numbers
    SKIP = 'task_skipping'  # nothing
    TOGGLE = 'bundle_toggle'  # host_class, path: agent | stock
    SCALE = 'resource_scaling'  # lanes: how many hosts at once (target *); batch: how many tasks are sent ahead to a host
    FAILOVER = 'run_once_failover'  # host: the name of who runs it instead
    REPLAN = 'replan'  # nothing: what was prepared for the target is dropped and looked at anew
    HALT = 'halt'  # nothing; the rationale holds the recovery options


class Rejection(enum.StrEnum):
    """Why an adaptation is not made."""

    LIMIT = 'limit'  # max_adaptations_per_execution is used up
    CONFLICT = 'conflict'  # another one is under way for that target
    TIMEOUT = 'timeout'  # it took longer than adaptation_timeout
    ROLLBACK_FAILED = 'rollback-failed'  # adapting has ended for that target
    NOT_POSSIBLE = 'not-possible'  # who should act cannot
    NOT_ALLOWED = 'not-allowed'  # the play does not ask for it
    UNPROMISING = 'unpromising'  # the like of it has seldom helped


@dataclasses.dataclass(frozen=True, slots=True)
class Confidence:
    """How often the like of it has helped: ``rate`` of ``trials``; None with no trials."""

    rate: float | None = None
    trials: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class ErrorClass:
    """A class of failures. ``transient``: it may go away by itself; else it is never retried."""

    code: str
    transient: bool
    text: str = ''


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What a policy wants. ``rationale`` and ``impact`` are for people; ``rollback`` is what undoes it, empty where nothing does."""

    level: Level
    kind: AdaptationKind
    target: str
    changes: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    rationale: str = ''
    impact: str = ''
    rollback: str = ''
    confidence: Confidence = Confidence()


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """What is to be done now, by whom the engine serves. ``adaptation``: the id under which its outcome is to be told.

    ``task``: identity of the task that it is about, or empty. ``advised``: say it and do not do it. ``deadline``: monotonic seconds
    after which it is not to be begun. ``undo``: it takes back the adaptation of that id.
    """

    adaptation: str
    policy: str
    decision: Decision
    task: str = ''
    error_class: str = ''
    advised: bool = False
    deadline: float | None = None
    undo: bool = False
