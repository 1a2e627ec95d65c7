# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What history says of the sizes of batches (optimization level 2).

Rule: a size is said, never taken. `serial` decides when handlers run, whom `run_once` means and how many hosts a mistake reaches: another size is another play.
"""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import PlayPlan

__all__ = ['about_sizes']


def about_sizes(plays: t.Iterable[PlayPlan], *, forks: int) -> t.Iterator[str]:
    """A sentence for each play with `serial`. Hosts up to ``forks`` are taken to run side by side, so that a batch of so many takes what one takes now."""
    for play in plays:
        if not play.serial or not play.batches:
            continue
        now, fewest = len(play.batches), -(-len(play.hosts) // forks)
        batch = play.batches[0].estimated_duration
        if batch is None:
            yield f'play {play.name!r}: the sizes of its {now} batches stay, no history says how long a batch takes'
        elif fewest >= now:
            yield f'play {play.name!r}: its {now} batches are as few as {forks} forks allow'
        else:
            yield (f'play {play.name!r}: batches of {min(forks, len(play.hosts))} hosts ({fewest} of them) would take about {fewest * batch.median:.3g} s, '
                   f'its {now} take {now * batch.median:.3g} s (history of {batch.count}); they stay as they are, since another serial is another play')
