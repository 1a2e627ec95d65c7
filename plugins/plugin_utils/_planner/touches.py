# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who touched what so far, on one host: the index out of which the edges between tasks come.

Rule 1: two accesses meet when `resources.overlap` says so; the index finds the same pairs, or a path of pairs, without comparing all.
        All resources are one tree (`resources.place`): two of them overlap when one is the other or stands above it.
Rule 2: what a write displaces is reached through it: whoever comes later meets the write alone.
Rule 3: an access that meets more than LIMIT others at one place is a *junction*: it counts as a write of that whole place, comes after
        all that it displaces there, and later ones meet it alone. That orders more than there is reason for, never less, and keeps the
        number of edges linear in the number of tasks.
"""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._planner.resources import place

__all__ = ['LIMIT', 'Touch', 'Touches']

LIMIT: t.Final = 50


@dataclasses.dataclass(frozen=True, slots=True)
class Touch:
    """One access by one task. ``junction``: the task stands for all that were met at the resource, whatever it does there itself."""

    task_id: str
    resource: str
    write: bool
    junction: bool = False


class _Spot:
    """A place in the tree: accesses to it since its last write, and those to what is below it, by their resources."""

    __slots__ = ('children', 'reads', 'reads_below', 'resource', 'write', 'writes_below')

    def __init__(self, resource: str) -> None:
        self.resource = resource
        self.write: Touch | None = None
        self.reads: list[Touch] = []
        self.children: dict[str, _Spot] = {}
        self.writes_below: dict[str, Touch] = {}
        self.reads_below: dict[str, list[Touch]] = {}

    def here(self, write: bool) -> list[Touch]:
        """What an access to this place, or below it, meets at the place itself."""
        found = [] if self.write is None else [self.write]
        return found + self.reads if write else found

    def all(self, write: bool) -> list[Touch]:
        """What an access to this whole place meets."""
        found = [*self.here(write), *self.writes_below.values()]
        if write:
            for reads in self.reads_below.values():
                found += reads
        return found


class Touches:
    """The accesses of a host's tasks, in their order."""

    def __init__(self, *, limit: int = LIMIT) -> None:
        self._limit = limit
        self._roots: dict[str, _Spot] = {}

    def next_play(self) -> None:
        """What is on a host was settled when the play before ended; variables live on."""
        self._roots = {root: spot for root, spot in self._roots.items() if root == 'var'}

    def add(self, task_id: str, *, writes: t.Iterable[str], reads: t.Iterable[str]) -> list[tuple[Touch, Touch]]:
        """Take up a task; the earlier touches that it meets, each with its own."""
        written = dict.fromkeys(writes)
        touches = [Touch(task_id, resource, True) for resource in written]
        touches += [Touch(task_id, resource, False) for resource in dict.fromkeys(reads) if resource not in written]
        met: list[tuple[Touch, Touch]] = []
        taken: list[tuple[Touch, tuple[str, ...]]] = []
        for touch in touches:
            parts = place(touch.resource)
            spots = self._spots(parts)
            groups = _groups(spots, len(parts), touch.write)
            met += [(other, touch) for group in groups for other in group]
            if any(len(group) > self._limit for group in groups):
                touch, parts, more = self._junction(task_id, spots, parts)
                seen = {id(other) for group in groups for other in group}
                met += [(other, touch) for other in more if id(other) not in seen]
            taken.append((touch, parts))
        # the wider first: what a task writes as a whole does not displace its own parts
        for touch, parts in sorted(taken, key=lambda one: len(one[1])):
            self._take(touch, parts)
        return met

    def _spots(self, parts: tuple[str, ...]) -> list[_Spot]:
        """The places along the way that somebody has touched, at or below."""
        spot = self._roots.get(parts[0])
        spots = []
        for part in (*parts[1:], None):
            if spot is None:
                break
            spots.append(spot)
            spot = None if part is None else spot.children.get(part)
        return spots

    def _junction(self, task_id: str, spots: list[_Spot], parts: tuple[str, ...]) -> tuple[Touch, tuple[str, ...], list[Touch]]:
        """(its touch, its place, all that it comes after): at the widest place where a write would meet too many."""
        groups = _groups(spots, len(parts), write=True)
        level = next(number for number, group in enumerate(groups) if len(group) > self._limit)
        before = [other for group in groups[:level] for other in group]
        return Touch(task_id, spots[level].resource, True, junction=True), parts[:level + 1], before + spots[level].all(write=True)

    def _take(self, touch: Touch, parts: tuple[str, ...]) -> None:
        above: list[_Spot] = []
        spot = self._roots.get(parts[0])
        if spot is None:
            spot = self._roots[parts[0]] = _Spot(_NAMES.get(parts[0], '*'))
        for number, part in enumerate(parts[1:], 2):
            above.append(spot)
            below = spot.children.get(part)
            if below is None:
                below = spot.children[part] = _Spot(touch.resource if number == len(parts) else _resource(parts[:number]))
            spot = below
        resource = spot.resource
        if not touch.write:
            spot.reads.append(touch)
            for one in above:
                one.reads_below.setdefault(resource, []).append(touch)
            return
        displaced = [name for name in (*spot.writes_below, *spot.reads_below) if above]
        spot.write, spot.reads = touch, []
        spot.children, spot.writes_below, spot.reads_below = {}, {}, {}
        for one in above:
            for name in displaced:
                one.writes_below.pop(name, None)
                one.reads_below.pop(name, None)
            one.reads_below.pop(resource, None)
            one.writes_below[resource] = touch


_NAMES: t.Final = {'var': 'var:*', 'controller': 'controller:*'}


def _resource(parts: tuple[str, ...]) -> str:
    """The resource that stands at a place above others."""
    kind, names = (parts[1], parts[2:]) if parts[0] == 'host' else (parts[0], parts[1:])
    return f'{kind}:/{"/".join(names)}' if names else f'{kind}:*'


def _groups(spots: list[_Spot], depth: int, write: bool) -> list[list[Touch]]:
    """What an access meets, by the places along its way; the last one is its own when somebody has touched that."""
    return [spot.all(write) if number == depth else spot.here(write) for number, spot in enumerate(spots, 1)]
