# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policies may be anybody's: one that fails must end neither the run nor the engine. It is left out from then on, and that is said."""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policy import Policy
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.state import RunState
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Decision
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event

__all__ = ['Guarded']


class Guarded:
    """A policy, as the engine asks it. ``complain`` is told once, when it fails; all its answers are empty afterwards."""

    def __init__(self, policy: Policy, complain: t.Callable[[str], None]) -> None:
        self.name = str(policy.name or type(policy).__name__)
        self.priority = policy.priority
        self.events = policy.events
        self._policy: Policy | None = policy
        self._complain = complain
        self.observes = type(policy).observe is not Policy.observe
        self.ticks = type(policy).tick is not Policy.tick

    def observe(self, event: Event, state: RunState, now: float) -> None:
        self._ask('observe', None, event, state, now)

    def decide(self, event: Event, state: RunState, now: float) -> Decision | None:
        return self._checked('decide', event, state, now) if self._ask('can_handle', False, event, state, shape=bool) else None

    def tick(self, state: RunState, now: float) -> Decision | None:
        return self._checked('tick', state, now)

    def cause(self, decision: Decision, event: Event | None) -> str:
        return t.cast('str', self._ask('cause', decision.target, decision, event, shape=str))

    def accepted(self, decision: Decision, state: RunState, now: float) -> None:
        self._ask('accepted', None, decision, state, now)

    def ended(self, decision: Decision, succeeded: bool | None, state: RunState, now: float) -> None:
        self._ask('ended', None, decision, succeeded, state, now)

    def verdict(self, decision: Decision, since: float, state: RunState, now: float) -> bool | None:
        return t.cast('bool | None', self._ask('verdict', None, decision, since, state, now))

    def inverse(self, decision: Decision, state: RunState) -> t.Mapping[str, t.Any]:
        return t.cast('dict[str, t.Any]', self._ask('inverse', {}, decision, state, shape=dict))

    def is_over(self, decision: Decision, since: float, state: RunState, now: float) -> bool:
        return t.cast('bool', self._ask('is_over', False, decision, since, state, now, shape=bool))

    def taken_back(self, decision: Decision, state: RunState, now: float) -> None:
        self._ask('taken_back', None, decision, state, now)

    def _checked(self, what: str, *args: object) -> Decision | None:
        answer = self._ask(what, None, *args)
        if answer is None or (isinstance(answer, Decision) and isinstance(answer.kind, AdaptationKind)):
            return answer
        self._fail(what, f'expected a Decision or None, found {answer!r}')
        return None

    def _ask(self, what: str, default: object, *args: object, shape: t.Callable[[t.Any], object] | None = None) -> object:
        """``shape``: what makes the answer into what is expected; it is guarded too."""
        if self._policy is None:
            return default
        try:
            answer = getattr(self._policy, what)(*args)
            return answer if shape is None else shape(answer)
        except Exception as ex:
            self._fail(what, f'{type(ex).__name__}: {ex}')
            return default

    def _fail(self, what: str, why: str) -> None:
        self._policy = None
        self._complain(f'the policy {self.name} has failed in {what}() and is left out from now on: {why}')
