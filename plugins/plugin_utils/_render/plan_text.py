# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A plan for the terminal: the summary, the tree of plays, batches, bundles and tasks, and lists.

Rule 1: no line is wider than ``style.width``, whatever the names are; below 40 columns it is laid out for 40.
Rule 2: every function returns text that ends with a line break.
"""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import BinaryDeployment, BinarySuitabilityAnalysis, ExecutionPlan, PlayPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import HostClass
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import Paint, clean, cut, fill, width, wrapped
from ansible_collections.rustle.engine.plugins.plugin_utils._render.plan_explain import explain
from ansible_collections.rustle.engine.plugins.plugin_utils._render.plan_tree import tree
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style, number_of
from ansible_collections.rustle.engine.plugins.plugin_utils._render.view import count, hosts_in_short, round_trips, seconds, suitability_of

__all__ = ['Style', 'binaries', 'explain', 'hosts', 'plan', 'summary', 'tasks']

_SEPARATOR: t.Final = ' · '


def plan(plan: ExecutionPlan, style: Style, *, estimates: bool = False) -> str:
    """The summary and the tree. ``estimates``: what history says of every task, and how much of it there is."""
    lines = [summary(plan, style).rstrip('\n'), *tree(plan, style, estimates=estimates)]
    if estimates:
        lines.extend(['', *_history(plan, style)])
    return '\n'.join(lines) + '\n'


def summary(plan: ExecutionPlan, style: Style) -> str:
    """One line where it fits: plays, tasks, hosts, bundles, round trips planned and stock, the estimate."""
    planned, stock = round_trips(plan)
    bundles = sum(len(batch.bundles) for play in plan.plays for batch in play.batches)
    parts = [
        f'{count(len(plan.plays), "play")}, {count(plan.total_tasks, "task")}, {count(len(plan.hosts), "host")}', count(bundles, 'bundle'),
        f'{count(planned, "round trip")} a host (stock: {stock:,})', _expected(plan),
    ]
    lines = ['']
    for part in parts:
        joined = f'{lines[-1]}{_SEPARATOR}{part}' if lines[-1] else part
        if lines[-1] and width(joined) > style.cells:
            lines.append(part)
        else:
            lines[-1] = joined
    paint = Paint(style.colour)
    return ''.join(paint('title', cut(line, style.cells)) + '\n' for line in lines)


def _expected(plan: ExecutionPlan) -> str:
    if plan.estimated_duration is not None:
        spread = f' ± {seconds(plan.estimated_duration.spread / 2)}' if plan.estimated_duration.spread else ''
        return f'about {seconds(plan.estimated_duration.median)}{spread}'
    known, every = _known(plan)
    return f'history of {known} of {count(every, "task")}' if known else 'no history yet'


def _known(plan: ExecutionPlan) -> tuple[int, int]:
    """(tasks with an estimate, tasks)."""
    every = {task.task_id: task.estimated_duration is not None for task in plan.tasks()}
    return sum(every.values()), len(every)


def _history(plan: ExecutionPlan, style: Style) -> list[str]:
    known, every = _known(plan)
    if not known:
        text = 'no history yet: estimates come from earlier runs of these tasks, and nothing is guessed'
    else:
        runs = [task.estimated_duration.count for task in plan.tasks() if task.estimated_duration is not None]
        text = (f'estimates: median ± half of the width of the middle 80 %, and the number of runs they are made from; {known} of '
                f'{count(every, "task")} known, from {min(runs):,} to {max(runs):,} runs')
        if plan.estimated_duration is None:
            text += '; the total is not known as long as one is missing'
    return wrapped(text, style.cells)


# -- lists

def tasks(plan: ExecutionPlan, style: Style) -> str:
    """One line for each task and handler: number, name, module, path, and tags where there are any."""
    paint = Paint(style.colour)
    lines = []
    name, module = (style.cells - 30) // 2 + 4, 16 if style.cells < 100 else 26
    for number, play in enumerate(plan.plays, 1):
        lines.append(paint('play', cut(f'play {number}: {clean(play.name)} ({count(len(play.hosts), "host")})', style.cells)))
        rows: list[tuple[str, str, str, str, tuple[str, ...]]] = []
        for task in play.batches[0].tasks if play.batches else ():
            path = f'stock: {task.path_reason.value}' if task.path_reason is not None and task.path == 'stock' else task.path
            rows.append((number_of(task.task_id), task.name, task.module, path, task.tags))
        rows.extend((number_of(one.handler_id), one.name, one.module, f'handler, {one.path}', ()) for one in play.handlers)
        for key, title, action, path, tags in rows:
            line = f'{fill(key, 5, right=True)}  {fill(clean(title), name)}  {fill(clean(short_name(action)), module)}  {path}'
            line += f'  [{", ".join(map(clean, tags))}]' if tags else ''
            lines.append(paint('stock', cut(line, style.cells)) if path.startswith('stock') else cut(line, style.cells).rstrip())
    return '\n'.join(lines or ['no plays']) + '\n'


def hosts(plan: ExecutionPlan, style: Style) -> str:
    """Hosts of each play by class, and whether a binary deployment pays for the class."""
    paint = Paint(style.colour)
    found = suitability_of(plan)
    lines = []
    for number, play in enumerate(plan.plays, 1):
        lines.append(paint('play', cut(f'play {number}: {clean(play.name)} ({count(len(play.hosts), "host")})', style.cells)))
        for one in play.host_classes:
            lines.extend(wrapped(_class_words(one), style.cells, first='  ', later='    '))
            lines.extend(wrapped(clean(hosts_in_short(one.hosts)), style.cells, first='    '))
            if one.stock is not None:
                detail = f' ({one.stock_detail})' if one.stock_detail else ''
                lines.extend(wrapped(clean(f'stock path: {one.stock.value}: {one.stock.text}{detail}'), style.cells, first='    '))
            analysis = found.get((play.play_id, one.class_id))
            if analysis is not None:
                lines.extend(wrapped(clean(_suitability_words(analysis)), style.cells, first='    '))
        if len(play.batches) > 1:
            lines.append(f'  batches (serial {", ".join(map(clean, play.serial))})' if play.serial else '  batches')
            for position, batch in enumerate(play.batches, 1):
                lines.extend(wrapped(clean(hosts_in_short(batch.hosts)), style.cells, first=f'    {position}: '))
    return '\n'.join(lines or ['no plays']) + '\n'


def _class_words(one: HostClass) -> str:
    profile = one.profile
    known = [profile.os, profile.arch, f'Python {profile.python}' if profile.python else '']
    parts = [
        f'{one.class_id}: {count(len(one.hosts), "host")}', one.connection, ' '.join(filter(None, known)) or 'nothing known of them',
        'the controller itself' if one.local else '', 'one machine under several names' if one.shared_machine else '']
    return clean(', '.join(filter(None, parts)))


def _suitability_words(one: BinarySuitabilityAnalysis) -> str:
    verdict = 'a binary deployment pays' if one.suitable else 'no binary deployment'
    saved = f'; {count(one.round_trips_saved, "round trip")} fewer a host' if one.round_trips_saved else ''
    return f'{verdict} ({one.bound_by}): {one.explanation}{saved}'


def binaries(plan: ExecutionPlan, style: Style) -> str:
    """The binary deployments; where a class of hosts has none, why."""
    paint = Paint(style.colour)
    found = suitability_of(plan)
    plays = {play.play_id: number for number, play in enumerate(plan.plays, 1)}
    lines: list[str] = []
    for one in plan.binary_deployments:
        lines.append(paint('play', cut(clean(f'{one.binary_name} ({one.deployment_id})'), style.cells)))
        for name, text in _deployment_facts(one):
            lines.extend(wrapped(clean(text), style.cells, first=f'  {fill(name, 10)} '))
    for play in plan.plays:
        for host_class, analysis in _without(play, found):
            text = f'none for {hosts_in_short(host_class.hosts)} in play {plays[play.play_id]} ({play.name}): {analysis.explanation}'
            lines.extend(wrapped(clean(text), style.cells, later='  '))
    return '\n'.join(lines or ['no binary deployments']) + '\n'


def _deployment_facts(one: BinaryDeployment) -> t.Iterator[tuple[str, str]]:
    size = 'not built' if one.estimated_size is None else f'{one.estimated_size:,} bytes'
    made = one.estimated_compilation_time
    yield 'mode', one.execution_mode.value
    yield 'size', size + (f', built in {seconds(made.median)}' if made is not None else '')
    if one.checksum:
        yield 'checksum', one.checksum
    yield 'hosts', hosts_in_short(one.target_hosts)
    yield 'needs', ', '.join(f'{key} {value}' for key, value in one.requirements.items())
    yield 'tasks', f'{len(one.tasks)} in {count(len(one.bundles), "bundle")}'
    yield 'modules', ', '.join(one.modules)
    beside = [*(f'{file.path} ({file.size:,} bytes)' for file in one.static_files), *one.variables, *one.facts_required]
    if beside:
        yield 'beside it', ', '.join(beside)


def _without(
    play: PlayPlan, found: t.Mapping[tuple[str, str], BinarySuitabilityAnalysis],
) -> t.Iterator[tuple[HostClass, BinarySuitabilityAnalysis]]:
    for one in play.host_classes:
        analysis = found.get((play.play_id, one.class_id))
        if analysis is not None and not analysis.suitable:
            yield one, analysis
