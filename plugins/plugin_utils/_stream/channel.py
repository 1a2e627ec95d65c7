# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the events of a process go by: whoever sees something publishes it, whoever wants to know listens.

Rule 1: nobody listens unless a callback of ours is enabled; publishing costs a look at an empty list then.
Rule 2: the sequence and the two clocks are given here, under a lock: Ansible tells callbacks from two threads.
Rule 3: a listener must not wait and must not fail; one that fails is told to ``on_error`` and left out from then on.
Rule 4: an event that a listener publishes while it is told of another one is told after that, so that each of them sees one order.
Rule 5: what is to be done goes the other way, as ``instructions``: who can act takes them when it has published, nobody is called. How it
went is told to the ``adviser``.
"""
from __future__ import annotations

import collections
import dataclasses
import os
import threading
import time
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import Instruction, Rejection
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, TaskNote

__all__ = ['Adviser', 'Channel', 'channel']

Listener = t.Callable[[Event], None]


class Adviser(t.Protocol):
    """Who says what is to be done."""

    def act(self) -> None:
        """Whoever runs this play does what is said."""

    def advise(self, event: Event) -> None:
        """Say what would be done about a failure that stands, since its task wants to know no more."""

    def by_stock(self, module: str, host_class: str) -> str:
        """Why history has the stock path as the better one for a module on a class of hosts; empty where it has not."""

    def applied(self, adaptation: str, succeeded: bool | None, detail: str = '') -> None:
        """It was begun (None), or has helped, or not."""

    def rejected(self, adaptation: str, reason: Rejection) -> None:
        """It is not done."""

    def tick(self) -> None:
        """Time has passed; called as often as there is time."""


class Channel:
    """``execution``: the id that events get; empty while nobody has begun a run. Forked workers publish nothing.

    ``notes``: (task id, host) -> what the engine knows of the task, for who makes the event of its end. ``instructions``: see rule 5;
    ``adviser`` is who gives them, if anybody does. ``counts``: round trips and bundles of the execution so far.
    """

    def __init__(self, *, wall: t.Callable[[], float] = time.time, monotonic: t.Callable[[], float] = time.monotonic) -> None:
        self.execution = ''
        self.notes: dict[tuple[str, str], TaskNote] = {}
        self.counts: collections.Counter[str] = collections.Counter()
        self.adviser: Adviser | None = None
        self.instructions: collections.deque[Instruction] = collections.deque()
        self.on_error: t.Callable[[Listener, Exception], None] = lambda listener, error: None
        self._wall = wall
        self._monotonic = monotonic
        self._listeners: list[Listener] = []
        self._lock = threading.RLock()
        self._waiting: collections.deque[Event] = collections.deque()
        self._telling = False
        self._sequence = 0
        self._pid = os.getpid()

    @property
    def heard(self) -> bool:
        """Whether anybody listens, so that an event is worth making."""
        return bool(self._listeners) and os.getpid() == self._pid

    def begin(self, execution: str) -> None:
        """Another run begins: its events count from 1."""
        with self._lock:
            self.execution, self._sequence = execution, 0
            self.notes.clear()
            self.counts.clear()

    def listen(self, listener: Listener) -> None:
        """Tell this one too, behind those that listen already."""
        with self._lock:
            if not self._listeners:
                self._pid = os.getpid()
            self._listeners.append(listener)

    def leave(self, listener: Listener) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def publish(self, event: Event) -> Event | None:
        """Give the event its place and tell it to all. The event as they got it, or None where nobody listens."""
        if not self.heard:
            return None
        with self._lock:
            self._sequence += 1
            event = _stamped(event, execution=self.execution, sequence=self._sequence, time=self._wall(), monotonic=self._monotonic())
            self._waiting.append(event)
            if not self._telling:
                self._telling = True
                try:
                    while self._waiting:
                        self._tell(self._waiting.popleft())
                finally:
                    self._telling = False
        return event

    def _tell(self, event: Event) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception as ex:
                self.leave(listener)
                self.on_error(listener, ex)


def _stamped(event: Event, **stamp: object) -> Event:
    """The event with its place. One that nobody has seen yet gets it itself: a copy would cost more than all else that is done here."""
    if event.sequence:
        return dataclasses.replace(event, **t.cast('dict[str, t.Any]', stamp))
    for name, value in stamp.items():
        object.__setattr__(event, name, value)
    return event


channel: t.Final = Channel()
"""The one of this process."""
