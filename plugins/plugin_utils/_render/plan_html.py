# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A plan as one HTML file: the graph, the expected run, and a table of tasks.

Rule 1: no text of a playbook is markup: it travels as data (`page_parts.py`), and the script puts it in as text.
Rule 2: facts are gathered here; the script lays them out and decides nothing.
"""
from __future__ import annotations

import html
import os.path
import string
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.estimate import Estimate
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionPlan, HandlerPlan, PlayPlan, TaskPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import clean
from ansible_collections.rustle.engine.plugins.plugin_utils._render.page_parts import island, part, policy
from ansible_collections.rustle.engine.plugins.plugin_utils._render.plan_text import summary
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style, number_of
from ansible_collections.rustle.engine.plugins.plugin_utils._render.timeline import timeline
from ansible_collections.rustle.engine.plugins.plugin_utils._render.view import (
    arguments_in_short,
    condition_words,
    graph_of,
    hosts_in_short,
    seconds,
)

__all__ = ['page', 'page_data']

_STYLES = ('page_theme.css', 'page.css')
_SCRIPTS = ('page.js', 'page_graph.js', 'page_timeline.js', 'page_table.js')


def page(plan: ExecutionPlan) -> str:
    """The whole file."""
    style, script = ''.join(map(part, _STYLES)), ''.join(map(part, _SCRIPTS))
    return string.Template(part('page.html')).substitute(
        policy=policy(style, script), title=html.escape(clean(_title(plan))), summary=html.escape(summary(plan, Style(width=10_000)).strip()),
        style=style, data=island(page_data(plan)), script=script)


def _title(plan: ExecutionPlan) -> str:
    names = ', '.join(os.path.basename(name) for name in plan.metadata.playbooks)
    return f'Plan of {names}' if names else 'Plan'


def page_data(plan: ExecutionPlan) -> dict[str, t.Any]:
    """What the script gets: plays, nodes (tasks and handlers, each once), edges between them by number, the expected run."""
    graph = graph_of(plan)
    place = {key: number for number, key in enumerate(graph.nodes)}
    layers = graph.layers()
    nodes: list[dict[str, t.Any]] = [{} for _node in graph.nodes]
    for number, play in enumerate(plan.plays):
        for key, made in _nodes_of(play):
            nodes[place[key]] = {'id': key, 'number': number_of(key), 'play': number, 'layer': layers[key], **made}
    told: set[Reason] = set()
    for task in plan.tasks():
        told.update(one for one in (task.path_reason, task.cut, task.barrier) if one is not None)
    told.update(bundle.ended_by for play in plan.plays for batch in play.batches for bundle in batch.bundles)
    told.update(handler.path_reason for play in plan.plays for handler in play.handlers if handler.path_reason is not None)
    return {
        'nodes': nodes,
        'edges': [[place[edge.before], place[edge.after], edge.label, edge.evidence] for edge in graph.drawn],
        'plays': [_play(play) for play in plan.plays],
        'reasons': {reason.value: reason.text for reason in sorted(told)},
        'timeline': timeline(plan, place),
        'made': f'{plan.metadata.created_at}, rustle.engine {plan.metadata.rustle_plan_version}',
        'warnings': list(plan.warnings),
    }


def _play(play: PlayPlan) -> dict[str, t.Any]:
    return {
        'name': clean(play.name), 'hosts': clean(hosts_in_short(play.hosts)), 'count': len(play.hosts), 'batches': len(play.batches),
        'strategy': play.strategy.value, 'ordering': play.ordering}


def _nodes_of(play: PlayPlan) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    seen: set[str] = set()
    for batch in play.batches:
        numbers = {bundle.bundle_id: number for number, bundle in enumerate(batch.bundles, 1)}
        for task in batch.tasks:
            if task.task_id not in seen:
                seen.add(task.task_id)
                made = _task(task, play)
                number = numbers.get(task.bundle_id or '')
                if number is not None:
                    bundle = batch.bundles[number - 1]
                    made |= {'bundle': number, 'bundles': len(batch.bundles), 'size': len(bundle.tasks), 'endedBy': bundle.ended_by.value,
                             'endedAt': bundle.ended_at, 'endedDetail': clean(bundle.detail)}
                if task.task_id in batch.critical_path:
                    made['critical'] = True
                yield task.task_id, made
    for handler in play.handlers:
        yield handler.handler_id, _handler(handler)


def _task(task: TaskPlan, play: PlayPlan) -> dict[str, t.Any]:
    stock = [f'{hosts_in_short(one.hosts)}: {one.stock.value}: {one.stock.text}' for one in play.host_classes if one.stock is not None]
    facts: dict[str, t.Any] = {
        'kind': 'task', 'name': clean(task.name), 'module': clean(short_name(task.module)), 'path': task.path,
        'pathReason': _code(task.path_reason), 'pathDetail': clean(task.path_detail), 'barrier': _code(task.barrier), 'cut': _code(task.cut),
        'cutDetail': clean(task.cut_detail), 'after': [[one.task_id, one.kind.value, clean(one.reason)] for one in task.dependencies],
        'risk': task.risk_level.value, 'scope': task.scope, 'parallel': clean(task.parallel_reason), 'canRunParallel': task.can_run_parallel,
        'hosts': '' if task.hosts is None else clean(hosts_in_short(task.hosts)),
        'otherHosts': list(map(clean, stock)) if task.path == 'agent' else [],
        'writes': list(map(clean, task.writes)), 'reads': list(map(clean, task.reads)), 'notify': list(map(clean, task.notify)),
        'section': task.section if task.section != 'block' else '', 'role': clean(task.role), 'tags': list(map(clean, task.tags)),
        'unknown': [*map(clean, task.unknown_args), *([f'its tasks ({task.opaque.value}: {task.opaque.text})'] if task.opaque is not None else [])],
    }
    return _without_nothing(facts | _common(task))


def _handler(handler: HandlerPlan) -> dict[str, t.Any]:
    return _without_nothing({
        'kind': 'handler', 'name': clean(handler.name), 'module': clean(short_name(handler.module)), 'path': handler.path,
        'pathReason': _code(handler.path_reason), 'listen': list(map(clean, handler.listen)),
        'after': [[task_id, 'notify', 'it notifies the handler'] for task_id in handler.notified_by], **_common(handler)})


def _common(one: TaskPlan | HandlerPlan) -> dict[str, t.Any]:
    return {
        'conditions': list(map(clean, condition_words(one))), 'args': clean(arguments_in_short(one.args)), 'where': clean(one.where),
        'estimate': _estimate(one.estimated_duration), 'seconds': one.estimated_duration.median if one.estimated_duration is not None else None}


def _without_nothing(facts: dict[str, t.Any]) -> dict[str, t.Any]:
    """A thousand tasks have many facts that say nothing."""
    return {name: value for name, value in facts.items() if value not in (None, '', [])}


def _code(reason: Reason | None) -> str:
    return '' if reason is None else reason.value


def _estimate(known: Estimate | None) -> str:
    return '' if known is None else f'{seconds(known.median)} ± {seconds(known.spread / 2)} ({known.count})'
