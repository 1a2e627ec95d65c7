# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policies about resources: less at once when one is nearly used up, more again when all is well (additive increase, multiplicative decrease).

For the run, target ``*``, it is the lanes: how many hosts are at work at once. For one host it is the batch: how many tasks are sent ahead to it.
"""
from __future__ import annotations

import dataclasses

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policy import Policy
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.state import RunState
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.windows import Window
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Decision
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, HostUnavailable, ResourceConstraint, TaskFailed

__all__ = ['ParameterAdjustment', 'ResourceScaling', 'Trend']

_RUN = '*'
_OF_THE_RUN = ('connects', 'latency')  # whatever host they were seen with
_AWAY_TOGETHER = 3  # hosts that go away within ``settle`` seconds are errors of connecting, not of the hosts
_SAMPLES = 5  # from which a trend is read
_FIT = 0.7  # R squared from which it is a trend
_HORIZON = 60.0  # seconds to the limit at which it is acted on
_HALF = 0.5  # of the limit: below it there is no haste
_TIGHT = 0.8  # of what is too much
_RECENT = 3  # times ``settle``: older samples say nothing any more
_TIMEOUTS = 2  # before the time-out is changed


@dataclasses.dataclass(slots=True)
class _Steps:
    """How much at once, for one target. ``changed``, ``pressed``: when it was last changed, and when there was last too much.

    ``fixed``: who should change it could not.
    """

    most: int
    now: int
    before: int
    changed: float = float('-inf')
    pressed: float = float('-inf')
    fixed: bool = False

    def can_change(self, now: float, settle: float) -> bool:
        return not self.fixed and now - self.changed >= settle


class _Scaling:
    """What both policies remember of a run: the steps of each target, and the samples of each resource."""

    def __init__(self) -> None:
        self.steps: dict[str, _Steps] = {}
        self.samples: dict[tuple[str, str], Window] = {}
        self.away: dict[str, float] = {}

    def of(self, target: str, state: RunState) -> _Steps | None:
        """The steps of a target; None where it is not known how much there is."""
        most = state.forks if target == _RUN else state.config.batch
        if target not in self.steps and most > 1:
            self.steps[target] = _Steps(most, most, most)
        return self.steps.get(target)

    def is_tight(self, target: str, state: RunState, now: float) -> bool:
        """Whether a resource of the target was last seen so near to too much that nothing is to be added (hysteresis)."""
        recent = now - _RECENT * state.config.settle
        return any(
            window.last >= _TIGHT * state.config.pressure and window.last_time >= recent
            for (host, _resource), window in self.samples.items() if host == target)


def _target(event: ResourceConstraint | HostUnavailable) -> str:
    return event.host if isinstance(event, ResourceConstraint) and event.host and event.resource not in _OF_THE_RUN else _RUN


class _Scales(Policy):
    kind = AdaptationKind.SCALE

    def cause(self, decision: Decision, event: Event | None) -> str:
        return decision.target

    def accepted(self, decision: Decision, state: RunState, now: float) -> None:
        steps = state.of(_Scaling).of(decision.target, state)
        if steps is not None:
            steps.before, steps.now, steps.changed = steps.now, next(iter(decision.changes.values())), now

    def ended(self, decision: Decision, succeeded: bool | None, state: RunState, now: float) -> None:
        steps = state.of(_Scaling).of(decision.target, state)
        if succeeded is None and steps is not None:  # it was not done
            steps.now, steps.fixed = steps.before, True

    def verdict(self, decision: Decision, since: float, state: RunState, now: float) -> bool | None:
        steps = state.of(_Scaling).of(decision.target, state)
        if steps is None or now - since < state.config.settle:
            return None
        return steps.pressed <= since

    def change(self, target: str, steps: _Steps, to: int, why: str) -> Decision:
        name = 'lanes' if target == _RUN else 'batch'
        what = 'hosts at work at once' if target == _RUN else 'tasks sent ahead to this host'
        return self.decision(target, changes={name: to}, rationale=f'{why}: {to} {what} instead of {steps.now}', impact=f'{to} of {steps.most} {what}')


class ResourceScaling(_Scales):
    """Half at once when a resource is used up to nine tenths, and a tenth more after each while without such a sign."""

    name = 'resource-scaling'
    priority = 40
    events = (ResourceConstraint, HostUnavailable)

    def observe(self, event: ResourceConstraint | HostUnavailable, state: RunState, now: float) -> None:
        memory = state.of(_Scaling)
        if isinstance(event, HostUnavailable):
            memory.away[event.host] = now
            memory.away = {host: time for host, time in memory.away.items() if now - time <= state.config.settle}
        steps = memory.of(_target(event), state)
        if steps is not None and self._sign(event, state):
            steps.pressed = now

    def decide(self, event: ResourceConstraint | HostUnavailable, state: RunState, now: float) -> Decision | None:
        why = self._sign(event, state)
        target = _target(event)
        steps = state.of(_Scaling).of(target, state)
        if not why or steps is None or steps.now <= 1 or not steps.can_change(now, state.config.settle):
            return None
        return self.change(target, steps, max(1, steps.now // 2), why)

    def tick(self, state: RunState, now: float) -> Decision | None:
        memory = state.of(_Scaling)
        for target, steps in memory.steps.items():
            quiet = now - max(steps.changed, steps.pressed)
            if steps.now < steps.most and not steps.fixed and quiet >= state.config.settle and not memory.is_tight(target, state, now):
                return self.change(target, steps, min(steps.most, steps.now + max(1, steps.most // 10)), f'{quiet:.0f} s without pressure')
        return None

    @staticmethod
    def _sign(event: Event, state: RunState) -> str:
        """What speaks for too much at once; empty for nothing."""
        if isinstance(event, ResourceConstraint) and event.limit > 0 and event.used >= state.config.pressure * event.limit:
            return f'{event.resource} is at {event.used / event.limit:.0%} of its limit'
        away = len(state.of(_Scaling).away)
        return f'{away} hosts went away together' if isinstance(event, HostUnavailable) and away >= _AWAY_TOGETHER else ''


class Trend(_Scales):
    """A resource that will be used up within a minute, if it goes on like that, gets a quarter less to do before it is."""

    name = 'trend'
    priority = 30
    events = (ResourceConstraint,)

    def observe(self, event: ResourceConstraint, state: RunState, now: float) -> None:
        if event.limit > 0:
            windows = state.of(_Scaling).samples
            window = windows.setdefault((_target(event), event.resource), Window(size=12, span=300))
            window.add(now, event.used / event.limit)

    def decide(self, event: ResourceConstraint, state: RunState, now: float) -> Decision | None:
        memory = state.of(_Scaling)
        target = _target(event)
        window = memory.samples.get((target, event.resource))
        steps = memory.of(target, state)
        if window is None or steps is None or steps.now <= 1 or not steps.can_change(now, state.config.settle):
            return None
        slope, fit = window.trend()
        left = state.config.pressure - window.last
        if len(window) < _SAMPLES or fit < _FIT or slope <= 0 or left <= 0 or window.last < _HALF or left / slope > _HORIZON:
            return None
        why = f'{event.resource} is at {window.last:.0%} and will be at {state.config.pressure:.0%} of its limit in {left / slope:.0f} s'
        return self.change(target, steps, max(1, steps.now * 3 // 4), why)


class _Timeouts:
    """``seen``: when tasks ran into a time-out; ``raised``: whether it was changed."""

    def __init__(self) -> None:
        self.seen = Window(size=20)
        self.raised = False


class ParameterAdjustment(Policy):
    """A run that meets time-outs more than once gives its connections twice the time, once."""

    name = 'parameter-adjustment'
    priority = 20
    kind = AdaptationKind.PARAMETERS
    events = (TaskFailed,)

    def observe(self, event: TaskFailed, state: RunState, now: float) -> None:
        if event.error_class == 'timeout' and not event.ignored:
            state.of(_Timeouts).seen.add(now, now)

    def tick(self, state: RunState, now: float) -> Decision | None:
        memory, usual = state.of(_Timeouts), state.config.connect_timeout
        if memory.raised or len(memory.seen) < _TIMEOUTS:
            return None
        return self.decision(
            _RUN, changes={'timeout': usual * 2}, rationale=f'{len(memory.seen)} time-outs: {usual * 2:.0f} s for a connection instead of {usual:.0f} s',
            impact=f'a dead connection is noticed up to {usual:.0f} s later', rollback=f'the time-out of connections is {usual:.0f} s again')

    def accepted(self, decision: Decision, state: RunState, now: float) -> None:
        state.of(_Timeouts).raised = True

    def inverse(self, decision: Decision, state: RunState) -> dict[str, float]:
        return {'timeout': state.config.connect_timeout}

    def verdict(self, decision: Decision, since: float, state: RunState, now: float) -> bool | None:
        later = [time for time in state.of(_Timeouts).seen if time > since]
        if len(later) >= _TIMEOUTS:
            return False
        return True if now - since >= state.config.cool_down else None
