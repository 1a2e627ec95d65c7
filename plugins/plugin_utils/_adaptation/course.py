# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is under way in one run: the adaptations that were accepted, and how far each has come."""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.guarding import Guarded
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.outcomes import Key
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.state import RunState
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Decision, Instruction
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, TaskEnded, TaskFailed

__all__ = ['HELD', 'LASTING', 'TASK_ENDS', 'Adaptation', 'Course']

_Kind = AdaptationKind

TASK_ENDS: t.Final = frozenset({_Kind.RETRY, _Kind.REALLOCATE, _Kind.FAILOVER, _Kind.REPLAN, _Kind.SKIP})
"""Kinds whose outcome is the next end of their task."""

HELD: t.Final = TASK_ENDS | {_Kind.WAIT}
"""Kinds for which a result is held back, so that it has to be said when it comes to nothing."""

LASTING: t.Final = frozenset(_Kind) - HELD - {_Kind.REPORT, _Kind.HALT}
"""Kinds that go on having an effect once they are done; their policy judges them."""


@dataclasses.dataclass(slots=True)
class Adaptation:
    """One that was accepted. ``since``: when it was requested, then when it was begun. ``held``: failures that wait for what comes of it.

    ``late``: nobody is about to look at its event, so that it has to be said when it comes to nothing.
    """

    instruction: Instruction
    policy: Guarded
    cause: str
    key: Key
    since: float
    inverse: t.Mapping[str, t.Any]
    event: Event | None
    held: list[TaskFailed] = dataclasses.field(default_factory=list)
    begun: bool = False
    judged: bool = False
    late: bool = False

    @property
    def id(self) -> str:
        return self.instruction.adaptation

    @property
    def decision(self) -> Decision:
        return self.instruction.decision

    def gives_way(self, policy: Guarded, kind: AdaptationKind) -> bool:
        """Whether another one may take its place: it has not begun and is of lower priority. Nothing stands in the way of a halt."""
        return kind is _Kind.HALT or (not self.begun and self.policy.priority < policy.priority)

    def is_ended_by(self, event: TaskEnded) -> bool:
        """Whether the event is the end of the try that it is about."""
        failed = self.event
        if self.decision.kind not in TASK_ENDS or not isinstance(failed, TaskFailed) or event.task.task_id != failed.task.task_id:
            return False
        if event.host not in (failed.host, self.decision.changes.get('host')):
            return False
        return not isinstance(event, TaskFailed) or event.final or event.attempt > failed.attempt


@dataclasses.dataclass(slots=True)
class Course:
    """``open``: by target, while they are under way; ``lasting``: by id, done and still in effect; ``closed``: targets where adapting has ended.

    ``causes``: what max_adaptations counts, with how many adaptations of each were not rejected; ``said``: what is not said twice;
    ``ids``: how many were given so far.
    """

    state: RunState
    open: dict[str, Adaptation] = dataclasses.field(default_factory=dict)
    lasting: dict[str, Adaptation] = dataclasses.field(default_factory=dict)
    causes: dict[tuple[str, str], int] = dataclasses.field(default_factory=dict)
    said: set[tuple[str, ...]] = dataclasses.field(default_factory=set)
    closed: set[str] = dataclasses.field(default_factory=set)
    ids: int = 0

    def new_id(self) -> str:
        self.ids += 1
        return f'{self.state.execution}-{self.ids}'

    def count_cause(self, cause: tuple[str, str], by: int = 1) -> None:
        """One more adaptation of that cause, or one less: it was not made after all."""
        number = self.causes.pop(cause, 0) + by
        if number:
            self.causes[cause] = number

    def is_first(self, *words: str) -> bool:
        """Whether this is said for the first time."""
        if words in self.said:
            return False
        self.said.add(words)
        return True

    def find(self, adaptation: str) -> Adaptation | None:
        return self.lasting.get(adaptation) or next((one for one in self.open.values() if one.id == adaptation), None)
