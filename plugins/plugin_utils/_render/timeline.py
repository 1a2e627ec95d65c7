# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The expected run: which host does what when, by the estimates.

Rule 1: a lane is one host of a class; hosts of a class do the same, and the wait for a fork is not in it. Handlers are not in it either.
Rule 2: without any estimate each task takes one unit, and nothing is called a second; with some, the others take their median, and are marked.
"""
from __future__ import annotations

import statistics
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionBatch, ExecutionPlan, PlayPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import clean
from ansible_collections.rustle.engine.plugins.plugin_utils._render.view import alike, hosts_in_short

__all__ = ['timeline']


def timeline(plan: ExecutionPlan, place: t.Mapping[str, int]) -> dict[str, t.Any]:
    """``tracks``: bars as [node, start, length, whether it is known]; ``lanes``: hosts that go along a track from ``offset`` on.

    ``unit`` is 's' or 'task'. Plays and batches come one after another; ``place``: task -> number of its node.
    """
    every = {task.task_id: task.estimated_duration for task in plan.tasks()}
    known = [estimate.median for estimate in every.values() if estimate is not None]
    usual = statistics.median(known) if known else 1.0
    tracks: list[list[list[t.Any]]] = []
    lanes: list[dict[str, t.Any]] = []
    now = 0.0
    for number, play in enumerate(plan.plays):
        for group in alike(play):
            bars, length = _bars(group.batches[0], place, usual)
            tracks.append(bars)
            for position, batch in enumerate(group.batches, group.first):
                lanes.extend({
                    'play': number, 'batch': position, 'hosts': clean(hosts_in_short(hosts)), 'count': len(hosts), 'stock': stock,
                    'track': len(tracks) - 1, 'offset': round(now, 6),
                } for hosts, stock in _classes(play, batch))
                now += length
    return {'unit': 's' if known else 'task', 'known': len(known), 'of': len(every), 'length': round(now, 6), 'tracks': tracks, 'lanes': lanes}


def _bars(batch: ExecutionBatch, place: t.Mapping[str, int], usual: float) -> tuple[list[list[t.Any]], float]:
    bars: list[list[t.Any]] = []
    now = 0.0
    for task in batch.tasks:
        known = task.estimated_duration
        length = known.median if known is not None else usual
        bars.append([place[task.task_id], round(now, 6), round(length, 6), known is not None])
        now += length
    return bars, now


def _classes(play: PlayPlan, batch: ExecutionBatch) -> t.Iterator[tuple[tuple[str, ...], bool]]:
    """Hosts of the batch by class, with whether all of theirs takes the stock path."""
    here = set(batch.hosts)
    for one in play.host_classes:
        hosts = tuple(host for host in one.hosts if host in here)
        if hosts:
            here.difference_update(hosts)
            yield hosts, one.stock is not None
    if here:
        yield tuple(host for host in batch.hosts if host in here), False
