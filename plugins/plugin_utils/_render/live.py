# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run that goes on, as one line: for the foot of a terminal, and for a log."""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._tracking.tracker import Active, Progress

from .cells import Paint, clean, cut, width
from .style import Style
from .words import count, seconds

__all__ = ['LONG', 'Usual', 'live', 'plain', 'still']

LONG: t.Final = 10.0
"""Seconds from which on a task is said to run still."""

Usual = t.Callable[[Active], 'tuple[float, float] | None']
"""How long a task usually takes: seconds from and to, None without history."""

_BAR = 12


def _range(low: float, high: float) -> str:
    if round(low) == round(high):
        return seconds(high, whole=True)
    if round(high) < 60:
        return f'{round(low)} to {seconds(high, whole=True)}'
    return f'{seconds(low, whole=True)} to {seconds(high, whole=True)}'


def live(progress: Progress, style: Style, *, now: float, usual: Usual) -> str:
    """The line, no wider than the terminal: what matters less is left out where there is no room."""
    paint = Paint(style.colour)
    parts = [_count(progress)]
    slow = _longest(progress)
    if slow is not None:
        parts.append(_running(slow, now, usual(slow), len(progress.active)))
    parts.append(_left(progress))
    parts.append(_hosts(progress))
    if progress.slowest:
        parts.append(f'slowest {clean(progress.slowest)}')
    if progress.round_trips:
        parts.append(count(progress.round_trips, 'round trip'))
    drawn = _bar(progress.share) if style.width > 3 * _BAR else ''
    room = max(style.width - 1, 1)
    kept = [parts[0]]
    used = width(parts[0]) + (width(drawn) + 1 if drawn else 0)
    for part in parts[1:]:
        if used + 3 + width(part) > room and part is not parts[1]:
            continue
        if part is parts[1]:
            part = cut(part, max(room - used - 3, 0))
        if not part:
            continue
        kept.append(part)
        used += 3 + width(part)
    text = cut(' · '.join(kept), room - (width(drawn) + 1 if drawn else 0))
    colour = 'bad' if progress.failed or progress.unreachable else 'good'
    return f'{paint(colour, drawn)} {text}' if drawn else text


def plain(progress: Progress, *, now: float, usual: Usual) -> str:
    """The same for a log: whole, without a bar."""
    slow = _longest(progress)
    parts = [_count(progress), _hosts(progress)]
    if slow is not None:
        parts.append(_running(slow, now, usual(slow), len(progress.active)))
    return f'progress: {", ".join([*parts, _left(progress)])}'


def still(active: Active, *, now: float, usual: tuple[float, float] | None) -> str:
    """That a long task runs still, against its usual time."""
    known = f'it usually takes {_range(*usual)}' if usual is not None else 'no history yet'
    items = f', item {active.done + 1}' + (f' of {active.total}' if active.total else '') if active.done else ''
    return f'still running on {clean(active.host)}: {clean(active.task.name)}, for {seconds(now - active.since, whole=True)}{items} ({known})'


def _count(progress: Progress) -> str:
    share = '' if progress.share is None else f'{int(progress.share * 100)} %, '
    total = f'/{progress.total}' if progress.total is not None else ''
    return f'{share}{progress.done}{total} tasks'


def _hosts(progress: Progress) -> str:
    bad = [f'{count} {word}' for count, word in ((progress.hosts_failed, 'failed'), (len(progress.hosts_away), 'away')) if count]
    noun = 'host' if progress.hosts == 1 else 'hosts'
    return f'{progress.hosts} {noun}' + (f' ({", ".join(bad)})' if bad else '')


def _longest(progress: Progress) -> Active | None:
    return progress.active[0] if progress.active else None


def _running(active: Active, now: float, usual: tuple[float, float] | None, count: int) -> str:
    others = f' and {count - 1} more' if count > 1 else ''
    known = f' (usually {_range(*usual)})' if usual is not None and now - active.since >= LONG else ''
    return f'{clean(active.host)}: {clean(active.task.name)} {seconds(max(0.0, now - active.since), whole=True)}{known}{others}'


def _left(progress: Progress) -> str:
    return 'no history yet' if progress.left is None else f'{_range(*progress.left)} left'


def _bar(share: float | None) -> str:
    if share is None:
        return ''
    full = int(share * _BAR * 2)
    return '━' * (full // 2) + ('╸' if full % 2 else '') + '─' * (_BAR - full // 2 - full % 2)
