# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far a run is, as the history knows it: what another terminal can say of a run that goes on.

Rule 1: what is still to come is what the last run of the same playbook had; without one, what the plays have said that have begun.
Rule 2: seconds to the end are a range or nothing.
"""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import ExecutionStatus
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import Paint, clean, cut, wrapped
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_text import MEANINGS
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_view import Run
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style
from ansible_collections.rustle.engine.plugins.plugin_utils._render.words import count, hosts_in_short, percent, seconds

__all__ = ['Active', 'Coming', 'Progress', 'coming', 'progress', 'text']


@dataclasses.dataclass(frozen=True)
class Active:
    """A task that runs: on which hosts, and for how many seconds on the one that has been at it longest."""

    task: str
    hosts: tuple[str, ...]
    seconds: float


@dataclasses.dataclass(frozen=True)
class Progress:
    """``done`` and ``total`` count a task once for each of its hosts. ``throughput``: of them a second. ``low`` to ``high``: seconds to the end."""

    status: ExecutionStatus
    elapsed: float
    done: int
    total: int | None
    failed: int
    active: tuple[Active, ...]
    throughput: float | None
    low: float | None = None
    high: float | None = None

    @property
    def share(self) -> float | None:
        return min(self.done / self.total, 1.0) if self.total else None


@dataclasses.dataclass(frozen=True, slots=True)
class Coming:
    """A task that a host has still before it."""

    host: str
    identity: str
    module: str
    order: int


def coming(run: Run, like: Run | None) -> tuple[Coming, ...]:
    """What the last run had that this one has not come to, host by host; a host that was not in it gets what the others had."""
    if like is None:
        return ()
    begun = {(one.host, one.identity) for one in run.last}
    had: dict[str, list[Coming]] = {}
    anyone: dict[str, Coming] = {}
    for line in like.task_lines:
        for one in line.results:
            made = Coming(one.host, one.identity, one.module, line.place)
            had.setdefault(one.host, []).append(made)
            anyone.setdefault(one.identity, made)
    hosts = {one.host for one in run.last} or set(had)
    return tuple(
        dataclasses.replace(one, host=host) for host in sorted(hosts) for one in had.get(host, anyone.values()) if (host, one.identity) not in begun)


def progress(run: Run, left: t.Sequence[Coming] | None, *, now: float, low: float | None = None, high: float | None = None) -> Progress:
    """``left``: None where there was no run like this one."""
    going = run.execution.status == 'running'
    end = now if going else run.execution.ended if run.execution.ended is not None else run.execution.seen
    elapsed = max((now if end is None else end) - run.execution.started, 0.0)
    ended = [one for one in run.last if one.status != 'running']
    running = [one for one in run.last if one.status == 'running'] if going else []
    planned = run.execution.planned_tasks
    total = len(ended) if not going else len(run.last) + len(left) if left is not None else None if planned is None else max(planned, len(run.last))
    active: dict[str, list[tuple[str, float]]] = {}
    for one in running:
        active.setdefault(one.task_id, []).append((one.host, max(now - one.began, 0.0) if one.began is not None else 0.0))
    return Progress(
        status=run.execution.status, elapsed=elapsed, done=len(ended), total=total, failed=sum(one.status in ('failed', 'unreachable') for one in ended),
        active=tuple(
            Active(run.names.get(key, key), tuple(host for host, _since in hosts), max(since for _host, since in hosts)) for key, hosts in active.items()),
        throughput=len(ended) / elapsed if elapsed > 0 else None, low=low if going else None, high=high if going else None)


def text(name: str, one: Progress, style: Style) -> str:
    """A line for the whole, and for each task that runs."""
    paint = Paint(style.colour)
    far = percent(one.share) if one.share is not None and one.status == 'running' else ''
    of = f' of {one.total:,}' if one.total is not None and one.status == 'running' else ''
    head = f'{name}: {one.status}{f", {far}" if far else ""}'
    facts = [f'{one.done:,}{of} {"result" if one.done == 1 and not of else "results"}', seconds(one.elapsed)]
    if one.status == 'running':
        facts.append(f'{seconds(one.low)} to {seconds(one.high)} left' if one.low is not None and one.high is not None else 'no history yet')
    if one.throughput is not None:
        facts.append(f'{one.throughput:.1f} a second')
    if one.failed:
        facts.append(f'{count(one.failed, "failure")} ({percent(one.failed / max(one.done, 1))})')
    lines = [paint(MEANINGS.get(one.status, 'title'), cut(clean(head), style.cells)), *wrapped(' · '.join(facts), style.cells)]
    for active in sorted(one.active, key=lambda active: -active.seconds):
        lines.append(cut(clean(f'  {active.task} on {hosts_in_short(active.hosts)} for {seconds(active.seconds)}'), style.cells))
    return '\n'.join(lines) + '\n'
