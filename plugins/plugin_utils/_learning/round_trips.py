# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far away hosts are, by what bundles took beyond the work of their tasks."""
from __future__ import annotations

import statistics
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import BundleRecord

__all__ = ['MEASURED_TRIPS', 'round_trips']

MEASURED_TRIPS: t.Final = 3
"""How many bundles must have gone there and back until their median is a round trip."""


def round_trips(bundles: t.Iterable[BundleRecord]) -> dict[str, float]:
    """Host -> seconds there and back over ssh. The first bundle of a run waits for its agent and does not count."""
    found: dict[str, list[float]] = {}
    begun: set[tuple[str, str]] = set()
    for one in sorted(bundles, key=lambda one: (one.execution, one.bundle)):
        first = (one.execution, one.host) not in begun
        begun.add((one.execution, one.host))
        if first or one.joined or one.failed or one.dropped or one.seconds is None or one.work is None or one.host_class.split('/')[0] != 'ssh':
            continue
        found.setdefault(one.host, []).append(max(one.seconds - one.work, 0.0))
    return {host: statistics.median(every) for host, every in found.items() if len(every) >= MEASURED_TRIPS}
