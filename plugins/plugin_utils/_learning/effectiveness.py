# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the agent does for a module on a class of hosts, against the stock path; and which of them to take.

Rule 1: the agent is taken until there is evidence against it: it fails more often, or takes longer, by more than chance and enough to matter.
Rule 2: the same tasks are compared. Seconds of the agent are those on the host; what it saves between tasks is not in them, so they favour stock.
Rule 3: the other path is tried now and then only when that is asked for, at most ``limit`` times, and as ``seed`` has it: no dice are thrown here.
"""
from __future__ import annotations

import dataclasses
import hashlib
import statistics
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ResultRecord

from .history import GOOD, History
from .significance import fisher, mann_whitney

__all__ = ['Choice', 'Chooser', 'Effect', 'effects']

Side = t.Literal['agent', 'stock']

ENOUGH: t.Final = 5
SLOWER: t.Final = 1.2
SECONDS: t.Final = 0.05
ALPHA: t.Final = 0.01
KEPT: t.Final = 60
"""How many of the newest results of a side count: what was bad may have become better."""
_BROKEN: t.Final = frozenset(('failed', 'ignored', 'unreachable'))


@dataclasses.dataclass(frozen=True, slots=True)
class Effect:
    """Results and failures of each path; seconds are medians, over tasks that went both ways: None where there are none. ``ratio``: agent to stock.

    ``better``: the path for which there is evidence, None for neither; ``evidence`` in words.
    """

    module: str
    host_class: str
    agent: int = 0
    agent_failed: int = 0
    stock: int = 0
    stock_failed: int = 0
    agent_seconds: float | None = None
    stock_seconds: float | None = None
    ratio: float | None = None
    better: Side | None = None
    evidence: str = ''


def effects(history: History) -> tuple[Effect, ...]:
    """Of each module and class of hosts that both paths have been taken for."""
    groups: dict[tuple[str, str], dict[str, list[ResultRecord]]] = {}
    for one in history.measured:
        if one.path in ('agent', 'stock') and (one.status in GOOD or one.status in _BROKEN):
            groups.setdefault((one.module, one.host_class), {}).setdefault(str(one.path), []).append(one)
    return tuple(
        _effect(module, host_class, sides['agent'][-KEPT:], sides['stock'][-KEPT:])
        for (module, host_class), sides in groups.items() if len(sides) == 2)


def _effect(module: str, host_class: str, agent: list[ResultRecord], stock: list[ResultRecord]) -> Effect:
    failed, failed_stock = (sum(one.status in _BROKEN for one in side) for side in (agent, stock))
    scales = _scales(agent, stock)
    quick, plain = (_relative(side, scales) for side in (agent, stock))
    ratio = statistics.median(quick) / statistics.median(plain) if quick and plain and statistics.median(plain) > 0 else None
    usual = statistics.median(scales.values()) if scales else 0.0
    seconds = [usual * statistics.median(side) if side else None for side in (quick, plain)]
    better: Side | None = None
    evidence = ''
    p_failed = fisher(failed, len(agent), failed_stock, len(stock))
    if p_failed <= ALPHA and min(len(agent), len(stock)) >= ENOUGH:
        better = 'stock' if failed * len(stock) > failed_stock * len(agent) else 'agent'
        evidence = f'{failed} of {len(agent)} failed through the agent, {failed_stock} of {len(stock)} on the stock path'
    elif ratio is not None and min(len(quick), len(plain)) >= ENOUGH and mann_whitney(quick, plain) <= ALPHA:
        if ratio > SLOWER and usual * (ratio - 1) > SECONDS:
            better = 'stock'
        elif ratio < 1 / SLOWER:
            better = 'agent'
        if better is not None:
            evidence = f'{seconds[0]:.2f} s through the agent, {seconds[1]:.2f} s on the stock path (medians of {len(quick)} and {len(plain)} results)'
    return Effect(module, host_class, len(agent), failed, len(stock), failed_stock, seconds[0], seconds[1], ratio, better, evidence)


def _scales(agent: list[ResultRecord], stock: list[ResultRecord]) -> dict[tuple[str, str], float]:
    """(Task, outcome) -> the median of what it takes by stock, of those that went both ways."""
    both: list[dict[tuple[str, str], list[float]]] = [{}, {}]
    for side, results in zip(both, (agent, stock), strict=True):
        for one in results:
            if one.status in GOOD and one.duration is not None:
                side.setdefault((one.identity, one.status), []).append(one.duration)
    return {key: scale for key, values in both[1].items() if key in both[0] and (scale := statistics.median(values)) > 0}


def _relative(results: list[ResultRecord], scales: dict[tuple[str, str], float]) -> list[float]:
    return [
        one.duration / scales[one.identity, one.status] for one in results
        if one.duration is not None and (one.identity, one.status) in scales]


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """A path and why. ``explored``: it is not the better one as far as is known, and is taken to learn more."""

    path: Side
    evidence: str = ''
    explored: bool = False


class Chooser:
    """``exploration``: the share of (module, class of hosts) for which the other path is taken, 0 to 1; another ``seed`` has others."""

    def __init__(self, history: History, *, exploration: float = 0.0, seed: str = '', limit: int = 3) -> None:
        self._effects = {(one.module, one.host_class): one for one in effects(history)}
        self._exploration, self._seed, self._left = exploration, seed, limit
        self._chosen: dict[tuple[str, str], Choice] = {}

    def choose(self, module: str, host_class: str) -> Choice:
        """The same answer whenever it is asked again."""
        key = module, host_class
        if key not in self._chosen:
            self._chosen[key] = self._choice(module, host_class)
        return self._chosen[key]

    def _choice(self, module: str, host_class: str) -> Choice:
        known = self._effects.get((module, host_class))
        path: Side = known.better if known is not None and known.better is not None else 'agent'
        evidence = known.evidence if known is not None and known.better is not None else ''
        if self._left > 0 and self._draw(module, host_class) < self._exploration:
            self._left -= 1
            return Choice('stock' if path == 'agent' else 'agent', evidence, explored=True)
        return Choice(path, evidence)

    def _draw(self, *words: str) -> float:
        """0 to 1, the same for the same words."""
        return int.from_bytes(hashlib.sha256('\0'.join((self._seed, *words)).encode()).digest()[:6]) / 2**48
