# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why a task stands where it stands: everything that a plan knows of it, in words.

Rule 1: each question has an answer, be it that nothing forces it.
Rule 2: a reason is given with its code, so that it can be looked up in docs/compatibility.md.
"""
from __future__ import annotations

import difflib
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import UnknownTask
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import (
    Bundle,
    ExecutionBatch,
    ExecutionPlan,
    ExecutionStrategy,
    HandlerPlan,
    PlayPlan,
    RiskLevel,
    TaskPlan,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import MASKED
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import Paint, clean, cut, wrapped
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style, number_of
from ansible_collections.rustle.engine.plugins.plugin_utils._render.view import alike, arguments_in_short, condition_words, count, hosts_in_short, seconds

__all__ = ['explain']

_WHERE: t.Final = '--explain'
_SHOWN = 5  # candidates, and tasks that come later

_RISKS = {
    RiskLevel.LOW: 'it changes nothing but variables',
    RiskLevel.MEDIUM: "it changes this host's own things",
    RiskLevel.HIGH: 'it changes what others may notice',
    RiskLevel.CRITICAL: 'it may change anything: what it does cannot be seen from its arguments',
}
_SCOPES = {
    'none': 'nothing but variables: nobody beyond the controller can notice it',
    'host': "this host's own things: no other host can notice it",
    'world': 'things beyond the host, or nobody knows what',
}


class _Found(t.NamedTuple):
    play: PlayPlan
    task: TaskPlan | None
    handler: HandlerPlan | None
    batch: ExecutionBatch | None

    @property
    def key(self) -> str:
        return self.task.task_id if self.task is not None else self.handler.handler_id if self.handler is not None else ''

    @property
    def name(self) -> str:
        return self.task.name if self.task is not None else self.handler.name if self.handler is not None else ''


def explain(plan: ExecutionPlan, task: str, style: Style) -> str:
    """All about a task or handler: by id, number or name; then by what a name begins with or contains, where only one does.

    Tasks of the same name are all explained. UnknownTask when nothing, or more than one thing, was meant.
    """
    every = tuple(_all(plan))
    names = {one.key: one.name for one in every}
    lines: list[str] = []
    for one in _meant(every, task):
        if lines:
            lines.append('')
        lines.extend(_Words(plan, style, names).about(one))
    return '\n'.join(lines) + '\n'


def _all(plan: ExecutionPlan) -> t.Iterator[_Found]:
    for play in plan.plays:
        for batch in play.batches[:1]:
            yield from (_Found(play, task, None, batch) for task in batch.tasks)
        yield from (_Found(play, None, handler, None) for handler in play.handlers)


def _meant(every: t.Sequence[_Found], wanted: str) -> list[_Found]:
    exact = [one for one in every if wanted in (one.key, number_of(one.key))] or [one for one in every if one.name == wanted]
    if exact:
        return exact
    low = wanted.strip().lower()
    short = {one.key: one.name.lower().rpartition(' : ')[2] for one in every}  # without its role
    tests: tuple[t.Callable[[_Found], bool], ...] = (
        lambda one: low in (one.name.lower(), short[one.key]),
        lambda one: one.name.lower().startswith(low) or short[one.key].startswith(low),
        lambda one: low in one.name.lower(),
    )
    for test in tests if low else ():
        found = [one for one in every if test(one)]
        if len(found) == 1:
            return found
        if found:
            listed = ', '.join(f'{one.key} {_quoted(clean(one.name))}' for one in found[:_SHOWN])
            more = f' and {len(found) - _SHOWN} more' if len(found) > _SHOWN else ''
            raise UnknownTask(wanted, where=_WHERE, hint=f'{len(found)} tasks fit: {listed}{more}; give the id of one of them')
    close = difflib.get_close_matches(low, {name for one in every for name in (one.name.lower(), short[one.key], one.key)}, n=1)
    best = next((one for one in every if close and close[0] in (one.name.lower(), short[one.key], one.key)), None)
    hint = f'did you mean {_quoted(clean(best.name))} ({best.key})?' if best is not None else 'rustle-plan --list-tasks shows all tasks'
    raise UnknownTask(wanted, where=_WHERE, hint=hint)


class _Words:
    def __init__(self, plan: ExecutionPlan, style: Style, names: t.Mapping[str, str]) -> None:
        self._plan = plan
        self._cells = style.cells
        self._paint = Paint(style.colour)
        self._names = names
        self._lines: list[str] = []

    def about(self, one: _Found) -> list[str]:
        self._lines = []
        if one.task is not None and one.batch is not None:
            self._task(one.play, one.batch, one.task)
        elif one.handler is not None:
            self._handler(one.play, one.handler)
        return self._lines

    def _say(self, title: str, texts: t.Iterable[str]) -> None:
        self._lines.append(self._paint('title', title))
        for text in texts:
            self._lines.extend(wrapped(clean(text), self._cells, first='  ', later='    '))

    def _named(self, task_id: str) -> str:
        return f'{task_id} {_quoted(self._names[task_id])}' if task_id in self._names else task_id

    def _task(self, play: PlayPlan, batch: ExecutionBatch, task: TaskPlan) -> None:
        self._lines.append(self._paint('play', cut(clean(f'{task.task_id}: {task.name}'), self._cells)))
        hosts = batch.hosts if task.hosts is None else task.hosts
        place = f'{task.module}, in play {_quoted(play.name)}' + (f', role {task.role}' if task.role else '') + (f', {task.where}' if task.where else '')
        self._lines.extend(wrapped(clean(place), self._cells, first='  '))
        self._lines.extend(wrapped(clean(f'on {count(len(hosts), "host")}: {hosts_in_short(hosts)}'), self._cells, first='  '))
        if len(alike(play)) > 1:
            self._lines.extend(wrapped('batches of this play differ; this is the first one', self._cells, first='  '))
        self._say('Why here', self._here(play, batch, task))
        self._say('Why this path', self._path(play, task))
        self._say('Why this bundle', self._bundle(batch, task))
        self._say('Why hosts wait here' if task.barrier is not None else 'Why no host waits here', self._barrier(play, batch, task))
        self._say('Side by side with others', [self._parallel(batch, task)])
        self._say('What it touches', self._touches(task))
        self._say('Whether it runs', self._conditions(task))
        self._say('Risk', [f'{task.risk_level.value}: {_RISKS[task.risk_level]}'])
        self._say('How long it takes', [self._duration(task)])
        self._say('What is not known', self._unknown(task))

    # -- an answer each

    def _here(self, play: PlayPlan, batch: ExecutionBatch, task: TaskPlan) -> t.Iterator[str]:
        for cause in task.dependencies:
            yield f'after {self._named(cause.task_id)} ({cause.kind.value}): {cause.reason}'
        if not task.dependencies:
            yield 'nothing has to come before it; it stands where the playbook has it'
        if task.section != 'block':
            yield f'it stands in the {task.section} section of a block'
        later = [other.task_id for other in batch.tasks if any(cause.task_id == task.task_id for cause in other.dependencies)]
        if later:
            more = f' and {len(later) - _SHOWN} more' if len(later) > _SHOWN else ''
            yield f'what has to come after it: {", ".join(map(self._named, later[:_SHOWN]))}{more}'
        brought = [other.task_id for other in batch.tasks if other.included_by == task.task_id]
        if brought:
            more = f' and {len(brought) - _SHOWN} more' if len(brought) > _SHOWN else ''
            yield f'it brings {", ".join(map(self._named, brought[:_SHOWN]))}{more}'
        told = [handler.name for handler in play.handlers if task.task_id in handler.notified_by]
        if told or task.notify:
            yield f'it notifies {", ".join(told or task.notify)}' + ('' if told else ' (no handler of this play has that name)')
        if task.flush:
            yield 'handlers that were notified so far run here'
        if task.task_id in batch.critical_path:
            yield 'it is on the critical path: a play takes at least as long as the tasks on it'

    def _path(self, play: PlayPlan, task: TaskPlan) -> t.Iterator[str]:
        if task.path == 'stock':
            reason = task.path_reason
            detail = f' ({task.path_detail})' if task.path_detail else ''
            yield f"stock, Ansible's own worker: {_coded(reason)}{detail}" if reason is not None else "stock, Ansible's own worker"
        elif task.path == 'controller':
            yield 'controller: it asks nothing of its host'
        else:
            yield 'agent: nothing speaks for the stock path'
            theirs = [one for one in self._plan.binary_deployments if task.task_id in one.tasks]
            if theirs:
                yield f'its code is in {", ".join(one.deployment_id for one in theirs)}'
        if task.path != 'controller':
            for one in play.host_classes:
                if one.stock is not None and task.path != 'stock':
                    detail = f' ({one.stock_detail})' if one.stock_detail else ''
                    yield f'on {hosts_in_short(one.hosts)} the stock path: {_coded(one.stock)}{detail}'

    def _bundle(self, batch: ExecutionBatch, task: TaskPlan) -> t.Iterator[str]:
        number, bundle = next(((number, one) for number, one in enumerate(batch.bundles, 1) if one.bundle_id == task.bundle_id), (0, None))
        if bundle is None:
            why = {'stock': ': tasks on the stock path never are', 'controller': ': no bundle is under way here, and it needs none'}
            yield 'it is in none' + why.get(task.path, '')
        else:
            yield f'{count(len(bundle.tasks), "task")} in bundle {number} of {len(batch.bundles)} ({bundle.bundle_id}), which costs one round trip'
            yield self._ending(bundle)
        if task.cut is not None:
            detail = f' ({task.cut_detail})' if task.cut_detail else ''
            yield f'cut before it: {_coded(task.cut)}{detail}'
        elif bundle is not None and bundle.tasks[:1] == (task.task_id,):
            yield 'it begins the bundle: nothing was under way'
        elif bundle is not None:
            yield f'it goes along with {self._named(bundle.tasks[max(bundle.tasks.index(task.task_id) - 1, 0)])}: it needs no result that is under way'

    def _ending(self, bundle: Bundle) -> str:
        at = f' before {self._named(bundle.ended_at)}' if bundle.ended_at else ''
        return f'the bundle ends{at}: {_coded(bundle.ended_by)}' + (f' ({bundle.detail})' if bundle.detail else '')

    def _barrier(self, play: PlayPlan, batch: ExecutionBatch, task: TaskPlan) -> t.Iterator[str]:
        if task.barrier is not None:
            yield f'{_coded(task.barrier)}: all hosts come to it before one begins it, and all have done it before one goes on'
            if task.barrier is Reason.WORLDLY:
                yield 'where that is not so, rustle_scope: host or rustle_effects on the task says it (docs/ordering.md)'
        elif len(batch.hosts) < 2:
            yield 'there is one host: nobody is there to wait for'
        elif play.strategy in (ExecutionStrategy.FREE, ExecutionStrategy.HOST_PINNED):
            yield f'with the strategy {play.strategy.value} no host waits for another'
        elif play.ordering == 'host':
            yield 'the ordering mode is host: the hosts of this play do not depend on each other, says the user'
        else:
            yield f'scope {task.scope}: {_SCOPES.get(task.scope, "nothing that others notice")}; hosts may run ahead through it ({play.ordering})'

    def _parallel(self, batch: ExecutionBatch, task: TaskPlan) -> str:
        own = next((one for one in batch.parallel_groups if task.task_id in one.tasks), None)
        if task.can_run_parallel and own is not None:
            others = [self._named(task_id) for task_id in own.tasks if task_id != task.task_id]
            more = f' and {len(others) - _SHOWN} more' if len(others) > _SHOWN else ''
            says = f' (rustle_parallel: {clean(own.declared)})' if own.declared else ''
            return f'{own.status}{says}, with {", ".join(others[:_SHOWN])}{more}: {task.parallel_reason}'
        return f'{"possible" if task.can_run_parallel else "no"}: {task.parallel_reason or "nothing is known of it"}'

    def _touches(self, task: TaskPlan) -> t.Iterator[str]:
        yield f'scope {task.scope}: {_SCOPES.get(task.scope, "not known")}'
        for word, names in (('writes', task.writes), ('reads', task.reads)):
            names = tuple(dict.fromkeys('anything on the host' if name == '*' else name for name in names))
            yield f'{word} {", ".join(names)}' if names else f'{word} nothing that is known'
        if task.args:
            yield f'arguments: {arguments_in_short(task.args)}'

    def _conditions(self, task: TaskPlan | HandlerPlan) -> t.Iterator[str]:
        yield from condition_words(task) or ['always: it has no condition']

    def _duration(self, task: TaskPlan | HandlerPlan) -> str:
        known = task.estimated_duration
        if known is None:
            return 'no history yet'
        return f'{seconds(known.median)} (median of {count(known.count, "run")}; the middle 80 % are {seconds(known.spread)} wide)'

    def _unknown(self, task: TaskPlan) -> t.Iterator[str]:
        if task.unknown_args:
            yield f'the value of {", ".join(task.unknown_args)}, until its turn has come'
        if task.opaque is not None:
            yield f'which tasks it brings: {_coded(task.opaque)}' + (f' ({task.opaque_detail})' if task.opaque_detail else '')
        secret = [name for name, value in task.args.items() if value == MASKED and name not in task.unknown_args]
        if secret:
            yield f'{", ".join(secret)} is not shown'
        if any(one.kind == 'when' and one.decided is None for one in task.conditions):
            yield 'whether it is skipped'
        if '*' in task.writes or '*' in task.reads:
            yield 'what it touches on the host: it may be anything'
        if task.path == 'agent':
            yield 'whether it changes something, and fails: only the run tells'

    def _handler(self, play: PlayPlan, handler: HandlerPlan) -> None:
        self._lines.append(self._paint('play', cut(clean(f'{handler.handler_id}: {handler.name}'), self._cells)))
        place = f'handler, {handler.module}, in play {_quoted(play.name)}' + (f', {handler.where}' if handler.where else '')
        self._lines.extend(wrapped(clean(place), self._cells, first='  '))
        who = [f'notified by {self._named(task_id)}' for task_id in handler.notified_by] or ['no task of this plan notifies it: it does not run']
        listens = [f'it listens to {", ".join(handler.listen)}'] if handler.listen else []
        self._say('Why here', [*who, *listens, 'it runs where handlers are flushed, once however many notify it, in the order of definition'])
        stock = f"stock, Ansible's own worker: {_coded(handler.path_reason)}" if handler.path_reason is not None else handler.path
        self._say('Why this path', [stock if handler.path == 'stock' else f'{handler.path}: nothing speaks for the stock path'])
        self._say('Whether it runs', ['only on hosts where a task that notifies it has changed something', *condition_words(handler)])
        if handler.args:
            self._say('Arguments', [arguments_in_short(handler.args)])
        self._say('How long it takes', [self._duration(handler)])


def _coded(reason: Reason) -> str:
    return f'{reason.value}: {reason.text}'


def _quoted(text: str) -> str:
    return f"'{text}'"
