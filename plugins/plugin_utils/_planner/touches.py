# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who touched what so far, on one host: the index out of which the edges between tasks come.

Rule 1: two accesses meet when `resources.overlap` says so; the index finds the same pairs (or a path of pairs) without comparing all.
Rule 2: ``*`` is anything on the host: neither variables nor the controller's files.
Rule 3: an access that meets more than LIMIT others becomes a junction: it counts as a write, so what comes later meets it alone. That
        orders more than there is reason for, never less, and keeps the number of edges linear in the number of tasks.
"""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._planner.resources import ANYTHING

__all__ = ['LIMIT', 'Touch', 'Touches']

LIMIT: t.Final = 50

_PATHS = frozenset({'file', 'controller'})
_OF_CONTROLLER = ('var:', 'controller:')


@dataclasses.dataclass(frozen=True, slots=True)
class Touch:
    """One access by one task."""

    task_id: str
    resource: str
    write: bool


class _Spot:
    """The last write of one thing, and the reads since."""

    __slots__ = ('reads', 'write')

    def __init__(self) -> None:
        self.write: Touch | None = None
        self.reads: list[Touch] = []

    def before(self, write: bool) -> t.Iterator[Touch]:
        if self.write is not None:
            yield self.write
        if write:
            yield from self.reads

    def take(self, touch: Touch, write: bool) -> None:
        if write:
            self.write, self.reads = touch, []
        else:
            self.reads.append(touch)


class _Names:
    """Things of one kind that are equal when their names are; ``*`` is any of them."""

    def __init__(self) -> None:
        self._any = _Spot()
        self._spots: dict[str, _Spot] = {}

    def before(self, name: str, write: bool) -> t.Iterator[Touch]:
        yield from self._any.before(write)
        if name == ANYTHING:
            for spot in self._spots.values():
                yield from spot.before(write)
        elif name in self._spots:
            yield from self._spots[name].before(write)

    def take(self, name: str, touch: Touch, write: bool) -> None:
        if name != ANYTHING:
            self._spots.setdefault(name, _Spot()).take(touch, write)
            return
        if write:
            self._spots.clear()
        self._any.take(touch, write)


class _Folder:
    __slots__ = ('below', 'spot')

    def __init__(self) -> None:
        self.spot = _Spot()
        self.below: dict[str, _Folder] = {}

    def all(self, write: bool) -> t.Iterator[Touch]:
        pending = [self]
        while pending:
            folder = pending.pop()
            yield from folder.spot.before(write)
            pending.extend(folder.below.values())


class _PathNames:
    """Paths: each stands for itself and all that is below it; ``*`` is any path."""

    def __init__(self) -> None:
        self._any = _Spot()
        self._root = _Folder()

    def before(self, path: str, write: bool) -> t.Iterator[Touch]:
        yield from self._any.before(write)
        folder = self._root
        for part in _parts(path):
            yield from folder.spot.before(write)
            below = folder.below.get(part)
            if below is None:
                return
            folder = below
        yield from folder.all(write)

    def take(self, path: str, touch: Touch, write: bool) -> None:
        if path == ANYTHING:
            if write:
                self._root = _Folder()
            self._any.take(touch, write)
            return
        folder = self._root
        for part in _parts(path):
            folder = folder.below.setdefault(part, _Folder())
        if write:
            folder.below.clear()
        folder.spot.take(touch, write)


def _parts(path: str) -> list[str]:
    return [] if path == ANYTHING else [part for part in path.split('/') if part]


class Touches:
    """The accesses of a host's tasks, in their order."""

    def __init__(self) -> None:
        self._kinds: dict[str, _Names | _PathNames] = {}
        self._all = _Spot()  # accesses to '*'
        self._since: list[Touch] = []  # named accesses since the last write of '*'

    def next_play(self) -> None:
        """What is on a host was settled when the play before ended; variables live on."""
        self._kinds = {kind: names for kind, names in self._kinds.items() if kind == 'var'}
        self._all, self._since = _Spot(), []

    def add(self, task_id: str, *, writes: t.Iterable[str], reads: t.Iterable[str]) -> list[tuple[Touch, Touch]]:
        """Take up a task; the earlier touches that it meets, each with its own."""
        written = dict.fromkeys(writes)
        touches = [Touch(task_id, resource, True) for resource in written]
        touches += [Touch(task_id, resource, False) for resource in dict.fromkeys(reads) if resource not in written]
        met: list[tuple[Touch, Touch]] = []
        taken: list[tuple[Touch, bool]] = []
        for touch in touches:
            before = [other for other in self._before(touch.resource, touch.write) if other.task_id != task_id]
            met += [(other, touch) for other in before]
            taken.append((touch, touch.write or len(before) > LIMIT))
        for touch, write in sorted(taken, key=lambda one: one[0].resource != ANYTHING):
            self._take(touch, write)
        return met

    def _before(self, resource: str, write: bool) -> t.Iterator[Touch]:
        if resource == ANYTHING:
            yield from self._all.before(write)
            yield from (touch for touch in self._since if write or touch.write)
            return
        if not resource.startswith(_OF_CONTROLLER):
            yield from self._all.before(write)
        kind, _colon, name = resource.partition(':')
        if kind in self._kinds:
            yield from self._kinds[kind].before(name, write)

    def _take(self, touch: Touch, write: bool) -> None:
        if touch.resource == ANYTHING:
            if write:
                self._since = []
            self._all.take(touch, write)
            return
        kind, _colon, name = touch.resource.partition(':')
        names = self._kinds.get(kind)
        if names is None:
            names = self._kinds[kind] = _PathNames() if kind in _PATHS else _Names()
        names.take(name, touch, write)
        if not touch.resource.startswith(_OF_CONTROLLER):
            self._since.append(touch if touch.write == write else dataclasses.replace(touch, write=write))
