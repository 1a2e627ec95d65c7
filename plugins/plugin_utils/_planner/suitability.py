# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a binary deployment pays for a play on a class of hosts.

Rule 1: options overrule (force_binary, force_ssh), a refusal of the connection stands above them.
Rule 2: with a known latency, told or measured in earlier runs, the cost model decides, without one the threshold does. Code is sent once and kept,
so it is not held against a play.
Rule 3: seconds are those of the play, as somebody who waits for it sees them, without what both ways have in common. They are linear in the costs
but for ``crowd``, so that they can be fitted to what was measured (tests/bench/fit.py).
"""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import BinarySuitabilityAnalysis, PlanningOptions
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import HostClass

__all__ = ['COSTS', 'Costs', 'Work', 'agent_seconds', 'analyse', 'code_seconds', 'stock_seconds']


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """Seconds, round trips and bytes of the two ways: measured, as docs/planning.md says, but for ``bytes_per_second``."""

    stock_call: float = 0.32  # a worker's fork, the module's payload, a Python on the host
    stock_bytes: int = 125_000
    agent_start: float = 0.11
    agent_trips: int = 3  # without those of the login, which both ways have, of bundles and of code
    agent_call: float = 0.007
    code_start: float = 0.10  # more where the code is not there yet
    code_bytes: int = 150_000
    crowd: float = 0.45  # what each further host adds to all of these seconds: they share the controller
    bytes_per_second: float = 2_000_000.0


COSTS: t.Final = Costs()


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What may go through agents of what a play asks of a host: module ``calls`` (items of loops apart), in ``bundles``, of ``agents``.

    ``stock_trips``: the round trips of the same calls on the stock path. ``hosts`` do it at the same time.
    """

    calls: int
    stock_trips: int
    bundles: int = 1
    agents: int = 1
    hosts: int = 1


def stock_seconds(work: Work, *, latency: float, costs: Costs = COSTS) -> float:
    return work.calls * (costs.stock_call * _crowded(work, costs) + costs.stock_bytes / costs.bytes_per_second) + work.stock_trips * latency


def agent_seconds(work: Work, *, latency: float, costs: Costs = COSTS) -> float:
    """Where the hosts hold the code."""
    return (work.agents * costs.agent_start + work.calls * costs.agent_call) * _crowded(work, costs) + _agent_trips(work, costs) * latency


def code_seconds(work: Work, *, latency: float, costs: Costs = COSTS) -> float:
    """What is added where they do not."""
    return costs.code_start * _crowded(work, costs) + latency + costs.code_bytes / costs.bytes_per_second


def _agent_trips(work: Work, costs: Costs) -> int:
    return work.agents * costs.agent_trips + work.bundles


def _crowded(work: Work, costs: Costs) -> float:
    return 1 + costs.crowd * (work.hosts - 1)


def analyse(
    host_class: HostClass, *, tasks: int, eligible: int, work: Work, options: PlanningOptions, latency: float | None = None, costs: Costs = COSTS,
) -> BinarySuitabilityAnalysis:
    """``tasks`` ask something of the host; ``eligible`` of them may go through agents, and are the ``work``.

    ``latency``: seconds of a round trip as history has it; that of the options goes before it.
    """
    saved_trips = max(0, work.stock_trips - _agent_trips(work, costs))

    def answer(suitable: bool, bound_by: t.Literal['threshold', 'cost', 'forced', 'refused'], explanation: str, saved: float | None = None,
               cost: float | None = None) -> BinarySuitabilityAnalysis:
        return BinarySuitabilityAnalysis(
            class_id=host_class.class_id, suitable=suitable, tasks=tasks, eligible=eligible, bound_by=bound_by, explanation=explanation,
            calls=work.calls, bundles=work.bundles, agents=work.agents, stock_round_trips=work.stock_trips,
            round_trips_saved=saved_trips if suitable else 0, saved_seconds=saved, cost_seconds=cost)

    if host_class.stock is not None:
        return answer(False, 'refused', f'{host_class.stock.text} ({host_class.stock_detail or host_class.connection})')
    if options.force_ssh or options.optimization_level == 0:
        return answer(False, 'forced', 'the options ask for the stock path')
    if not eligible:
        return answer(False, 'refused', 'no task of the play can go through the agent')
    if options.force_binary:
        return answer(True, 'forced', 'the options ask for binary deployments')
    told = options.latency is not None
    latency = options.latency if told else latency
    if latency is None:
        enough = eligible >= options.binary_threshold
        compared = 'at least' if enough else 'fewer than'
        return answer(enough, 'threshold', f'{eligible} eligible tasks are {compared} the threshold of {options.binary_threshold}')
    saved, cost, code = (seconds(work, latency=latency, costs=costs) for seconds in (stock_seconds, agent_seconds, code_seconds))
    compared = f'{saved:.2f} s on the stock path against {cost:.2f} s, and {code:.2f} s once where the code is not there yet'
    if not told:
        compared += f'; a round trip takes {latency * 1000:.0f} ms in earlier runs'
    return answer(saved > cost, 'cost', compared, saved, cost)
