# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policies about hosts that are away, and about many that have failed."""
from __future__ import annotations

import collections

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policy import Policy, is_safe_to_repeat, repeats_left
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.state import RunState
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Decision
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, HostUnavailable, TaskFailed

__all__ = ['HostWait', 'MassFailureHalt']

_FEWEST = 2  # failed hosts that are many: one is no pattern


class HostWait(Policy):
    """A host that went away is waited for, ``wait_limit`` seconds for all its absences and ``max_tries`` times; then it is reported unreachable."""

    name = 'host-wait'
    priority = 90
    kind = AdaptationKind.WAIT
    events = (HostUnavailable, TaskFailed)

    def can_handle(self, event: HostUnavailable | TaskFailed, state: RunState) -> bool:
        if isinstance(event, HostUnavailable):
            return not event.final and not event.declared
        return event.unreachable and state.asks(event) and (event.advise or not state.host(event.host).answers)

    def decide(self, event: HostUnavailable | TaskFailed, state: RunState, now: float) -> Decision | None:
        if isinstance(event, TaskFailed) and not (is_safe_to_repeat(event) and state.is_transient(event)):
            return None
        if isinstance(event, HostUnavailable) and not state.is_passing(event):
            return None
        host = state.host(event.host)
        left = state.wait_left(host, now)
        if not left:
            often = host.absences > state.config.max_tries
            why = f'it comes and goes: away {host.absences} times in this run' if often else 'it has been waited for as long as it may be'
            return self.decision(event.host, kind=AdaptationKind.REPORT, rationale=why, impact='it is reported unreachable')
        return self.decision(
            event.host, changes={'until': now + left, 'every': state.config.wait_every},
            rationale=f'the host is away; it is waited for, {left:.0f} s at most', impact='its result is held back; other hosts go on as far as they may')

    def cause(self, decision: Decision, event: Event | None) -> str:
        return ''


class MassFailureHalt(Policy):
    """When a part of the play's hosts has failed for good, the run is halted before the rest does. Only with a threshold."""

    name = 'mass-failure-halt'
    priority = 100
    kind = AdaptationKind.HALT
    events = (TaskFailed,)

    def can_handle(self, event: TaskFailed, state: RunState) -> bool:
        return state.config.halt_threshold is not None and not event.ignored and not event.declared

    def decide(self, event: TaskFailed, state: RunState, now: float) -> Decision | None:
        failed = state.failed_hosts()
        if event.host in state.hosts and (event.final or not repeats_left(event, state)):
            failed[event.host] = event.error_class
        threshold = state.config.halt_threshold
        if threshold is None or len(failed) < _FEWEST or len(failed) < threshold * len(state.hosts):
            return None
        code, count = collections.Counter(failed.values()).most_common(1)[0]
        options = f'mend the cause and run again with --limit {",".join(sorted(failed)[:5])}{",..." if len(failed) > 5 else ""}'
        if event.task.name:
            options += f', or from here with --start-at-task {event.task.name!r}'
        return self.decision(
            '*', rationale=f'{len(failed)} of {len(state.hosts)} hosts have failed, {count} of them: {state.text(code)}. {options}',
            impact=f'{len(state.hosts) - len(failed)} hosts are left as they are')
