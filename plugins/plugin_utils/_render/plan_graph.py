# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The graph of a plan for other programs: Graphviz' DOT and Mermaid.

Rule 1: edges that follow from others are not drawn; what is drawn has its kind as label.
Rule 2: no text of a playbook is taken for syntax, whatever it holds: DOT gets quoted strings, Mermaid numbers of characters.
Rule 3: the same plan gives the same text.
"""
from __future__ import annotations

import itertools
import string
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionPlan, HandlerPlan, PlayPlan, TaskPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import clean
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import number_of
from ansible_collections.rustle.engine.plugins.plugin_utils._render.view import (
    Edge,
    Graph,
    alike,
    count,
    graph_of,
    hosts_in_short,
    pieces,
)

__all__ = ['dot', 'mermaid']

_LONGEST = 60  # characters of a name in a node


class _Node(t.NamedTuple):
    """``lines`` of its label; ``look``: agent, stock, controller or handler; ``barrier``: whether hosts wait there."""

    key: str
    lines: tuple[str, ...]
    look: str
    barrier: bool = False
    tooltip: str = ''


class _Cluster(t.NamedTuple):
    title: str
    look: str  # play, batch, bundle, handlers
    members: tuple[_Node | _Cluster, ...]


# -- what is drawn, for both

def _clusters(plan: ExecutionPlan) -> list[_Cluster]:
    return [
        _Cluster(f'play {number}: {play.name} ({count(len(play.hosts), "host")})', 'play', tuple(_in_play(play)))
        for number, play in enumerate(plan.plays, 1)]


def _in_play(play: PlayPlan) -> t.Iterator[_Node | _Cluster]:
    seen: set[str] = set()
    groups = alike(play)
    for group in groups[:1]:
        members: list[_Node | _Cluster] = []
        for piece in pieces(group.batches[0]):
            nodes = tuple(_task_node(task) for task in piece.tasks)
            seen.update(node.key for node in nodes)
            members.extend([_Cluster(f'bundle {piece.number}', 'bundle', nodes)] if piece.bundle is not None else nodes)
        if len(play.batches) > 1:
            yield _Cluster(_batches_title(play, len(groups)), 'batch', tuple(members))
        else:
            yield from members
    # of batches that have other tasks than the first one
    for task in (task for batch in play.batches[1:] for task in batch.tasks):
        if task.task_id not in seen:
            seen.add(task.task_id)
            yield _task_node(task)
    if play.handlers:
        yield _Cluster('handlers', 'handlers', tuple(map(_handler_node, play.handlers)))


def _batches_title(play: PlayPlan, kinds: int) -> str:
    if kinds == 1:
        return f'batches 1 to {len(play.batches)}, one after another, {count(len(play.batches[0].hosts), "host")} in the first'
    return f'batch 1 of {len(play.batches)}: {hosts_in_short(play.batches[0].hosts)} (others differ)'


def _task_node(task: TaskPlan) -> _Node:
    lines = [f'{number_of(task.task_id)} {_short(task.name)}', short_name(task.module)]
    if task.path == 'stock':
        lines.append(f'stock: {task.path_reason.value}' if task.path_reason is not None else 'stock')
    if task.barrier is not None:
        lines.append(f'barrier: {task.barrier.value}')
    if task.cut is not None and task.cut.kind == 'cut':
        lines.append(f'cut: {task.cut.value} {task.cut_detail}'.rstrip())
    tooltip = [task.name]
    tooltip.extend(one.text for one in (task.path_reason, task.barrier, task.cut) if one is not None)
    return _Node(task.task_id, tuple(lines), task.path, task.barrier is not None, '\n'.join(dict.fromkeys(tooltip)))


def _handler_node(handler: HandlerPlan) -> _Node:
    lines = [f'{number_of(handler.handler_id)} {_short(handler.name)}', short_name(handler.module)]
    if handler.path == 'stock' and handler.path_reason is not None:
        lines.append(f'stock: {handler.path_reason.value}')
    return _Node(handler.handler_id, tuple(lines), 'handler', False, handler.name)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f'{name[:_LONGEST - 1]}…'


def _walk(clusters: t.Iterable[_Node | _Cluster]) -> t.Iterator[_Node]:
    for one in clusters:
        if isinstance(one, _Cluster):
            yield from _walk(one.members)
        else:
            yield one


def _edges(graph: Graph, known: t.Container[str]) -> t.Iterator[Edge]:
    return (edge for edge in graph.drawn if edge.before in known and edge.after in known)


# -- DOT

_DOT_NODES = {
    'agent': 'fillcolor="#e8f1fb"', 'controller': 'fillcolor="#f4f4f4"', 'stock': 'fillcolor="#fdf0d5"',
    'handler': 'fillcolor="#eef7ee", style="rounded,filled"',
}
_DOT_CLUSTERS = {
    'play': 'style="rounded"; color="#5b6b7b"; penwidth=1.5', 'batch': 'style="rounded,dashed"; color="#5b6b7b"',
    'bundle': 'style="rounded,filled"; color="#9db8d6"; fillcolor="#f6faff"', 'handlers': 'style="rounded,dotted"; color="#5f8f5f"',
}


def dot(plan: ExecutionPlan) -> str:
    """A digraph for Graphviz; evidence of edges is their tooltip (``-Tsvg``)."""
    clusters = _clusters(plan)
    lines = [
        'digraph plan {', '  graph [rankdir=TB, compound=true, fontname="sans-serif", fontsize=12, ranksep=0.4, nodesep=0.25];',
        '  node [shape=box, style=filled, fontname="sans-serif", fontsize=10, color="#5b6b7b"];',
        '  edge [fontname="sans-serif", fontsize=8, color="#5b6b7b", arrowsize=0.7];',
    ]
    lines.extend(_dot_members(clusters, '  ', itertools.count().__next__))
    known = {node.key for node in _walk(clusters)}
    for edge in _edges(graph_of(plan), known):
        evidence = _dot_text(edge.evidence)
        lines.append(
            f'  {_dot_text(edge.before)} -> {_dot_text(edge.after)} [label={_dot_text(edge.label)}, tooltip={evidence}, labeltooltip={evidence}];')
    return '\n'.join([*lines, '}']) + '\n'


def _dot_members(members: t.Iterable[_Node | _Cluster], indent: str, number: t.Callable[[], int]) -> t.Iterator[str]:
    for one in members:
        if isinstance(one, _Cluster):
            yield f'{indent}subgraph cluster_{number()} {{'
            yield f'{indent}  label={_dot_text(one.title)}; {_DOT_CLUSTERS[one.look]};'
            yield from _dot_members(one.members, f'{indent}  ', number)
            yield f'{indent}}}'
        else:
            more = ', peripheries=2, color="#a03a8c"' if one.barrier else ''
            yield f'{indent}{_dot_text(one.key)} [label={_dot_text(chr(10).join(one.lines))}, tooltip={_dot_text(one.tooltip)}, {_DOT_NODES[one.look]}{more}];'


def _dot_text(text: str) -> str:
    """A quoted string: nothing in it is an escape, an entity or the end of it, but its line breaks."""
    lines = (clean(line).replace('&', '&amp;').replace('\\', '\\\\').replace('"', '\\"') for line in text.split('\n'))
    return '"' + '\\n'.join(lines) + '"'


# -- Mermaid

_MERMAID_PLAIN = frozenset(string.ascii_letters + string.digits + ' _-.,:/+*=!?…')
_MERMAID_SHAPES = {'agent': ('["', '"]'), 'controller': ('(["', '"])'), 'stock': ('[["', '"]]'), 'handler': ('("', '")')}
_MERMAID_CLASSES = (
    'classDef agent fill:#e8f1fb,stroke:#5b6b7b,color:#1b2733', 'classDef controller fill:#f4f4f4,stroke:#5b6b7b,color:#1b2733',
    'classDef stock fill:#fdf0d5,stroke:#8a6d1f,color:#1b2733', 'classDef handler fill:#eef7ee,stroke:#5f8f5f,color:#1b2733',
    'classDef barrier stroke:#a03a8c,stroke-width:3px',
)


def mermaid(plan: ExecutionPlan) -> str:
    """A flowchart for Mermaid, which has no tooltips of edges: their evidence stands in comments."""
    clusters = _clusters(plan)
    nodes = list(_walk(clusters))
    names = {node.key: f'n{number}' for number, node in enumerate(nodes)}
    lines = ['flowchart TB', *(f'  {line}' for line in _MERMAID_CLASSES)]
    lines.extend(_mermaid_members(clusters, '  ', names, itertools.count().__next__))
    for edge in _edges(graph_of(plan), names):
        lines.append(f'  %% {_mermaid_text(edge.causes[0].reason)}')
        lines.append(f'  {names[edge.before]} -->|"{_mermaid_text(edge.label)}"| {names[edge.after]}')
    by_look: dict[str, list[str]] = {}
    for node in nodes:
        by_look.setdefault(node.look, []).append(names[node.key])
        if node.barrier:
            by_look.setdefault('barrier', []).append(names[node.key])
    lines.extend(f'  class {",".join(members)} {look}' for look, members in by_look.items())
    return '\n'.join(lines) + '\n'


def _mermaid_members(members: t.Iterable[_Node | _Cluster], indent: str, names: t.Mapping[str, str], number: t.Callable[[], int]) -> t.Iterator[str]:
    for one in members:
        if isinstance(one, _Cluster):
            yield f'{indent}subgraph s{number()}["{_mermaid_text(one.title)}"]'
            yield f'{indent}  direction TB'
            yield from _mermaid_members(one.members, f'{indent}  ', names, number)
            yield f'{indent}end'
        else:
            before, after = _MERMAID_SHAPES[one.look]
            yield f'{indent}{names[one.key]}{before}{"<br/>".join(map(_mermaid_text, one.lines))}{after}'


def _mermaid_text(text: str) -> str:
    """Characters that mean something to Mermaid, Markdown or HTML are written as their numbers."""
    return ''.join(char if char in _MERMAID_PLAIN or (ord(char) > 127 and char.isalnum()) else f'#{ord(char)};' for char in clean(text)) or ' '
