# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which readings of a resource are worth telling the engine of. Time arrives in the call.

Rule 1: below FIRST of its limit a resource is nobody's concern; it is told once more when it has come back below.
Rule 2: above, a reading is told when it has moved, and else now and then, so that pressure that lasts is not taken for gone.
Rule 3: a disk that is no fuller than when it was first seen is not told: it is nothing that the run does, and less at once would not empty it.
"""
from __future__ import annotations

import dataclasses
import statistics
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.windows import Window

__all__ = ['FIRST', 'Connects', 'Gauges', 'Latency', 'Reading', 'of_host']

FIRST: t.Final = 0.7  # of the limit
_MOVED = 0.02
_LOAD_LIMIT = 8.0  # runnable processes a CPU
_SPAN = 30.0  # seconds that count for errors of connecting and for latency
_ERRORS = 5  # of connecting, in the span, that are too many however many agents were started
_SHARE = 0.25  # of the agents started
_SAMPLES = 20  # bundles before latency has a usual value
_RECENT = 5  # bundles in the span before they say something
_TIMES = 4.0  # the usual latency
_FLOOR = 0.25  # seconds of latency that are never too much


class Reading(t.NamedTuple):
    """``host`` and the rest as ResourceConstraint has them."""

    host: str
    resource: str
    used: float
    limit: float


@dataclasses.dataclass(slots=True)
class _Told:
    part: float
    time: float


class Gauges:
    """The rules for all resources of all hosts. ``repeat``: seconds after which an unmoved reading is told again."""

    def __init__(self, *, repeat: float) -> None:
        self._repeat = repeat
        self._at_first: dict[tuple[str, str], float] = {}  # of disks
        self._told: dict[tuple[str, str], _Told] = {}  # those that were above FIRST when last told

    def tells(self, reading: Reading, now: float) -> bool:
        """Whether this reading is to be told."""
        if reading.limit <= 0:
            return False
        key, part = (reading.host, reading.resource), reading.used / reading.limit
        if reading.resource == 'disk' and part - self._at_first.setdefault(key, part) < _MOVED:
            return False
        before = self._told.get(key)
        if part < FIRST:
            return self._told.pop(key, None) is not None
        if before is not None and abs(part - before.part) < _MOVED and now - before.time < self._repeat:
            return False
        self._told[key] = _Told(part, now)
        return True


def of_host(host: str, health: t.Mapping[str, float]) -> list[Reading]:
    """What an agent's account of its host says; of two disks the fuller one."""
    readings = []
    if health.get('memory_size') and health.get('memory_free') is not None:
        readings.append(Reading(host, 'memory', health['memory_size'] - health['memory_free'], health['memory_size']))
    disks = [Reading(host, 'disk', health[f'{name}_size'] - health[f'{name}_free'], health[f'{name}_size'])
             for name in ('home', 'root') if health.get(f'{name}_size') and health.get(f'{name}_free') is not None]
    readings += sorted(disks, key=lambda disk: disk.used / disk.limit)[-1:]
    if health.get('cpus') and health.get('load') is not None:
        readings.append(Reading(host, 'load', health['load'] / health['cpus'], _LOAD_LIMIT))
    return readings


class Connects:
    """Agents that could not be started, against those that were begun."""

    def __init__(self) -> None:
        self._begun = Window(size=4096, span=_SPAN)
        self._errors = Window(size=4096, span=_SPAN)

    def begun(self, now: float) -> None:
        self._begun.add(now)

    def failed(self, now: float) -> None:
        self._errors.add(now)

    def reading(self, now: float) -> Reading:
        """Errors of the last seconds; their limit grows with the number of agents begun."""
        self._begun.prune(now)
        self._errors.prune(now)
        return Reading('', 'connects', len(self._errors), max(_ERRORS, _SHARE * len(self._begun)))


class Latency:
    """What bundles took beyond the work of their tasks. The usual value is the lower quartile, which a bad time does not lift soon."""

    def __init__(self) -> None:
        self._all = Window(size=200)
        self._recent = Window(size=50, span=_SPAN)

    def add(self, now: float, seconds: float) -> None:
        self._all.add(now, seconds)
        self._recent.add(now, seconds)

    def reading(self, now: float) -> Reading | None:
        """The median of the last seconds against the usual value; None while too little is known."""
        self._recent.prune(now)
        if len(self._all) < _SAMPLES:
            return None
        usual = statistics.quantiles(self._all, n=4)[0]
        used = self._recent.median if len(self._recent) >= _RECENT else 0.0
        return Reading('', 'latency', used, max(_FLOOR, _TIMES * usual))
