# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a binary deployment pays for a play on a class of hosts.

Rule 1: options overrule (force_binary, force_ssh), a refusal of the connection stands above them.
Rule 2: with a known latency the cost model decides, without one the threshold does.
Rule 3: seconds are those of one host, as somebody who waits for it sees them.
"""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import BinarySuitabilityAnalysis, PlanningOptions
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import HostClass

__all__ = ['COSTS', 'Costs', 'analyse']


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """Seconds and round trips of the two ways, measured on small machines (docs/planning.md); history replaces them where there is some."""

    agent_start: float = 0.15  # the agent's Python on the target, and the payload unpacked
    agent_trips: int = 4  # connection multiplexed, bootstrap, payload, hello
    agent_task: float = 0.012
    stock_task: float = 0.12  # a worker's fork, the module's payload, a Python on the target
    stock_trips: int = 7
    bytes_per_second: float = 2_000_000.0
    first_bytes: int = 180_000


COSTS: t.Final = Costs()


def analyse(
    host_class: HostClass, *, tasks: int, eligible: int, bundles: int, options: PlanningOptions, cached: bool = False, costs: Costs = COSTS,
) -> BinarySuitabilityAnalysis:
    """``tasks`` ask something of the host, ``eligible`` of them may go through the agent, in ``bundles`` pieces.

    ``cached``: the target is known to hold the code already.
    """
    saved_trips = max(0, eligible * costs.stock_trips - bundles - costs.agent_trips)

    def answer(suitable: bool, bound_by: t.Literal['threshold', 'cost', 'forced', 'refused'], explanation: str, saved: float | None = None,
               cost: float | None = None) -> BinarySuitabilityAnalysis:
        return BinarySuitabilityAnalysis(
            class_id=host_class.class_id, suitable=suitable, tasks=tasks, eligible=eligible, bound_by=bound_by, explanation=explanation,
            round_trips_saved=saved_trips if suitable else 0, saved_seconds=saved, cost_seconds=cost)

    if host_class.stock is not None:
        return answer(False, 'refused', f'{host_class.stock.text} ({host_class.stock_detail or host_class.connection})')
    if options.force_ssh or options.optimization_level == 0:
        return answer(False, 'forced', 'the options ask for the stock path')
    if not eligible:
        return answer(False, 'refused', 'no task of the play can go through the agent')
    if options.force_binary:
        return answer(True, 'forced', 'the options ask for binary deployments')
    if options.latency is None:
        enough = eligible >= options.binary_threshold
        compared = 'at least' if enough else 'fewer than'
        return answer(enough, 'threshold', f'{eligible} eligible tasks are {compared} the threshold of {options.binary_threshold}')
    saved = eligible * (costs.stock_trips * options.latency + costs.stock_task)
    cost = costs.agent_start + (costs.agent_trips + bundles) * options.latency + eligible * costs.agent_task
    cost += 0.0 if cached else costs.first_bytes / costs.bytes_per_second
    return answer(saved > cost, 'cost', f'{saved:.2f} s on the stock path against {cost:.2f} s', saved, cost)
