# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a policy is: one rule that looks at an event and says what it would do. Users write their own (docs/adaptation.md).

Rule 1: ``can_handle``, ``decide`` and ``tick`` change nothing: whether a decision is taken up is the engine's to say, and it tells ``accepted``.
Rule 2: what a policy remembers of a run is in ``state.of(...)``, and is written by the other methods: one policy serves many runs.
Rule 3: time is ``now``, monotonic seconds; no clock, no chance, no file, no thread.
"""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.state import RunState
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Decision, Level
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, TaskEvent, TaskFailed

__all__ = ['LEVELS', 'Policy', 'is_safe_to_repeat', 'repeats_left']

LEVELS: t.Final[t.Mapping[AdaptationKind, Level]] = {
    AdaptationKind.REPORT: Level.NONE,
    AdaptationKind.RETRY: Level.MINOR,
    AdaptationKind.WAIT: Level.MINOR,
    AdaptationKind.TOGGLE: Level.MINOR,
    AdaptationKind.SCALE: Level.MINOR,
    AdaptationKind.PARAMETERS: Level.MINOR,
    AdaptationKind.REORDER: Level.MINOR,
    AdaptationKind.STRATEGY: Level.MAJOR,
    AdaptationKind.REALLOCATE: Level.MAJOR,
    AdaptationKind.FAILOVER: Level.MAJOR,
    AdaptationKind.SKIP: Level.MAJOR,
    AdaptationKind.REPLAN: Level.MAJOR,
    AdaptationKind.HALT: Level.HALT,
}


class Policy:
    """``priority``: the higher one is preferred where two want something done about the same target. ``kind``: what it does.

    ``events``: the kinds of events that it is asked about; of no others it hears.
    """

    name: str = ''
    priority: int = 0
    kind: AdaptationKind = AdaptationKind.REPORT
    events: tuple[type[Event], ...] = (Event,)

    def can_handle(self, event: t.Any, state: RunState) -> bool:
        """Whether it has anything to say about the event. Cheap."""
        return True

    def observe(self, event: t.Any, state: RunState, now: float) -> None:
        """Remember what it needs of an event; called before any policy decides."""

    def decide(self, event: t.Any, state: RunState, now: float) -> Decision | None:
        """What it would do about the event, or None."""
        return None

    def tick(self, state: RunState, now: float) -> Decision | None:
        """What it would do because time has passed, or None."""
        return None

    def cause(self, decision: Decision, event: Event | None) -> str:
        """What max_adaptations counts: decisions of one policy and one cause are one adaptation.

        By default the target, and the task where there is one.
        """
        task = event.task.identity if isinstance(event, TaskEvent) else ''
        return f'{decision.target} {task}'.rstrip()

    def accepted(self, decision: Decision, state: RunState, now: float) -> None:
        """The decision is on its way to who acts."""

    def ended(self, decision: Decision, succeeded: bool | None, state: RunState, now: float) -> None:
        """It has helped, or not; None when it was not done, or what it led to is not known."""

    def verdict(self, decision: Decision, since: float, state: RunState, now: float) -> bool | None:
        """Whether a decision that was done has helped, as far as the state shows; None: not known yet. For kinds whose outcome no event tells."""
        return None

    def inverse(self, decision: Decision, state: RunState) -> t.Mapping[str, t.Any]:
        """The ``changes`` that take the decision back; asked before it is done. For decisions with a ``rollback``."""
        return {}

    def is_over(self, decision: Decision, since: float, state: RunState, now: float) -> bool:
        """Whether a decision that was done, and can be taken back, is to be taken back now."""
        return False

    def taken_back(self, decision: Decision, state: RunState, now: float) -> None:
        """The decision has been taken back. ``decision``: the inverse."""

    def decision(self, target: str, *, kind: AdaptationKind | None = None, **fields: t.Any) -> Decision:
        """A decision of this policy's kind, with the level that belongs to it."""
        kind = AdaptationKind(kind or self.kind)
        return Decision(level=LEVELS[kind], kind=kind, target=target, **fields)


def is_safe_to_repeat(event: TaskFailed) -> bool:
    """Whether a second run of the task can do no harm, and the playbook does not say itself what its failure means."""
    if event.declared or event.retry_declared is False:
        return False
    return event.started is False or event.idempotent or event.retry_declared is True


def repeats_left(event: TaskFailed, state: RunState) -> int:
    """How often the task may still be tried on its host: 0 for a failure that does not go away by itself, or that must or can not be repeated."""
    if not is_safe_to_repeat(event) or not state.is_transient(event) or state.is_given_up(event):
        return 0
    return max(0, state.config.max_tries - event.attempt)
