# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the run tells of itself: bundles, and notes on tasks for who records their ends.

Rule: where nobody listens, each method comes back at once.
"""
from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import BundleCut, BundleFinished, BundleSent, TaskNote
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import Channel

from .health import Health
from .usage import Usage

__all__ = ['Telling']


@dataclasses.dataclass(eq=False)
class _Bundle:
    """What one host was sent in one piece, while it is under way. ``alone``: its agent runs, and had nothing of the host before it."""

    number: int
    host: str
    sent: float
    open: int
    alone: bool = False
    work: float = 0.0
    done: int = 0
    dropped: int = 0
    failed: bool = False


class Telling:
    """Of the hub and its plays. ``health``: what it tells of resources."""

    def __init__(self, channel: Channel) -> None:
        self.health = Health(channel)
        self._channel = channel
        self._numbers = 0
        self._last: dict[str, int] = {}  # host -> its latest bundle
        self._early: dict[str, tuple[Reason, str]] = {}  # host -> why its first bundle, which has not gone yet, was cut

    @property
    def heard(self) -> bool:
        return self._channel.heard

    def sent(self, host: str, errands: t.Sequence[t.Any]) -> None:
        """One message to an agent holds these entries of a host."""
        if not self.heard:
            return
        self._numbers += 1
        now = time.monotonic()
        joined = len(errands[0].lane.flying) > len(errands)
        bundle = _Bundle(self._numbers, host, now, len(errands), alone=host in self._last and not joined)
        self._last[host] = bundle.number
        size = 0
        for errand in errands:
            errand.bundle = bundle
            usage = errand.execution.usage
            if usage is None:
                usage = errand.execution.usage = Usage()
            size += usage.sent(errand, now)
        self._channel.publish(BundleSent(host=host, bundle=bundle.number, tasks=len(errands), bytes_up=size, joined=joined))
        if host in self._early:
            self.cut(host, *self._early.pop(host))

    def came(self, errand: t.Any, steps: t.Sequence[t.Any]) -> None:
        """An entry has ended on the host, well or not: a task that fails is no failure of its bundle."""
        if errand.bundle is not None:
            errand.execution.usage.came(steps, errand.calls)
            errand.bundle.done += 1
            errand.bundle.work += sum(step.end - step.start for step in steps)
            self._landed(errand)

    def dropped(self, errand: t.Any, *, lost: bool = False) -> None:
        """An entry was not run, or nobody knows (``lost``)."""
        if errand.bundle is not None:
            errand.bundle.dropped += 1
            errand.bundle.failed |= lost
            self._landed(errand)

    def _landed(self, errand: t.Any) -> None:
        bundle, errand.bundle = errand.bundle, None
        bundle.open -= 1
        if not bundle.open:
            seconds = time.monotonic() - bundle.sent
            work = min(max(0.0, bundle.work), seconds)  # by another clock, which may have been set meanwhile
            if bundle.alone and not bundle.dropped:
                self.health.took(seconds - work)
            self._channel.publish(BundleFinished(
                host=bundle.host, bundle=bundle.number, seconds=seconds, done=bundle.done, dropped=bundle.dropped, failed=bundle.failed,
                work=work))

    def cut(self, host: str, reason: Reason, detail: str) -> None:
        """Nothing more is prepared for the host for now. Of details only the name of a variable is told: rendered names may hold a secret."""
        if not self.heard or reason is Reason.END:
            return
        if host in self._last:
            name = detail if reason is Reason.REGISTER else ''
            self._channel.publish(BundleCut(host=host, bundle=self._last[host], reason=reason.value, detail=name))
        else:
            self._early[host] = reason, detail

    # -- notes

    def ended(self, execution: t.Any, *, attempt: int) -> None:
        """The result of the execution is about to be told."""
        if not self.heard:
            return
        usage = execution.usage
        if usage is None:
            note = TaskNote(path='controller', attempt=attempt)
        else:
            note = TaskNote(path='agent', attempt=attempt, duration=usage.work if usage.calls else None, measures=usage.measures())
        self._channel.notes[execution.task._uuid, execution.host.name] = note

    def stock(self, host: str, task: t.Any, reason: Reason, *, attempt: int) -> None:
        """The stock path has the task."""
        if self.heard:
            self._channel.notes[task._uuid, host] = TaskNote(path='stock', path_reason=reason.value, attempt=attempt)

    def plan(self, diary: t.Any) -> None:
        """A play has ended in a run that follows a plan."""
        if self.heard:
            self._channel.publish(diary.compared())

    def play_ended(self, *, bundles: int, round_trips: int) -> None:
        self._channel.counts['bundles'] += bundles
        self._channel.counts['round_trips'] += round_trips
