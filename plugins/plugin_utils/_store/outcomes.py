# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How often each policy has helped, out of the adaptations of all runs that are kept.

Forgetting it leaves the adaptations as they are, since reports of runs show them: a metric that is of no run says from when on they count.
"""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import MetricRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._store.protocol import FeedbackStore

__all__ = ['forget_outcomes', 'learned_outcomes']

_FORGOTTEN: t.Final = 'adaptation-outcomes-forgotten'


def learned_outcomes(store: FeedbackStore) -> dict[tuple[str, str, str], tuple[int, int]]:
    """(policy, class of error, class of host) -> (successes, trials), as the adaptation engine takes them."""
    begin = max((one.value for one in store.metrics(execution='', name=_FORGOTTEN)), default=None)
    found: dict[tuple[str, str, str], tuple[int, int]] = {}
    for one in store.adaptations(since=begin):
        if one.succeeded is not None:
            successes, trials = found.get((one.policy, one.error_class, one.host_class), (0, 0))
            found[one.policy, one.error_class, one.host_class] = successes + one.succeeded, trials + 1
    return found


def forget_outcomes(store: FeedbackStore, *, now: float) -> None:
    """Adaptations before ``now`` count no longer."""
    store.put([MetricRecord(execution='', name=_FORGOTTEN, value=now, unit='s', time=now)])
