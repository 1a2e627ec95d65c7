# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Counts of one play: what went through agents, what the stock way, and why bundles ended."""
from __future__ import annotations

import collections
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason

__all__ = ['Tally']


class Tally:
    def __init__(self) -> None:
        self.bundles = 0
        self.tasks = 0
        self.calls = 0
        self.ahead = 0
        self.round_trips: collections.Counter[str] = collections.Counter()
        self.cuts: collections.Counter[Reason] = collections.Counter()
        self.stock: collections.Counter[Reason] = collections.Counter()

    def line(self) -> str:
        """One line for people, e.g. ``bundles 12, tasks 482, round trips 37, cut by register 9, stock path: async 1``."""
        trips = max(self.round_trips.values(), default=0)
        parts = [f'bundles {self.bundles}', f'tasks {self.tasks}', f'ahead {self.ahead}', f'module calls {self.calls}', f'round trips {trips} a host']
        parts += [f'cut by {reason.value} {count}' for reason, count in self.cuts.most_common() if reason is not Reason.END]
        if self.stock:
            parts.append('stock path: ' + ', '.join(f'{reason.value} {count}' for reason, count in self.stock.most_common()))
        return ', '.join(parts)

    def as_dict(self) -> dict[str, t.Any]:
        return {'bundles': self.bundles, 'tasks': self.tasks, 'ahead': self.ahead, 'calls': self.calls,
                'round_trips': dict(self.round_trips),
                'cuts': {reason.value: count for reason, count in self.cuts.items()},
                'stock': {reason.value: count for reason, count in self.stock.items()}}
