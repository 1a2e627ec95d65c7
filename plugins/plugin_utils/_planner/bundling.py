# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Paths and bundles: which tasks go through the agent, and which of them in one piece.

Rule 1: this foretells what the run decides; the rules that both ask are the same (`barrier_for`, and the reasons in SourceTask).
Rule 2: a bundle ends where the run must see a result first: before a task that reads one, behind one that the controller judges.
Rule 3: a barrier stands before and behind a task, so such a task is alone in its bundle where there are several hosts.
"""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import Bundle, Path
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import SourceTask
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.dependencies import fact_names
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.facts import is_fact

__all__ = ['Bundled', 'Placed', 'bundle', 'calls_of', 'stock_trips']

#: round trips of a module on the stock path with pipelining: a channel of the connection that is there, the command, its end
_CALL: t.Final = 3
#: those of an action that sends a file: a folder, a transfer by sftp, the module, and cleaning up
_FILE: t.Final = 24
_SENDS_FILES: t.Final = frozenset({'assemble', 'copy', 'script', 'template', 'unarchive'})


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """Where a task is: its path with the reason, its bundle, why the bundle begins with it."""

    path: Path
    reason: Reason | None = None
    detail: str = ''
    bundle_id: str | None = None
    cut: Reason | None = None
    cut_detail: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class Bundled:
    placed: t.Mapping[str, Placed]
    bundles: tuple[Bundle, ...]
    round_trips: int
    stock_round_trips: int

    def at(self, hosts: tuple[str, ...]) -> tuple[Bundle, ...]:
        """The bundles of a batch."""
        return tuple(Bundle(bundle_id=one.bundle_id, tasks=one.tasks, hosts=hosts, ended_by=one.ended_by, ended_at=one.ended_at, detail=one.detail)
                     for one in self.bundles)


def calls_of(task: SourceTask) -> int:
    """How often something is asked of the host; a loop of unknown length counts as one."""
    if not task.on_target:
        return 0
    return 1 if task.loop_items is None else task.loop_items


def stock_trips(task: SourceTask) -> int:
    return calls_of(task) * (_FILE if short_name(task.module) in _SENDS_FILES else _CALL)


class _Bundling:
    def __init__(self, lookahead: int, prefix: str) -> None:
        self._prefix = prefix
        self.placed: dict[str, Placed] = {}
        self.bundles: list[Bundle] = []
        self._lookahead = lookahead
        self._tasks: list[str] = []
        self._names: dict[str, Reason] = {}  # variables in flight, and what they are
        self._facts = ''  # task whose facts are in flight
        self._become: str | None = None
        self._behind: tuple[Reason, str] | None = None  # why the next task begins a bundle
        self.round_trips = self.stock_round_trips = 0

    def end(self, reason: Reason, at: str, detail: str) -> None:
        """The bundle that is open ends, if there is one."""
        if self._tasks:
            self.bundles.append(Bundle(bundle_id=self._next_id(), tasks=tuple(self._tasks), hosts=(), ended_by=reason, ended_at=at, detail=detail))
            self.round_trips += 1
        self._tasks, self._names, self._facts, self._become = [], {}, '', None

    def _next_id(self) -> str:
        return f'{self._prefix}bundle-{len(self.bundles)}'

    def stock(self, task: SourceTask, reason: Reason, detail: str) -> None:
        self.end(Reason.STOCK, task.task_id, reason.value)
        trips = stock_trips(task)
        self.round_trips += trips
        self.stock_round_trips += trips
        self.placed[task.task_id] = Placed(path='stock', reason=reason, detail=detail)
        self._behind = None

    def flush(self, task: SourceTask, pending: bool) -> None:
        if pending:
            self.end(Reason.FLUSH, task.task_id, '')
            self._behind = (Reason.FLUSH, '')
        self.placed[task.task_id] = Placed(path='controller')

    def add(self, task: SourceTask, barrier: Reason | None, renews: bool) -> None:
        self.stock_round_trips += stock_trips(task)
        cut = self._cut(task, barrier)
        if cut is not None:
            self.end(cut[0], task.task_id, cut[1])
        if not task.on_target and not self._tasks:
            # nothing is under way: the controller does it at once
            self.placed[task.task_id] = Placed(path='controller', cut=cut and cut[0], cut_detail=cut[1] if cut else '')
        else:
            path: Path = 'agent' if task.on_target else 'controller'
            self.placed[task.task_id] = Placed(path=path, bundle_id=self._next_id(), cut=cut and cut[0], cut_detail=cut[1] if cut else '')
            self._tasks.append(task.task_id)
            if task.on_target:
                self._become = task.become
        self._under_way(task)
        behind = barrier or (Reason.RESTART_AGENT if renews else task.ends)
        self._behind = (behind, '') if behind is not None else None

    def _under_way(self, task: SourceTask) -> None:
        if task.on_target:
            self._names |= dict.fromkeys(fact_names(task), Reason.FACTS) | dict.fromkeys(task.sets, Reason.REGISTER)
        if task.sets_facts:
            self._facts = task.task_id

    def _cut(self, task: SourceTask, barrier: Reason | None) -> tuple[Reason, str] | None:
        if self._behind is not None:
            return self._behind
        if not self._tasks:
            return None
        if barrier is not None:
            return barrier, ''
        if task.cut is not None:
            return task.cut, ''
        held = self._names.keys() & task.reads.keys()
        if held:
            return self._names[min(held)], min(held)
        fact = next(filter(is_fact, task.reads), '') if self._facts else ''
        if fact:
            return Reason.FACTS, fact
        if task.reads_any:
            return Reason.VARS, ''
        if task.on_target and self._become not in (None, task.become):
            return Reason.BECOME_CHANGE, task.become or 'the login user'
        if len(self._tasks) >= self._lookahead:
            return Reason.LOOKAHEAD_LIMIT, ''
        return None


def bundle(
    tasks: t.Iterable[SourceTask], *, barriers: t.Mapping[str, Reason], notifying: t.Container[str], renewing: t.Container[str] = (),
    stock: tuple[Reason, str] | None = None, lookahead: int = 200, prefix: str = '',
) -> Bundled:
    """Places for the tasks of a play, with bundles of no hosts yet (see Bundled.at).

    ``barriers``: task -> why hosts wait there; ``notifying``: flushes that may run handlers; ``renewing``: tasks behind which a fresh login
    is needed. ``stock``: everything takes the stock path, and why. ``prefix`` comes before the ids of bundles.
    """
    work = _Bundling(lookahead, prefix)
    for task in tasks:
        refused = stock if task.on_target and stock is not None else (task.stock, task.stock_detail) if task.stock is not None else None
        if task.flush:
            work.flush(task, task.task_id in notifying)
        elif refused is not None:
            work.stock(task, *refused)
        else:
            work.add(task, barriers.get(task.task_id), task.task_id in renewing)
    work.end(Reason.END, '', '')
    return Bundled(work.placed, tuple(work.bundles), work.round_trips, work.stock_round_trips)
