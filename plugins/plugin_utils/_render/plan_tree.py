# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tree of a plan: plays, batches, bundles, tasks, with barriers as lines across.

Rule 1: batches that do the same are drawn once; a bundle of one task is drawn as that task.
Rule 2: a reason is explained in full where it comes first, and stands as its code from then on.
"""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.estimate import Estimate
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionBatch, ExecutionPlan, HandlerPlan, PlayPlan, TaskPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import Paint, clean, cut, fill, width, wrapped
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style, number_of
from ansible_collections.rustle.engine.plugins.plugin_utils._render.view import (
    AlikeBatches,
    Edge,
    Piece,
    alike,
    arguments_in_short,
    condition_words,
    count,
    depths,
    graph_of,
    hosts_in_short,
    pieces,
    seconds,
)

__all__ = ['tree']


@dataclasses.dataclass(slots=True)
class _Branch:
    """``line`` makes the branch's own line out of what stands before it; ``details`` stand below it, a text each."""

    line: t.Callable[[str], str]
    details: list[str] = dataclasses.field(default_factory=list)
    children: list[_Branch] = dataclasses.field(default_factory=list)
    rule: bool = False


def tree(plan: ExecutionPlan, style: Style, *, estimates: bool = False) -> list[str]:
    """Lines without line breaks."""
    return _Tree(plan, style, estimates).lines()


class _Tree:
    def __init__(self, plan: ExecutionPlan, style: Style, estimates: bool) -> None:
        self._plan = plan
        self._style = style
        self._cells = style.cells
        self._paint = Paint(style.colour)
        self._told: set[Reason] = set()
        self._names = {task.task_id: task.name for task in plan.tasks()}
        self._names.update({handler.handler_id: handler.name for play in plan.plays for handler in play.handlers})
        self._into: dict[str, list[Edge]] = {}
        if style.verbosity == 1:
            for edge in graph_of(plan).drawn:
                self._into.setdefault(edge.after, []).append(edge)
        known = any(task.estimated_duration is not None for task in plan.tasks())
        self._detailed = estimates and known
        self._clock = 25 if self._detailed else 11 if known else 0
        self._module = 12 if self._cells < 90 else 16 if self._cells < 130 else 28
        self._note = 16 if self._cells < 70 else 24 if self._cells < 100 else 34 if self._cells < 130 else 44
        self._depths: dict[str, int] = {}
        self._lines: list[str] = []

    def lines(self) -> list[str]:
        for play in self._plan.plays:
            self._play(play)
        return self._lines

    # -- what there is to draw

    def _play(self, play: PlayPlan) -> None:
        self._lines.append('')
        title = f'{clean(play.name)}  '
        facts = f'{count(len(play.hosts), "host")}, {play.strategy.value}, {play.ordering}'
        facts += f', serial {", ".join(map(clean, play.serial))}' if play.serial else ''
        self._lines.append(self._ends(title, facts + self._clocked(play.estimated_duration), 'play'))
        self._lines.extend(self._paint('dim', line) for line in self._host_lines(play.hosts, '│ ' if play.batches else '  '))
        branches: list[_Branch] = []
        groups = alike(play)
        for group in groups:
            if len(play.batches) == 1:
                branches.extend(self._batch(group.batches[0]))
            else:
                branches.append(_Branch(self._titled(self._batch_title(group, play)), children=self._batch(group.batches[0])))
                for number, batch in enumerate(group.batches[1:], group.first + 1):
                    text = f'batch {number} of {len(play.batches)} as batch {group.first}: {clean(hosts_in_short(batch.hosts))}'
                    branches.append(_Branch(self._titled(text)))
        if play.handlers:
            branches.append(_Branch(
                self._titled('handlers, where they are flushed and were notified'), children=[self._handler(handler) for handler in play.handlers]))
        self._draw(branches, '')

    def _host_lines(self, hosts: t.Sequence[str], before: str) -> list[str]:
        """Two lines of hosts at most."""
        lines = wrapped(clean(hosts_in_short(hosts)), self._cells, first=before, later=before) if hosts else []
        return lines if len(lines) < 3 else [lines[0], cut(f'{lines[1]} …', self._cells - 1).removesuffix('…').rstrip() + ' …']

    def _batch_title(self, group: AlikeBatches, play: PlayPlan) -> str:
        return f'batch {group.first} of {len(play.batches)}: {clean(hosts_in_short(group.batches[0].hosts))}'

    def _batch(self, batch: ExecutionBatch) -> list[_Branch]:
        branches: list[_Branch] = []
        self._depths = depths(batch)
        behind = False  # a barrier task came right before
        for piece in pieces(batch):
            inner: list[_Branch] = []
            for position, task in enumerate(piece.tasks):
                target = branches if position == 0 else inner
                if task.barrier is not None:
                    target.append(self._rule(task.barrier))
                elif behind:
                    target.append(_Branch(self._ruled(''), rule=True))
                behind = task.barrier is not None
                inner.append(self._task(task, piece if len(piece.tasks) == 1 else None))
            if piece.bundle is not None and len(piece.tasks) > 1:
                branches.append(_Branch(self._titled(self._bundle_title(piece)), children=inner))
            else:
                branches.extend(inner)
        return branches

    def _bundle_title(self, piece: Piece) -> str:
        return f'bundle {piece.number}: {count(len(piece.tasks), "task")}, one round trip'

    def _rule(self, reason: Reason) -> _Branch:
        text = reason.value if reason in self._told else f'{reason.value}: {reason.text}'
        self._told.add(reason)
        return _Branch(self._ruled(f' barrier {text} '), rule=True)

    def _task(self, task: TaskPlan, alone: Piece | None) -> _Branch:
        prefix = '↳ ' * self._depths[task.task_id] + ('' if task.section == 'block' else f'{task.section}: ')
        name = prefix + clean(task.name) + (f' → {", ".join(map(clean, task.notify))}' if task.notify else '')
        decided = {one.decided for one in task.conditions if one.kind in ('when', 'include')}
        if False in decided:
            name = f'(skipped) {name}'
        elif None in decided:
            name = f'? {name}'
        colour = 'stock' if task.path == 'stock' else 'cut' if task.cut is not None and task.cut.kind == 'cut' else 'dim'
        row = self._row(number_of(task.task_id), name, task.module, self._noted(task, alone), colour, task.estimated_duration)
        return _Branch(row, details=self._details(task) if self._style.verbosity else [])

    def _noted(self, task: TaskPlan, alone: Piece | None) -> str:
        if task.opaque is not None:
            return f'opaque: {task.opaque.value}'
        parts = []
        if task.path == 'stock':
            parts.append(f'stock: {task.path_reason.value if task.path_reason is not None else ""}'.rstrip(': '))
        elif task.flush:
            parts.append('handlers run')
        elif task.path == 'controller':
            parts.append('controller')
        elif alone is not None and alone.number:
            parts.append(f'bundle {alone.number}')
        if task.cut is not None and task.cut.kind == 'cut':
            parts.append(clean(f'cut: {task.cut.value} {task.cut_detail}').rstrip())
        both = ', '.join(reversed(parts))
        return both if width(both) <= self._note else parts[-1]

    def _details(self, task: TaskPlan) -> list[str]:
        if self._style.verbosity == 1:
            causes = [(edge.before, cause) for edge in self._into.get(task.task_id, ()) for cause in edge.causes]
        else:
            causes = [(cause.task_id, cause) for cause in task.dependencies]
        found = [f'after {number_of(before)} {self._names.get(before, "")}: {cause.kind.value}: {cause.reason}' for before, cause in causes]
        if self._style.verbosity > 1:
            found.extend(condition_words(task))
            found.extend(f'{word} {", ".join(names)}' for word, names in (('writes', task.writes), ('reads', task.reads)) if names)
            if task.args:
                found.append(f'arguments {arguments_in_short(task.args)}')
            found.append(f'risk {task.risk_level.value.lower()}, scope {task.scope}' + (f', {task.where}' if task.where else ''))
        return [clean(text) for text in found]

    def _handler(self, handler: HandlerPlan) -> _Branch:
        who = [f'{number_of(task_id)} {self._names.get(task_id, "")}'.rstrip() for task_id in handler.notified_by]
        name = f'{clean(handler.name)} ← {clean(", ".join(who)) or "nobody notifies it"}'
        note = f'stock: {handler.path_reason.value}' if handler.path == 'stock' and handler.path_reason is not None else handler.path
        row = self._row(
            number_of(handler.handler_id), name, handler.module, note if note != 'agent' else '', 'stock' if handler.path == 'stock' else 'dim',
            handler.estimated_duration)
        return _Branch(row)

    # -- lines

    def _row(self, number: str, name: str, module: str, note: str, colour: str, estimate: Estimate | None) -> t.Callable[[str], str]:
        right = self._module + self._note + 2 + self._clock

        def line(before: str) -> str:
            left = f'{fill(number, 3, right=True) if len(number) < 3 else number} {name}'
            text = before + fill(left, max(self._cells - right - width(before), 8)) + ' ' + fill(clean(short_name(module)), self._module) + ' '
            room = max(self._cells - self._clock - width(text), 0)
            if not (note or self._clock):
                return cut(text, self._cells).rstrip()
            return text + self._paint(colour, fill(note, room)) + self._paint('good', fill(self._clocked_row(estimate), self._clock, right=True))

        return lambda before: line(before).rstrip()

    def _clocked_row(self, estimate: Estimate | None) -> str:
        if not self._clock:
            return ''
        if estimate is None:
            return '-' if self._detailed else ''
        if self._detailed:
            return f'{seconds(estimate.median)} ± {seconds(estimate.spread / 2)} ({estimate.count})'
        return seconds(estimate.median)

    def _clocked(self, estimate: Estimate | None) -> str:
        return '' if estimate is None else f'  {seconds(estimate.median)}'

    def _ends(self, left: str, right: str, colour: str) -> str:
        """One text at each end of a line."""
        right = cut(right, self._cells * 2 // 3)
        return self._paint(colour, fill(left, self._cells - width(right))) + self._paint('dim', right)

    def _titled(self, text: str) -> t.Callable[[str], str]:
        return lambda before: before + self._paint('bold', cut(text, self._cells - width(before)))

    def _ruled(self, text: str) -> t.Callable[[str], str]:
        def line(before: str) -> str:
            middle = cut(f'══{text}', self._cells - width(before))
            return before + self._paint('barrier', middle + '═' * (self._cells - width(before) - width(middle)))

        return line

    def _draw(self, branches: t.Sequence[_Branch], before: str) -> None:
        for number, branch in enumerate(branches):
            last = number == len(branches) - 1
            if branch.rule:
                self._lines.append(branch.line(before + ('╘' if last else '╞')))
                continue
            self._lines.append(branch.line(before + ('└─' if last else '├─')))
            below = before + ('  ' if last else '│ ')
            inner = below + ('│    ' if branch.children else '     ')
            for text in branch.details:
                self._lines.extend(self._paint('dim', line) for line in wrapped(text, self._cells, first=inner, later=f'{inner}  '))
            self._draw(branch.children, below)
