# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far a run is, for another terminal: the picture that ExecutionTracker makes of its records, as data and as lines.

Rule: nothing is worked out here; tasks that run on several hosts are put together, and that is all.
"""
from __future__ import annotations

import dataclasses

from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import ExecutionStatus
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import Paint, clean, cut, wrapped
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_text import MEANINGS
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style
from ansible_collections.rustle.engine.plugins.plugin_utils._render.words import count, hosts_in_short, percent, seconds
from ansible_collections.rustle.engine.plugins.plugin_utils._tracking import tracker

__all__ = ['Active', 'Progress', 'shown', 'text']


@dataclasses.dataclass(frozen=True)
class Active:
    """A task that runs: on which hosts, and for how many seconds on the one that has been at it longest."""

    task: str
    hosts: tuple[str, ...]
    seconds: float


@dataclasses.dataclass(frozen=True)
class Progress:
    """The tracker's Progress for readers of JSON. ``throughput``: its ``rate``; ``low`` to ``high``: its ``left``, seconds."""

    status: ExecutionStatus
    share: float | None
    play: str
    batch: int
    elapsed: float
    done: int
    total: int | None
    ok: int
    changed: int
    failed: int
    ignored: int
    skipped: int
    unreachable: int
    hosts: int
    hosts_failed: int
    hosts_away: tuple[str, ...]
    slowest: str
    active: tuple[Active, ...]
    throughput: float
    errors: float
    bundles: int
    round_trips: int | None
    low: float | None = None
    high: float | None = None


def shown(one: tracker.Progress, *, now: float) -> Progress:
    """``now``: by the tracker's clock."""
    active: dict[str, list[tracker.Active]] = {}
    for running in one.active:
        active.setdefault(running.task.task_id, []).append(running)
    low, high = one.left if one.left is not None else (None, None)
    same = {name: getattr(one, name) for name in _SAME}
    return Progress(
        **same, throughput=one.rate, low=low, high=high, active=tuple(
            Active(some[0].task.name, tuple(sorted(each.host for each in some)), max(max(now - each.since, 0.0) for each in some))
            for some in active.values()))


_SAME = {field.name for field in dataclasses.fields(Progress)} & {field.name for field in dataclasses.fields(tracker.Progress)} - {'active'}


def text(name: str, one: Progress, style: Style) -> str:
    """A line for the whole, one for its numbers, and one for each task that runs."""
    paint = Paint(style.colour)
    going = one.status == 'running'
    far = f', {percent(one.share)}' if one.share is not None and going else ''
    batch = f', batch {one.batch}' if one.batch > 1 else ''
    play = f', play {one.play}{batch}' if one.play and going else ''
    of = f' of {one.total:,}' if one.total is not None and going else ''
    facts = [f'{one.done:,}{of} {"result" if one.done == 1 and not of else "results"}', seconds(one.elapsed)]
    if going:
        facts.append(f'{seconds(one.low)} to {seconds(one.high)} left' if one.low is not None and one.high is not None else 'no history yet')
        facts.append(f'{one.throughput:.1f} a second')
    if one.errors:
        facts.append(f'{count(one.failed + one.unreachable, "failure")} ({percent(one.errors)})')
    bad = [f'{number} {word}' for number, word in ((one.hosts_failed, 'failed'), (len(one.hosts_away), 'away')) if number]
    facts.append(count(one.hosts, 'host') + (f' ({", ".join(bad)})' if bad else ''))
    if one.round_trips is not None:
        facts.append(count(one.round_trips, 'round trip'))
    head = f'{name}: {one.status}{far}{play}'
    lines = [paint(MEANINGS.get(one.status, 'title'), cut(clean(head), style.cells)), *wrapped(' · '.join(facts), style.cells)]
    for active in sorted(one.active, key=lambda active: -active.seconds):
        lines.append(cut(clean(f'  {active.task} on {hosts_in_short(active.hosts)} for {seconds(active.seconds)}'), style.cells))
    return '\n'.join(lines) + '\n'
