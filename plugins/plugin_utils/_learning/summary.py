# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is said at the end of a run: at most three lines, and none when there is nothing to say.

Rule 1: one line of what got slower, one of what flaked, one of what to change; each names a task or host, and numbers.
Rule 2: the wording is stable: people search for it, and tests read it.
"""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ReportRecord

from .analysis import findings
from .anomalies import anomalies
from .finding import Finding, plural, seconds
from .flakiness import sorted_by_attempt
from .history import GOOD, History
from .regressions import regressions
from .trends import trends

__all__ = ['lines', 'report']

WORTH_SAYING: t.Final = ('warning', 'critical')


def report(history: History, execution: str, *, time: float, found: t.Sequence[Finding] | None = None) -> ReportRecord:
    return ReportRecord(execution=execution, lines=lines(history, execution, found=found), time=time)


def lines(history: History, execution: str, *, found: t.Sequence[Finding] | None = None) -> tuple[str, ...]:
    """The costliest first. ``found``: what `analysis.findings` has said of the run, where it was asked already."""
    known = history.until(execution).like(execution)
    advice = [one for one in (findings(known, execution) if found is None else found) if one.gain or one.severity in WORTH_SAYING]
    said = [*_slower(known, execution), *_flaked(known, execution)]
    if advice:
        said.append((advice[0].gain or 0.0, _change(advice[0], others=len(advice) - 1)))
    return tuple(line for _cost, line in sorted(said, key=lambda one: -one[0]))


def _slower(history: History, execution: str) -> t.Iterator[tuple[float, str]]:
    """What costs most: a task that gets slower run by run, one that became slower, or one that was slow this time, whatever says most of it."""
    here = {one.identity for one in history.by_run.get(execution, ())}
    seen: dict[str, tuple[float, str]] = {}
    for odd in anomalies(history, execution):
        usual = f'{seconds(odd.usual)} ({plural(odd.count, "result")})'
        text = f'slower: "{history.name(odd.identity)}" took {seconds(odd.duration)} on {odd.host}, usually {usual}'
        seen.setdefault(odd.identity, (odd.extra, text))
    for step in regressions(history, execution):
        text = f'slower: "{history.name(step.identity)}" takes {seconds(step.now)} since a few runs, {seconds(step.before)} before'
        seen[step.identity] = step.extra, text
    for rising in history.once(trends):
        if rising.kind == 'task' and rising.direction == 'degrading' and rising.subject in here:
            text = f'slower: "{history.name(rising.subject)}" went from {seconds(rising.before)} to {seconds(rising.after)} over {plural(rising.runs, "run")}'
            seen[rising.subject] = rising.after - rising.before, text
    if seen:
        cost, text = max(seen.values(), key=lambda one: one[0])
        yield cost, text + (f'; {len(seen) - 1} more' if len(seen) > 1 else '')


def _flaked(history: History, execution: str) -> t.Iterator[tuple[float, str]]:
    """Tasks of this run that failed and went well when tried again."""
    failed: dict[tuple[str, str], list[float]] = {}
    passed: dict[str, dict[str, list[float]]] = {}
    for one in history.once(sorted_by_attempt):
        if one.execution == execution:
            key = one.task_id, one.host
            if one.status in GOOD and key in failed:
                passed.setdefault(one.identity, {})[one.host] = failed.pop(key)
            elif one.status not in GOOD:
                failed.setdefault(key, []).append(one.duration or 0.0)
    if passed:
        identity, hosts = max(passed.items(), key=lambda one: len(one[1]))
        tries = sum(map(len, hosts.values()))
        where = ''.join(hosts) if len(hosts) == 1 else plural(len(hosts), 'host')
        text = f'flaked: "{history.name(identity)}" failed {plural(tries, "time")} on {where} and then went well'
        yield sum(map(sum, hosts.values())), text + (f'; {len(passed) - 1} more' if len(passed) > 1 else '')


def _change(finding: Finding, *, others: int) -> str:
    gain = f', saves {seconds(finding.gain)} a run' if finding.gain else ''
    more = f'; {others} more by rustle-feedback recommend' if others else ''
    return f'change: {finding.title}{gain} ({finding.code}){more}'
