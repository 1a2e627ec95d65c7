# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every view of a plan shares: words for numbers and hosts, batches that are alike, and the edges worth drawing.

Rule 1: nothing is decided here: what a plan does not say is not shown.
Rule 2: a view may get a plan that a stranger wrote: a name that leads nowhere is passed over, a circle is cut where it closes.
"""
from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import (
    BinarySuitabilityAnalysis,
    Bundle,
    Dependency,
    DependencyKind,
    ExecutionBatch,
    ExecutionPlan,
    HandlerPlan,
    PlayPlan,
    TaskPlan,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._render.words import count, hosts_in_short, seconds

__all__ = [
    'AlikeBatches', 'Edge', 'Graph', 'Piece', 'alike', 'arguments_in_short', 'condition_words', 'count', 'depths', 'graph_of', 'hosts_in_short', 'pieces',
    'round_trips', 'seconds', 'suitability_of',
]


# -- words

def arguments_in_short(args: t.Mapping[str, t.Any], *, longest: int = 200) -> str:
    """``path: /etc/x, state: directory``; a long value is cut."""
    parts = []
    for key, value in args.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        parts.append(f'{key}: {text if len(text) <= longest else text[:longest] + "…"}')
    return ', '.join(parts)


def condition_words(task: TaskPlan | HandlerPlan) -> list[str]:
    """A line for each condition; tags that were not asked for decide nothing."""
    names = {'when': 'when', 'tag': 'tags', 'skip_tag': 'skip tags', 'host': 'hosts', 'check_mode': 'check mode', 'include': 'where this includes it'}
    known = {True: 'true for what is known now', False: 'false: it is skipped', None: 'decided during the run'}
    asked = ('when', 'include')
    return [
        f'{names[one.kind]}: {", ".join(one.values) or one.text}' + (f' ({known[one.decided]})' if one.kind in asked or one.decided is not None else '')
        for one in task.conditions]


def depths(batch: ExecutionBatch) -> dict[str, int]:
    """How many includes have brought each task."""
    found: dict[str, int] = {}
    for task in batch.tasks:
        found[task.task_id] = found[task.included_by] + 1 if task.included_by in found else 0
    return found


# -- batches and what is in them

@dataclasses.dataclass(frozen=True, slots=True)
class AlikeBatches:
    """Batches one after another that do the same. ``first``: number of the first of them, from 1."""

    batches: tuple[ExecutionBatch, ...]
    first: int


def alike(play: PlayPlan) -> tuple[AlikeBatches, ...]:
    """The batches of a play; those that differ in nothing but their hosts are together."""
    found: list[AlikeBatches] = []
    before: t.Any = None
    for number, batch in enumerate(play.batches, 1):
        now = _content(batch)
        if found and now == before:
            found[-1] = AlikeBatches((*found[-1].batches, batch), found[-1].first)
        else:
            found.append(AlikeBatches((batch,), number))
        before = now
    return tuple(found)


def _content(batch: ExecutionBatch) -> t.Any:
    return (
        [(task.task_id, task.path, task.path_reason, task.cut, task.barrier, task.bundle_id is None) for task in batch.tasks],
        [(bundle.tasks, bundle.ended_by, bundle.ended_at) for bundle in batch.bundles], batch.round_trips)


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """Tasks that stand together: those of a bundle (``number`` from 1), or those between bundles."""

    tasks: tuple[TaskPlan, ...]
    bundle: Bundle | None = None
    number: int = 0


def pieces(batch: ExecutionBatch) -> tuple[Piece, ...]:
    """The tasks of a batch in order. What the controller does while a bundle is under way is shown in it."""
    bundles = {bundle.bundle_id: (number, bundle) for number, bundle in enumerate(batch.bundles, 1)}
    last = {task.bundle_id: number for number, task in enumerate(batch.tasks) if task.bundle_id is not None}
    found: list[tuple[str | None, list[TaskPlan]]] = []
    for number, task in enumerate(batch.tasks):
        inside = found[-1][0] if found and found[-1][0] is not None and last[found[-1][0]] > number and task.bundle_id is None else task.bundle_id
        if not found or found[-1][0] != inside:
            found.append((inside, []))
        found[-1][1].append(task)
    made = []
    for bundle_id, tasks in found:
        number, bundle = bundles.get(bundle_id or '', (0, None))
        made.append(Piece(tuple(tasks), bundle, number))
    return tuple(made)


def round_trips(plan: ExecutionPlan) -> tuple[int, int]:
    """(planned, on the stock path) of the host that needs most; a host is in one batch of each play."""
    planned = sum(max((batch.round_trips for batch in play.batches), default=0) for play in plan.plays)
    return planned, sum(max((batch.stock_round_trips for batch in play.batches), default=0) for play in plan.plays)


def suitability_of(plan: ExecutionPlan) -> dict[tuple[str, str], BinarySuitabilityAnalysis]:
    """(play, class) -> the analysis. They stand in a plan in the order of plays and classes, and ids of classes repeat from play to play."""
    left = list(plan.suitability)
    found = {}
    for play in plan.plays:
        for one in play.host_classes:
            if left and left[0].class_id == one.class_id:
                found[play.play_id, one.class_id] = left.pop(0)
    return found


# -- edges

@dataclasses.dataclass(frozen=True, slots=True)
class Edge:
    """From a node to one that comes after it, with every cause that there is for it."""

    before: str
    after: str
    causes: tuple[Dependency, ...]

    @property
    def label(self) -> str:
        return ', '.join(dict.fromkeys(cause.kind.value for cause in self.causes))

    @property
    def evidence(self) -> str:
        return '\n'.join(dict.fromkeys(cause.reason for cause in self.causes))


@dataclasses.dataclass(frozen=True, slots=True)
class Graph:
    """Tasks and handlers (ids), each once, in an order in which they can run; all edges, and those that follow from no others."""

    nodes: tuple[str, ...]
    edges: tuple[Edge, ...]
    drawn: tuple[Edge, ...]

    def layers(self) -> dict[str, int]:
        """How many drawn edges the longest way to a node has."""
        into: dict[str, list[str]] = {}
        for edge in self.drawn:
            into.setdefault(edge.after, []).append(edge.before)
        found: dict[str, int] = {}
        for node in self.nodes:
            found[node] = max((found[before] + 1 for before in into.get(node, ())), default=0)
        return found


def graph_of(plan: ExecutionPlan) -> Graph:
    """One graph over all plays. A handler stands behind the last task that notifies it."""
    tasks = {task.task_id: task for play in plan.plays for batch in reversed(play.batches) for task in batch.tasks}
    nodes = _in_order(plan)
    place = {node: number for number, node in enumerate(nodes)}
    found: dict[tuple[str, str], list[Dependency]] = {}
    for task_id, task in tasks.items():
        for cause in task.dependencies:
            if place.get(cause.task_id, len(nodes)) < place[task_id]:
                found.setdefault((cause.task_id, task_id), []).append(cause)
    for handler in (handler for play in plan.plays for handler in play.handlers):
        for notifier in handler.notified_by:
            if place.get(notifier, len(nodes)) < place[handler.handler_id]:
                found.setdefault((notifier, handler.handler_id), []).append(Dependency(notifier, DependencyKind.NOTIFY, 'it notifies the handler'))
    edges = tuple(Edge(before, after, tuple(causes)) for (before, after), causes in sorted(found.items(), key=lambda one: (place[one[0][1]], place[one[0][0]])))
    return Graph(nodes, edges, _reduced(edges, place))


def _in_order(plan: ExecutionPlan) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for play in plan.plays:
        order = {task.task_id: number for number, task in enumerate(play.batches[0].tasks)} if play.batches else {}
        behind: dict[str, list[str]] = {}
        loose: list[str] = []
        by_id = {handler.handler_id: handler for handler in play.handlers}
        for handler in play.handlers:
            last = max(_notifiers(handler, by_id).intersection(order), key=order.__getitem__, default=None)
            (loose if last is None else behind.setdefault(last, [])).append(handler.handler_id)
        for task_id in order:
            found[task_id] = None
            found.update(dict.fromkeys(behind.get(task_id, ())))
        found.update(dict.fromkeys(loose))
        # a batch of a plan that was written by others may have tasks that the first one has not
        found.update(dict.fromkeys(task.task_id for batch in play.batches[1:] for task in batch.tasks))
    return tuple(found)


def _notifiers(handler: HandlerPlan, by_id: t.Mapping[str, HandlerPlan]) -> set[str]:
    """All that may notify a handler, through other handlers too."""
    seen: set[str] = set()
    open_ = [handler]
    while open_:
        for notifier in open_.pop().notified_by:
            if notifier not in seen:
                seen.add(notifier)
                if notifier in by_id:
                    open_.append(by_id[notifier])
    return seen


def _reduced(edges: t.Sequence[Edge], place: t.Mapping[str, int]) -> tuple[Edge, ...]:
    """Without edges that follow from others. What a node comes after is a set of bits, so a thousand nodes are a few milliseconds."""
    into: dict[int, list[tuple[int, Edge]]] = {}
    for edge in edges:
        into.setdefault(place[edge.after], []).append((place[edge.before], edge))
    behind = [0] * len(place)
    kept: list[Edge] = []
    for node in range(len(place)):
        covered = 0
        mine = []
        # what stands nearest may cover what stands further away, never the other way round
        for before, edge in sorted(into.get(node, ()), key=lambda one: -one[0]):
            if not covered >> before & 1:
                mine.append(edge)
                covered |= behind[before] | 1 << before
        behind[node] = covered
        kept.extend(reversed(mine))
    return tuple(kept)
