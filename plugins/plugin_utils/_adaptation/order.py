# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policies about which hosts begin: with more hosts than lanes, those that take longest go first, or they end last and alone.

(Longest processing time first: Graham, Bounds on Multiprocessing Timing Anomalies, 1969: at most 4/3 of the best possible.)
"""
from __future__ import annotations

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policy import Policy
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.state import RunState
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Decision
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, PlayStarted

__all__ = ['LongestFirst', 'SlowHostsFirst']

_SLOW = 1.5  # times the mean of all hosts
_MEASURED = 3  # tasks


class _Order:
    """The order that was last asked for."""

    def __init__(self) -> None:
        self.hosts: tuple[str, ...] = ()


class _Reorders(Policy):
    kind = AdaptationKind.REORDER

    def cause(self, decision: Decision, event: Event | None) -> str:
        return ''

    def accepted(self, decision: Decision, state: RunState, now: float) -> None:
        state.of(_Order).hosts = decision.changes['hosts']

    def order(self, hosts: tuple[str, ...], state: RunState, why: str) -> Decision | None:
        """None where it is the order already, or where all hosts begin at once."""
        if not state.forks or len(hosts) <= state.forks or hosts in (state.hosts, state.of(_Order).hosts):
            return None
        return self.decision(
            '*', changes={'hosts': hosts}, rationale=f'{why}; {len(hosts)} hosts share {state.forks} lanes', impact='the order of hosts inside a task')


class LongestFirst(_Reorders):
    """At the start of a play: by how long each host has taken in earlier runs, where that is known of all."""

    name = 'longest-first'
    priority = 10
    events = (PlayStarted,)

    def decide(self, event: PlayStarted, state: RunState, now: float) -> Decision | None:
        expected = state.config.expected
        if not event.hosts or any(host not in expected for host in event.hosts):
            return None
        hosts = tuple(sorted(event.hosts, key=lambda host: -expected[host]))
        return self.order(hosts, state, f'{hosts[0]} has usually taken longest, {expected[hosts[0]]:.0f} s')


class SlowHostsFirst(_Reorders):
    """While a play runs: hosts that have shown to be slow in this run go first."""

    name = 'slow-hosts-first'
    priority = 12
    events = ()

    def tick(self, state: RunState, now: float) -> Decision | None:
        known = {name: state.host(name) for name in state.hosts}
        slow = sorted((name for name, host in known.items() if host.measured >= _MEASURED and host.slowness >= _SLOW), key=lambda name: -known[name].slowness)
        if not slow:
            return None
        before = state.of(_Order).hosts
        rest = before if set(before) == set(state.hosts) else state.hosts
        if set(rest[: len(slow)]) == set(slow):
            return None
        hosts = (*slow, *(name for name in rest if name not in slow))
        return self.order(hosts, state, f'{slow[0]} takes {known[slow[0]].slowness:.1f} times as long as the others')
