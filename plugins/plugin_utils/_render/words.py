# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Words for numbers and hosts."""
from __future__ import annotations

import re
import typing as t

__all__ = ['count', 'hosts_in_short', 'percent', 'seconds', 'size']

_NUMBERED = re.compile(r'^(.*?)(\d+)(\D*)$', re.DOTALL)


def count(number: int, one: str, many: str = '') -> str:
    return f'{number:,} {one if number == 1 else many or one + "s"}'


def seconds(value: float, *, whole: bool = False) -> str:
    """A duration to be read: ``40 ms``, ``1.2 s``, ``3 min 20 s``, ``2 h 05 min``. ``whole``: one that still grows, or is a guess, has no parts of seconds."""
    if value < 0.9995 and not whole:
        return f'{value * 1000:.0f} ms'
    if value < 9.95 and not whole:
        return f'{value:.1f} s'
    number = round(value)
    if number < 60:
        return f'{number} s'
    if number < 3600:
        return f'{number // 60} min {number % 60:02} s'
    return f'{number // 3600} h {number % 3600 // 60:02} min'


def percent(share: float) -> str:
    """``12 %``; small shares have a digit more."""
    return f'{share:.0%}'.replace('%', ' %') if share >= 0.0995 or not share else f'{share:.1%}'.replace('%', ' %')


def size(value: float) -> str:
    """Bytes to be read: ``900 B``, ``1.5 MiB``."""
    for unit in ('B', 'KiB', 'MiB', 'GiB'):
        if value < 1024 or unit == 'GiB':
            break
        value /= 1024
    return f'{value:.0f} {unit}' if value >= 100 or unit == 'B' else f'{value:.1f} {unit}'


def hosts_in_short(hosts: t.Sequence[str]) -> str:
    """``web01…web20 (20), db1``: hosts that are numbered one after another are written as a range."""
    parts: list[str] = []
    start = 0
    for stop in range(1, len(hosts) + 1):
        if stop < len(hosts) and _follows(hosts[stop - 1], hosts[stop]):
            continue
        number = stop - start
        parts.extend([f'{hosts[start]}…{hosts[stop - 1]} ({number})'] if number > 2 else hosts[start:stop])
        start = stop
    return ', '.join(parts)


def _follows(one: str, other: str) -> bool:
    before, after = _NUMBERED.match(one), _NUMBERED.match(other)
    if before is None or after is None or (before[1], before[3]) != (after[1], after[3]):
        return False
    same_form = len(before[2]) == len(after[2]) or not (before[2].startswith('0') or after[2].startswith('0'))
    return same_form and len(after[2]) < 19 and int(after[2]) == int(before[2]) + 1
