# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The edges of a plan against those of a run.

Tasks are known by where they stand (file:line). What an include brought that the plan has not opened counts as the include.
"""

from __future__ import annotations

import bisect
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.truth.strace import Access

#: read by every process that starts, or written by it for itself
_NOISE = re.compile(
    r"/(proc|sys|dev|lib|lib64|usr/lib|usr/local/lib|usr/share/(locale|zoneinfo|i18n)|usr/lib64|bin|sbin|usr/s?bin|usr/local/s?bin|run|var/log)(/|$)"
    r"|/etc/(ld\.so\..*|localtime|locale.*|nsswitch\.conf|passwd|group|shadow|host\.conf|resolv\.conf|gai\.conf|selinux.*|mime\.types|ssl/.*)$"
    r"|\.pyc?$|__pycache__|/site-packages(/|$)|/lib/python3|pyvenv\.cfg|/ansible[-_.](tmp|moduletmp|command)|/\.ansible(/|$)|/pyenv|/\.pyenv"
)


@dataclass
class Comparison:
    """Edges as (earlier, later, of what), for people."""

    true: int = 0
    found: int = 0
    foretold: int = 0
    met: int = 0
    missed: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)

    def add(self, other: Comparison) -> None:
        self.true += other.true
        self.found += other.found
        self.foretold += other.foretold
        self.met += other.met

    def line(self) -> str:
        def share(part: int, whole: int) -> str:
            return f"{part}/{whole} ({100 * part / whole:.1f} %)" if whole else "none"

        return f"recall {share(self.found, self.true)}, precision {share(self.met, self.foretold)}"


#: where a task stands, then the includes that have brought it, innermost first
_Place = tuple[str, ...]


class _Plan:
    """The plan's tasks by where they stand, with all that comes before each of them."""

    def __init__(self, document: dict[str, Any], base: Path) -> None:
        self._base = base
        self.where: dict[str, _Place] = {}
        self.edges: list[tuple[_Place, _Place, str, str]] = []  # earlier, later, kind, reason
        self._handlers: set[_Place] = set()
        before: dict[str, set[str]] = {}
        for play in document["plays"]:
            things = [(task["task_id"], task) for batch in play["batches"] for task in batch["tasks"]]
            for task_id, task in things:
                own = self._path(task["where"]) if task["where"] else str(task["name"])
                self.where[task_id] = (own, *self.where.get(task.get("included_by") or "", ()))
            for handler in play["handlers"]:
                things.append((handler["handler_id"], handler))
                self.where[handler["handler_id"]] = (self._path(handler["where"]) if handler["where"] else str(handler["name"]),)
                self._handlers.add(self.where[handler["handler_id"]])
            for task_id, task in things:
                for edge in task.get("dependencies", ()):
                    before.setdefault(task_id, set()).add(edge["task_id"])
                    self.edges.append((self.where.get(edge["task_id"], ("?",)), self.where[task_id], edge["kind"], edge["reason"]))
        self._before: dict[_Place, set[_Place]] = {}
        for task_id, where in self.where.items():
            seen, pending = set(), [task_id]
            while pending:
                for other in before.get(pending.pop(), ()):
                    if other not in seen:
                        seen.add(other)
                        pending.append(other)
            self._before.setdefault(where, set()).update(self.where[other] for other in seen if other in self.where)
        self._known = set(self.where.values())

    def _path(self, where: str) -> str:
        path, _colon, line = where.rpartition(":")
        return f"{os.path.realpath(os.path.join(self._base, path))}:{line}" if path else where

    def task(self, event: dict[str, Any]) -> _Place | None:
        """The plan's task that an event belongs to: itself, or the innermost include around it that the plan has not opened."""
        chain = tuple(self._path(where) for where in (event["where"], *event["around"]))
        if chain[:1] in self._handlers:  # those of included roles are handlers of the play
            return chain[:1]
        return next((chain[start:] for start in range(len(chain)) if chain[start:] in self._known), None)

    def orders(self, earlier: _Place, later: _Place) -> bool:
        return earlier == later or earlier in self._before.get(later, ())


def compare(
    document: dict[str, Any], lines: Sequence[dict[str, Any]], touched: Sequence[Access], *, base: Path, temporary: Iterable[str]
) -> tuple[Comparison, Comparison]:
    """(for variables, for files)."""
    plan = _Plan(document, base)
    ran = {place for event in lines if event["event"] == "end" and (place := plan.task(event)) is not None}
    return _compared(plan, ran, set(_variable_edges(plan, lines)), ("variable", "facts")), _compared(
        plan, ran, set(_file_edges(plan, lines, touched, tuple(temporary))), ("file",) if touched else ()
    )


def _compared(plan: _Plan, ran: set[_Place], true: set[tuple[_Place, _Place, str]], kinds: Iterable[str]) -> Comparison:
    pairs = {(earlier, later): what for earlier, later, what in sorted(true)}
    missed = [pair for pair in pairs if not plan.orders(*pair)]
    foretold = {(earlier, later): reason for earlier, later, kind, reason in plan.edges if kind in kinds and earlier in ran and later in ran}
    untrue = [pair for pair in foretold if pair not in pairs]
    return Comparison(
        true=len(pairs), found=len(pairs) - len(missed), foretold=len(foretold), met=len(foretold) - len(untrue),
        missed=[f"{_short(one)} -> {_short(other)}: {pairs[one, other]}" for one, other in missed],
        untrue=[f"{_short(one)} -> {_short(other)}: {foretold[one, other]}" for one, other in untrue],
    )


def _short(place: _Place) -> str:
    return "/".join(place[0].split("/")[-2:])


def _variable_edges(plan: _Plan, lines: Sequence[dict[str, Any]]) -> Iterator[tuple[_Place, _Place, str]]:
    setters: dict[str, dict[str, _Place]] = {"": {}}  # host -> variable -> place; "": for all hosts
    for event in lines:
        place = plan.task(event)
        if place is None or event["event"] not in ("read", "set"):
            continue
        name, setter = event["name"], setters.setdefault(event["host"], {})
        if event["event"] == "set":
            # facts are there as variables too, by their names with and without the prefix
            names = {name, *(f"{prefix}{fact}" for fact in event.get("facts", ()) for prefix in ("", "ansible_"))}
            for one in setters.values() if not event["host"] else (setter,):
                one.update(dict.fromkeys(names, place))
            continue
        last = setter.get(name, setters[""].get(name))
        if last is not None and last != place:
            yield last, place, name


def _file_edges(
    plan: _Plan, lines: Sequence[dict[str, Any]], touched: Sequence[Access], temporary: tuple[str, ...]
) -> Iterator[tuple[_Place, _Place, str]]:
    """A path that one task writes and another touches."""
    turns = _turns(plan, lines)
    begins = [begin for begin, _end, _place in turns]
    longest = max((end - begin for begin, end, _place in turns), default=0.0)
    written: dict[str, _Place] = {}
    read: dict[str, set[_Place]] = {}
    for access in sorted(touched, key=lambda one: one.time):
        if _NOISE.search(access.path) or access.path.startswith(temporary):
            continue
        first, last = bisect.bisect_left(begins, access.time - longest), bisect.bisect_right(begins, access.time)
        places = {place for _begin, end, place in turns[first:last] if access.time <= end}
        if len(places) != 1:
            continue  # between tasks, or hosts are at different ones
        place = places.pop()
        if access.path in written and written[access.path] != place:
            yield written[access.path], place, access.path
        if access.write:
            for other in read.pop(access.path, ()):
                if other != place:
                    yield other, place, access.path
            written[access.path] = place
        else:
            read.setdefault(access.path, set()).add(place)


def _turns(plan: _Plan, lines: Sequence[dict[str, Any]]) -> list[tuple[float, float, _Place]]:
    turns: list[tuple[float, float, _Place]] = []
    begun: dict[str, dict[str, Any]] = {}
    for event in lines:
        if event["event"] == "start":
            begun[event["host"]] = event
        elif event["event"] == "end" and event["host"] in begun:
            start = begun.pop(event["host"])
            place = plan.task(start)
            if place is not None:
                turns.append((start["time"], event["time"], place))
    return sorted(turns)
