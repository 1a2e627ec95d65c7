# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the controller, its connections and the hosts are: looked at now and then, and told where it is worth it (`_adaptation/gauges.py`).

Rule: where nobody listens, nothing is looked at, and agents are asked for nothing.
"""
from __future__ import annotations

import time
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.gauges import Connects, Gauges, Latency, Reading, of_host
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import ResourceConstraint
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import Channel

from .room import used_and_limit

__all__ = ['EVERY', 'Health']

EVERY: t.Final = 5.0  # seconds between two looks
_REPEAT = 10.0  # a reading of the run; less than what the engine takes for recent, as the next one
_REPEAT_OF_HOST = 20.0
_CGROUP = '/sys/fs/cgroup'


class Health:
    """Of one run."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._gauges = Gauges(repeat=_REPEAT)
        self._hosts = Gauges(repeat=_REPEAT_OF_HOST)
        self._connects = Connects()
        self._latency = Latency()
        self._next = float('-inf')

    def look(self) -> None:
        """Called in each turn of the hub."""
        if not self._channel.heard:
            return
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY
        readings = [_descriptors(), _memory(), self._connects.reading(now), self._latency.reading(now)]
        self._tell(self._gauges, [reading for reading in readings if reading is not None], now)

    def host(self, host: str, health: t.Mapping[str, float]) -> None:
        """An agent has said how its host is."""
        if health and self._channel.heard:
            self._tell(self._hosts, of_host(host, health), time.monotonic())

    def begins(self) -> None:
        """An agent is about to be started."""
        self._connects.begun(time.monotonic())

    def unreached(self) -> None:
        """It could not be, and that is told at once if it is one too many."""
        now = time.monotonic()
        self._connects.failed(now)
        if self._channel.heard:
            self._tell(self._gauges, [self._connects.reading(now)], now)

    def took(self, seconds: float) -> None:
        """A bundle has taken so long beyond the work in it."""
        self._latency.add(time.monotonic(), max(0.0, seconds))

    def _tell(self, gauges: Gauges, readings: t.Iterable[Reading], now: float) -> None:
        for reading in readings:
            if gauges.tells(reading, now):
                self._channel.publish(ResourceConstraint(**reading._asdict()))


def _descriptors() -> Reading | None:
    """Those of this process against its soft limit."""
    found = used_and_limit()
    return None if found is None else Reading('', 'descriptors', *found)


def _memory() -> Reading | None:
    """The machine's, or that of the control group where it is nearer to its limit: what others use is missing here, too."""
    found = [reading for reading in (_of_machine(), _of_group()) if reading is not None]
    return max(found, key=lambda reading: reading.used / reading.limit, default=None)


def _of_machine() -> Reading | None:
    try:
        with open('/proc/meminfo', encoding='ascii') as file:
            sizes = {name: int(rest.split()[0]) << 10 for name, _colon, rest in (line.partition(':') for line in file)}
        return Reading('', 'memory', sizes['MemTotal'] - sizes['MemAvailable'], sizes['MemTotal'])
    except (OSError, LookupError, ValueError):
        return None


def _of_group() -> Reading | None:
    """Version 2 of control groups. What the group keeps of files can be given back and does not count."""
    try:
        with open('/proc/self/cgroup', encoding='utf-8') as file:
            own = next(line.rstrip('\n').partition('::')[2] for line in file if line.startswith('0::'))
        folder = _CGROUP + own.rstrip('/')
        limit, used = int(_text(f'{folder}/memory.max')), int(_text(f'{folder}/memory.current'))
        cached = next(int(line.split()[1]) for line in _text(f'{folder}/memory.stat').splitlines() if line.startswith('inactive_file '))
        return Reading('', 'memory', used - cached, limit) if limit > 0 else None
    except (OSError, LookupError, ValueError, StopIteration):  # ValueError: "max" is no limit
        return None


def _text(path: str) -> str:
    with open(path, encoding='utf-8') as file:
        return file.read()
