# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the engine has decided, as events for whoever publishes them; they get sequence and clocks there."""
from __future__ import annotations

from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import Decision, Instruction
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import AdaptationApplied, AdaptationEvent, AdaptationRejected, AdaptationRequested

__all__ = ['Journal']


class Journal:
    def __init__(self) -> None:
        self._news: list[AdaptationEvent] = []

    def take(self) -> tuple[AdaptationEvent, ...]:
        """All since the last call."""
        news, self._news = tuple(self._news), []
        return news

    def requested(self, execution: str, instruction: Instruction) -> None:
        decision = instruction.decision
        self._news.append(AdaptationRequested(
            execution=execution, adaptation=instruction.adaptation, policy=instruction.policy, what=decision.kind, target=decision.target,
            level=decision.level, task=instruction.task, error_class=instruction.error_class, rationale=decision.rationale, impact=decision.impact,
            rollback=decision.rollback, confidence=decision.confidence.rate, trials=decision.confidence.trials, advised=instruction.advised))

    def applied(self, execution: str, instruction: Instruction, succeeded: bool | None, detail: str) -> None:
        self._news.append(AdaptationApplied(
            execution=execution, adaptation=instruction.adaptation, policy=instruction.policy, what=instruction.decision.kind,
            target=instruction.decision.target, succeeded=succeeded, detail=detail))

    def rejected(self, execution: str, adaptation: str, policy: str, decision: Decision, reason: str) -> None:
        self._news.append(AdaptationRejected(
            execution=execution, adaptation=adaptation, policy=policy, what=decision.kind, target=decision.target, reason=reason))
