# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The adaptation engine on the channel: it hears every event, and who can act finds its instructions there.

Rule: instructions that are only advice are events for the record; nobody is to act on them.
"""
from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.engine import Engine
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.outcomes import Outcomes
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Instruction, Rejection
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import (
    AdaptationEvent,
    Event,
    ExecutionStarted,
    HostUnavailable,
    PlayStarted,
    TaskFailed,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import Channel

from .foreknowledge import Foreknowledge

__all__ = ['Advising']

_EVERY = 0.5  # seconds between two ticks
_ADVICE = {
    AdaptationKind.RETRY: 'the task would be tried again', AdaptationKind.WAIT: 'the host would be waited for',
    AdaptationKind.REALLOCATE: 'another host would do it', AdaptationKind.FAILOVER: 'another host would do it',
    AdaptationKind.SKIP: 'the task would be left out', AdaptationKind.HALT: 'the run would be halted',
}


class Advising:
    """Implements Adviser; also a listener. ``say`` takes a line for people, ``warn`` a warning."""

    def __init__(
        self, engine: Engine, channel: Channel, foreknowledge: Foreknowledge, *, say: t.Callable[[str], object], warn: t.Callable[[str], object],
        monotonic: t.Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._foreknowledge = foreknowledge
        self._channel = channel
        self._say = say
        self._warn = warn
        self._monotonic = monotonic
        self._next = 0.0

    def act(self) -> None:
        self._say_whether(True)

    def _say_whether(self, can_act: bool) -> None:
        if self._engine.config.can_act is not can_act:
            self._engine.config = dataclasses.replace(self._engine.config, can_act=can_act)

    def _know(self) -> None:
        known = self._foreknowledge
        if self._engine.config.learning:
            self._engine.outcomes = Outcomes(known.outcomes)
        self._engine.config = dataclasses.replace(self._engine.config, expected=known.expected)

    def by_stock(self, module: str, host_class: str) -> str:
        return self._foreknowledge.slower_by_agent(module, host_class)

    def __call__(self, event: Event) -> None:
        if isinstance(event, AdaptationEvent):
            return  # the engine's own
        if isinstance(event, ExecutionStarted):
            # whoever orders hosts by how long they take has to know it when the first play begins
            self._foreknowledge.begin(event, self._know, hosts=AdaptationKind.REORDER in self._engine.config.allowed)
        if isinstance(event, PlayStarted):
            self._say_whether(False)  # until whoever runs it says otherwise
        config = self._engine.config
        if not config.can_act and config.run_wide != 'off':
            event = _as_if_held(event)
        self._hand_on(self._engine.handle(event, event.monotonic))

    def advise(self, event: Event) -> None:
        if isinstance(event, TaskFailed):
            self._hand_on(self._engine.advise(dataclasses.replace(event, execution=self._channel.execution), self._monotonic()))

    def applied(self, adaptation: str, succeeded: bool | None, detail: str = '') -> None:
        self._hand_on(self._engine.applied(adaptation, succeeded, self._monotonic(), detail))

    def rejected(self, adaptation: str, reason: Rejection) -> None:
        self._hand_on(self._engine.rejected(adaptation, reason, self._monotonic()))

    def tick(self) -> None:
        now = self._monotonic()
        if now >= self._next:
            self._next = now + _EVERY
            self._hand_on(self._engine.tick(now))

    def _hand_on(self, instructions: t.Iterable[Instruction]) -> None:
        for event in self._engine.news():
            self._channel.publish(event)
        where = 'with rustle_adaptation: on' if self._engine.config.can_act else 'under rustle_binary_hybrid'
        for one in instructions:
            if not one.advised:
                self._channel.instructions.append(one)
            elif one.decision.kind in _ADVICE:
                self._say(f'rustle: [{one.decision.target}] {_ADVICE[one.decision.kind]} {where}: {one.decision.rationale}')
        for line in self._engine.troubles():
            self._warn(line)


def _as_if_held(event: Event) -> Event:
    """What stands, since nobody could hold it back: what would have been done about it?"""
    if isinstance(event, HostUnavailable) or (isinstance(event, TaskFailed) and event.final and not event.ignored):
        return dataclasses.replace(event, final=False)
    return event
