# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policies about how tasks are run: through agents in bundles, or the stock way."""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policy import Policy
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.state import RunState
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.windows import Window
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Decision
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import BundleFinished, TaskCompleted, TaskEnded, TaskFailed

__all__ = ['BundleFallback', 'OrderingChange']

_BUNDLES = 3  # that have to be seen before any of it is believed
_FAILING = 0.5
_TASKS = 5  # of a module on each path, before they are compared
_SLOWER = 1.5  # times as long as the stock way; below it, changing costs more than it brings
_DROPPED_BUNDLES = 8


@dataclasses.dataclass(slots=True)
class _OfClass:
    """What was seen of one class of hosts. ``bundles``: 1 for each that failed, 0 for each that did not; ``ends``: of tasks the stock way, likewise.

    ``durations``: by module and path. ``toggled``: how often it was switched to stock; ``stock``: whether it is.
    """

    bundles: Window = dataclasses.field(default_factory=lambda: Window(size=10))
    ends: Window = dataclasses.field(default_factory=lambda: Window(size=20))
    durations: dict[tuple[str, str], Window] = dataclasses.field(default_factory=dict)
    toggled: int = 0
    stock: bool = False


class _Paths:
    def __init__(self) -> None:
        self.classes: dict[str, _OfClass] = {}

    def of(self, host_class: str) -> _OfClass:
        return self.classes.setdefault(host_class, _OfClass())


class BundleFallback(Policy):
    """Hosts of a class on which bundles fail, or take half as long again as the stock way, are switched to the stock way.

    After a cool-down the agent is tried again; when it fails again the next cool-down is twice as long.
    """

    name = 'bundle-fallback'
    priority = 45
    kind = AdaptationKind.TOGGLE
    events = (BundleFinished, TaskEnded)

    def observe(self, event: BundleFinished | TaskEnded, state: RunState, now: float) -> None:
        if isinstance(event, BundleFinished):
            host_class = state.host(event.host).host_class
            if host_class:
                state.of(_Paths).of(host_class).bundles.add(now, float(event.failed))
        elif event.host_class and event.path in ('agent', 'stock'):
            seen = state.of(_Paths).of(event.host_class)
            if event.path == 'stock':
                seen.ends.add(now, float(isinstance(event, TaskFailed)))
            if isinstance(event, TaskCompleted) and event.duration is not None:
                seen.durations.setdefault((event.task.module, event.path), Window(size=20)).add(now, event.duration)

    def can_handle(self, event: BundleFinished | TaskEnded, state: RunState) -> bool:
        return isinstance(event, (BundleFinished, TaskCompleted))

    def decide(self, event: BundleFinished | TaskCompleted, state: RunState, now: float) -> Decision | None:
        host_class = state.host(event.host).host_class
        seen = state.of(_Paths).of(host_class)
        if not host_class or seen.stock:
            return None
        why = self._trouble(seen) if isinstance(event, BundleFinished) else self._slower(seen, event.task.module)
        if not why:
            return None
        return self.decision(
            host_class, changes={'host_class': host_class, 'path': 'stock'}, rationale=f'{why}; hosts of this class take the stock path',
            impact='more round trips for them', rollback='their tasks go through the agent again')

    @staticmethod
    def _trouble(seen: _OfClass) -> str:
        failed = sum(seen.bundles)
        return f'{failed:.0f} of {len(seen.bundles)} bundles failed' if len(seen.bundles) >= _BUNDLES and failed >= _FAILING * len(seen.bundles) else ''

    @staticmethod
    def _slower(seen: _OfClass, module: str) -> str:
        agent, stock = seen.durations.get((module, 'agent')), seen.durations.get((module, 'stock'))
        if agent is None or stock is None or min(len(agent), len(stock)) < _TASKS or agent.median <= _SLOWER * stock.median:
            return ''
        return f'{module} takes {agent.median:.2f} s through the agent and {stock.median:.2f} s the stock way'

    def accepted(self, decision: Decision, state: RunState, now: float) -> None:
        seen = state.of(_Paths).of(decision.target)
        seen.stock = True
        seen.toggled += 1
        seen.ends.clear()

    def ended(self, decision: Decision, succeeded: bool | None, state: RunState, now: float) -> None:
        if succeeded is None:
            state.of(_Paths).of(decision.target).stock = False

    def verdict(self, decision: Decision, since: float, state: RunState, now: float) -> bool | None:
        ends = state.of(_Paths).of(decision.target).ends
        return sum(ends) < _FAILING * len(ends) if len(ends) >= _BUNDLES else None

    def inverse(self, decision: Decision, state: RunState) -> t.Mapping[str, t.Any]:
        return {**decision.changes, 'path': 'agent'}

    def is_over(self, decision: Decision, since: float, state: RunState, now: float) -> bool:
        return now - since >= state.config.cool_down * 2.0 ** (state.of(_Paths).of(decision.target).toggled - 1)

    def taken_back(self, decision: Decision, state: RunState, now: float) -> None:
        seen = state.of(_Paths).of(decision.changes['host_class'])
        seen.stock = False
        seen.bundles.clear()
        seen.durations.clear()


class _Dropped:
    """Bundles of this run: the part of each that was dropped."""

    def __init__(self) -> None:
        self.shares = Window(size=20)


class OrderingChange(Policy):
    """When more than half of what is sent ahead is dropped again, nothing is sent ahead any more: ordering linear for the rest of the run."""

    name = 'ordering-change'
    priority = 15
    kind = AdaptationKind.STRATEGY
    events = (BundleFinished,)

    def observe(self, event: BundleFinished, state: RunState, now: float) -> None:
        if event.done + event.dropped:
            state.of(_Dropped).shares.add(now, event.dropped / (event.done + event.dropped))

    def decide(self, event: BundleFinished, state: RunState, now: float) -> Decision | None:
        shares = state.of(_Dropped).shares
        if len(shares) < _DROPPED_BUNDLES or sum(shares) <= _FAILING * len(shares):
            return None
        return self.decision(
            '*', changes={'ordering': 'linear'}, rationale=f'{sum(shares) / len(shares):.0%} of what was sent ahead in {len(shares)} bundles was dropped',
            impact='a round trip for each task', rollback='tasks are sent ahead again')

    def accepted(self, decision: Decision, state: RunState, now: float) -> None:
        state.of(_Dropped).shares.clear()

    def inverse(self, decision: Decision, state: RunState) -> t.Mapping[str, t.Any]:
        return {'ordering': 'causal'}
