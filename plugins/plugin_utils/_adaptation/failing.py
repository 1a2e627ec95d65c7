# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policies about a task that has failed and is held back: again, elsewhere, anew, or left out. The first that applies, by priority."""
from __future__ import annotations

import hashlib

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policy import Policy, is_safe_to_repeat, repeats_left
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.state import RunState
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Decision
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, TaskFailed

__all__ = ['Reallocation', 'Replan', 'RunOnceFailover', 'TaskSkipping', 'TransientRetry', 'backoff']

RUN_ONCE = 'run-once'


def backoff(event: TaskFailed, state: RunState) -> float:
    """Seconds until the next try: doubled each time, at most ``backoff_cap``, its second half by chance.

    The chance is a hash of execution, task, host and attempt: hosts that failed together do not come back together, and a replay is equal.
    """
    whole = min(state.config.backoff_cap, state.patience(event.error_class) * 2.0 ** (event.attempt - 1))
    seed = '\0'.join((state.execution, event.task.task_id, event.host, str(event.attempt)))
    share = int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=4).digest(), 'big') / 2**32
    return whole * (1 + share) / 2


class _Failing(Policy):
    """About failures that the engine is asked about."""

    events = (TaskFailed,)

    def can_handle(self, event: TaskFailed, state: RunState) -> bool:
        return state.asks(event)

    def cause(self, decision: Decision, event: Event | None) -> str:
        return event.task.identity if isinstance(event, TaskFailed) else decision.target


class TransientRetry(_Failing):
    """A failure that may go away by itself is tried again, ``max_tries`` times in all, where a second run does no harm."""

    name = 'transient-retry'
    priority = 80
    kind = AdaptationKind.RETRY

    def can_handle(self, event: TaskFailed, state: RunState) -> bool:
        # of a task that wants advice only, nobody has said yet that its host is away
        return state.asks(event) and state.host(event.host).answers and not (event.advise and event.unreachable)

    def decide(self, event: TaskFailed, state: RunState, now: float) -> Decision | None:
        if not repeats_left(event, state):
            return None
        after = backoff(event, state)
        last = state.config.max_tries
        return self.decision(
            event.host, changes={'after': after}, rationale=f'{state.text(event.error_class)}; try {event.attempt + 1} of {last} in {after:.1f} s',
            impact=f'{after:.1f} s and the task once more on this host')

    def cause(self, decision: Decision, event: Event | None) -> str:
        return event.error_class if isinstance(event, TaskFailed) else ''


def _substitute(event: TaskFailed, state: RunState) -> str:
    """The host of those declared interchangeable that is up, has not failed, and has been the fastest; empty for none."""
    able = [name for name in event.interchangeable if name != event.host and state.host(name).answers and not state.host(name).failure]
    return min(able, key=lambda name: state.host(name).slowness, default='')


class _Elsewhere(_Failing):
    """Another host that the play declares interchangeable takes the task, when this one cannot do it for now."""

    run_once = False

    def decide(self, event: TaskFailed, state: RunState, now: float) -> Decision | None:
        if (RUN_ONCE in event.task.traits) is not self.run_once or not state.is_transient(event) or not is_safe_to_repeat(event):
            return None
        here = state.host(event.host)
        if repeats_left(event, state) if here.answers else state.wait_left(here, now):
            return None
        host = _substitute(event, state)
        if not host:
            return None
        tries = f'after {event.attempt} tries' if here.answers else 'and it is away'
        return self.decision(
            event.host, changes={'host': host}, rationale=f'{state.text(event.error_class)}, {tries}; {host} is declared interchangeable',
            impact='the task runs on another host')


class RunOnceFailover(_Elsewhere):
    """A task with run_once whose host cannot do it runs on another one."""

    name = 'run-once-failover'
    priority = 70
    kind = AdaptationKind.FAILOVER
    run_once = True


class Reallocation(_Elsewhere):
    name = 'reallocation'
    priority = 65
    kind = AdaptationKind.REALLOCATE


class Replan(_Failing):
    """A task that provably did not start, however often it was sent, is prepared anew: what was prepared may be the reason."""

    name = 'replan'
    priority = 60
    kind = AdaptationKind.REPLAN

    def decide(self, event: TaskFailed, state: RunState, now: float) -> Decision | None:
        if event.started is not False or event.attempt > state.config.max_tries or repeats_left(event, state):
            return None
        if not state.is_transient(event) or not is_safe_to_repeat(event):
            return None
        return self.decision(
            event.host, rationale=f'not started in {event.attempt} tries ({state.text(event.error_class)}): what was prepared is looked at anew',
            impact='what was sent ahead for this host is dropped')


class TaskSkipping(_Failing):
    """A task that the play lets be left out is left out when it fails for good."""

    name = 'task-skipping'
    priority = 50
    kind = AdaptationKind.SKIP

    def decide(self, event: TaskFailed, state: RunState, now: float) -> Decision | None:
        if not event.skippable or event.declared or event.unreachable or repeats_left(event, state):
            return None
        return self.decision(
            event.host, rationale=f'{state.text(event.error_class)}; the play says that the task may be left out', impact='the host goes on without it')
