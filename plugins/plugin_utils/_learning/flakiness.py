# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tasks and hosts that fail now and then: a failure, and then the same thing goes well without anybody's help."""
from __future__ import annotations

import dataclasses
import itertools
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ResultRecord

from .history import GOOD, History

__all__ = ['Flaky', 'flaky_hosts', 'flaky_tasks', 'recoveries']

_BAD: t.Final = frozenset(('failed', 'unreachable'))  # where errors are ignored, a failure may be an answer
ENOUGH: t.Final = 2
"""How often it has to happen: one failure that is gone in the next run may just have been repaired."""


@dataclasses.dataclass(frozen=True, slots=True)
class Flaky:
    """``retried``: failures that went well when tried again in the same run; ``returned``: that went well in the next run; out of ``results``."""

    subject: str
    retried: int
    returned: int
    results: int
    runs: int
    error_classes: tuple[str, ...]  # the most frequent first

    @property
    def failures(self) -> int:
        return self.retried + self.returned

    @property
    def share(self) -> float:
        return self.failures / self.results


def flaky_tasks(history: History) -> tuple[Flaky, ...]:
    """By identity, those first that fail most often."""
    return _flaky(history, lambda one: one.identity, lambda one: one.host)


def flaky_hosts(history: History) -> tuple[Flaky, ...]:
    """Hosts on which at least two different tasks fail now and then, or that are unreachable now and then."""
    tasks: dict[str, set[str]] = {}
    for one in history.once(recoveries):
        tasks.setdefault(one.host, set()).add('unreachable' if one.status == 'unreachable' else one.identity)
    found = _flaky(history, lambda one: one.host, lambda one: one.identity)
    return tuple(one for one in found if len(tasks[one.subject]) > 1 or 'unreachable' in tasks[one.subject])


def recoveries(history: History) -> tuple[ResultRecord, ...]:
    """Failures after which the same task went well on the same host: in the next attempt, or in the next run that came to it."""
    ends: dict[tuple[str, str], list[ResultRecord]] = {}
    for one in history.once(sorted_by_attempt):
        ends.setdefault((one.identity, one.host), []).append(one)
    return tuple(
        one for group in ends.values() for one, then in itertools.pairwise(group) if one.status in _BAD and then.status in GOOD)


def sorted_by_attempt(history: History) -> list[ResultRecord]:
    """Results that did something, by run and attempt."""
    place = {run.execution: at for at, run in enumerate(history.executions)}
    counted = [one for one in history.measured if one.status in GOOD or one.status in _BAD]
    return sorted(counted, key=lambda one: (place[one.execution], one.task_id, one.host, one.occurrence, one.attempt))


def _flaky(history: History, subject: t.Callable[[ResultRecord], str], part: t.Callable[[ResultRecord], str]) -> tuple[Flaky, ...]:
    results: dict[str, int] = {}
    for one in history.measured:
        if one.status in GOOD or one.status in _BAD:
            results[subject(one)] = results.get(subject(one), 0) + 1
    failures: dict[str, list[ResultRecord]] = {}
    for one in history.once(recoveries):
        failures.setdefault(subject(one), []).append(one)
    later = {(one.execution, one.task_id, one.host) for one in history.measured if one.status in GOOD}
    found = []
    for name, bad in failures.items():
        retried = sum((one.execution, one.task_id, one.host) in later for one in bad)
        runs = {one.execution for one in bad}
        # hosts that fail together in one run are one event: a mirror was down, not each of them
        if len({(one.execution, part(one)) for one in bad}) >= ENOUGH and (retried or len(runs) >= ENOUGH):
            classes = [one.error_class for one in bad if one.error_class]
            found.append(Flaky(
                name, retried, len(bad) - retried, results[name], len(runs), tuple(sorted(set(classes), key=lambda one: (-classes.count(one), one)))))
    return tuple(sorted(found, key=lambda one: (-one.failures, one.subject)))
