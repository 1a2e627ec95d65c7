# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which tasks of a play have to come after which, and the evidence.

Rule 1: edges point from a task to one before it in linear's order; an edge the other way can only come from a user, and is an error.
Rule 2: in doubt there is an edge. Its evidence says what is known and what is not.
Rule 3: hosts of all classes are taken together: what is an edge for one of them is one in the plan.
"""
from __future__ import annotations

import dataclasses
import difflib
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import CircularDependency, UnknownTask
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import Dependency, DependencyKind
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import PlaySource, SourceTask
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Effects, Scope, TaskNode
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.arguments import Arguments, is_template
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import effects_of, is_known, short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.facts import is_fact
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.resources import ANYTHING
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.surroundings import LOGINS, Surroundings, implied
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import OURS, Tables
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.touches import LIMIT, Touch, Touches

__all__ = ['FACTS', 'Dependencies', 'Finder', 'fact_names', 'touched_by']

FACTS: t.Final = 'var:ansible_facts'

_KINDS = {
    'file': DependencyKind.FILE, 'folder': DependencyKind.FILE, 'controller': DependencyKind.FILE, 'package': DependencyKind.PACKAGE,
    'service': DependencyKind.SERVICE, 'user': DependencyKind.ACCOUNT, 'group': DependencyKind.ACCOUNT, 'repository': DependencyKind.REPOSITORY,
    'mount': DependencyKind.MOUNT, 'var': DependencyKind.VARIABLE, ANYTHING: DependencyKind.OPAQUE,
}
_LASTING = (DependencyKind.VARIABLE, DependencyKind.FACTS)  # what outlives a play
_SECTIONS_BEFORE = {'block': (), 'rescue': ('block',), 'always': ('block', 'rescue')}
_GATES = frozenset({'assert', 'fail', 'validate_argument_spec'})  # what follows them runs only if they let it
_FENCES = frozenset({'include_role', 'include_tasks', 'meta', 'pause'})  # tasks that are not in sight, or that change the state of the play
_INCLUDES = frozenset({'include_role', 'include_tasks'})
_ENDS = frozenset({'end_batch', 'end_host', 'end_play', 'end_role'})
_IDLE_META = frozenset({'flush_handlers', 'noop', 'role_complete'})
_REGROUPING = frozenset({'add_host', 'group_by'})  # variables of other groups hold afterwards
_ACCOUNTS = frozenset({'group', 'user'})  # their tables say whom they change
_FACTS_OF = {'mount_facts': ('aggregate_mounts', 'mount_points'), 'package_facts': ('packages',), 'service_facts': ('services',)}


def touched_by(task: SourceTask, effects: Effects, tables: Tables = OURS) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(what it writes, what it reads), variables and accounts included."""
    writes = [*effects.writes, *(f'var:{name}' for name in task.sets), *_facts_set(task, tables)]
    reads = [*effects.reads, *(f'var:{name}' for name in task.reads)]
    if task.sets_any or short_name(task.node.action) in _REGROUPING:
        writes.append('var:*')
    if task.reads_any:
        reads.append('var:*')
    if any(map(is_fact, task.reads)):
        reads.append(FACTS)
    if effects.scope is Scope.WORLDLY and ANYTHING not in writes:
        writes.append(ANYTHING)
    if task.on_target and effects.restarts_agent and short_name(task.node.action) not in _ACCOUNTS:
        writes.append(f'logins:{task.task_id}')
    if short_name(task.node.action) in _ACCOUNTS:
        # their tables say whom they change, in the files of all
        writes += [name for resource in effects.writes if resource.startswith('user:') for name in implied(resource)]
    else:
        writes += [name for resource in effects.writes for name in implied(resource)]
    if task.become:
        user = task.become.partition(':')[2]
        reads += [LOGINS, 'user:*' if is_template(user) or not user else f'user:{user}']
    return tuple(dict.fromkeys(writes)), tuple(dict.fromkeys(reads))


def fact_names(task: SourceTask) -> tuple[str, ...]:
    """Variables, beside those that are facts by their names, that a task sets by returning facts; ``*`` for any."""
    action = short_name(task.node.action)
    if not task.sets_facts or action in ('gather_facts', 'setup'):
        return ()
    if action == 'getent':
        database = str(task.node.args.get('database') or '')
        return (ANYTHING,) if is_template(database) or not database else (f'getent_{database}',)
    return _FACTS_OF.get(action, (ANYTHING,))


def _facts_set(task: SourceTask, tables: Tables) -> list[str]:
    """Modules that no table knows may return facts too."""
    if task.sets_facts:
        return [FACTS, *(f'var:{name}' for name in fact_names(task))]
    if short_name(task.node.action) == 'set_fact':
        return [FACTS] if Arguments(task.node.args).truth('cacheable', default=False) is not False else []
    return [FACTS] if task.on_target and not is_known(task.node.action, tables) else []


@dataclasses.dataclass(frozen=True, slots=True)
class Dependencies:
    """Of one play. ``edges``: task id -> what comes before it; ``notified_by``: handler id -> tasks that may notify it.

    ``order``: the same edges as pairs (before, after) of tasks only: where a handler is one end of an edge, the flush stands that it runs in.
    ``touched``: task id -> what it writes and what it reads. ``flushes``: those at which handlers may run.
    """

    edges: t.Mapping[str, tuple[Dependency, ...]]
    effects: t.Mapping[str, Effects]
    notified_by: t.Mapping[str, tuple[str, ...]]
    order: tuple[tuple[str, str], ...]
    touched: t.Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
    flushes: frozenset[str]


class _Run(t.NamedTuple):
    """A handler in one of the flushes that it may run in."""

    handler: str
    flush: str


class Finder:
    """Finds the edges play by play; variables are remembered from play to play."""

    def __init__(self, tables: Tables = OURS, *, limit: int = LIMIT) -> None:
        self._tables = tables
        self._touches = Touches(limit=limit)
        self._limit = limit
        self._runs: dict[str, _Run] = {}
        self._last = ''  # the last task of the play before

    def find(self, play: PlaySource) -> Dependencies:
        """Raises UnknownTask and CircularDependency for what ``rustle_after`` says."""
        # nothing of a play without hosts is run: nothing comes after it
        work = _PlayEdges(play, self._touches if play.batches else Touches(), self._runs, self._tables, self._limit)
        first = True
        for task in play.tasks:
            if task.flush:
                work.flush(task)
                continue
            work.task(task)
            if first and self._last:
                work.edge(task.task_id, self._last, DependencyKind.PLAY, 'the play before ends for all hosts before this one begins')
            first = False
        work.explicit()
        self._touches.next_play()
        if play.batches:
            self._last = next((task.task_id for task in reversed(play.tasks) if not task.flush), self._last)
        return Dependencies(
            edges={task_id: tuple(found.values()) for task_id, found in work.edges.items()}, effects=work.effects,
            notified_by={handler_id: tuple(tasks) for handler_id, tasks in work.notified_by.items()}, order=work.pairs(), touched=work.touched,
            flushes=frozenset(work.flushes))


class _PlayEdges:
    def __init__(self, play: PlaySource, touches: Touches, runs: dict[str, _Run], tables: Tables, limit: int) -> None:
        self._play = play
        self._touches = touches
        self._runs = runs
        self._limit = limit
        self._surroundings = Surroundings()
        local = any(one.local for one in play.classes)
        every = (*play.tasks, *play.handlers)
        self.effects = {task.task_id: effects_of(_placed(task.node, local), tables) for task in every}
        self.touched = {task.task_id: touched_by(task, self.effects[task.task_id], tables) for task in every}
        for handler in play.handlers:
            if handler.opaque is not None:  # among tasks such an include waits for all, and all for it
                writes, reads = self.touched[handler.task_id]
                self.touched[handler.task_id] = (*writes, ANYTHING), reads
        self.edges: dict[str, dict[tuple[str, DependencyKind], Dependency]] = {task.task_id: {} for task in every}
        self.notified_by: dict[str, dict[str, None]] = {handler.task_id: {} for handler in play.handlers}
        self.flushes: set[str] = set()
        self._through: dict[tuple[str, str], None] = {}  # pairs with a flush for a handler
        self._order = {task.task_id: number for number, task in enumerate(play.tasks)}
        self._listeners = self._by_topic()
        self._hidden = frozenset(task.task_id for task in play.tasks if task.flush and not task.where)  # flushes that nobody wrote
        self._closed = frozenset(task.task_id for task in every if _is_closed(task))
        self._pending: dict[str, dict[str, str]] = {}  # handler id -> what has notified it since it ran; handlers with their flush
        self._blocks: dict[str, dict[str, list[str]]] = {}  # block -> section -> tasks
        self._control = ''  # the last task that decides whether, or which, tasks follow
        self._since: list[str] = []  # tasks since the last one that waits for all before it

    def _by_topic(self) -> dict[str, list[str]]:
        """A handler of a role is named ``role : name`` and answers to both."""
        topics: dict[str, list[str]] = {}
        for handler in self._play.handlers:
            for topic in dict.fromkeys((handler.name, handler.name.partition(' : ')[2], *handler.listen)):
                if topic:
                    topics.setdefault(topic, []).append(handler.task_id)
        return topics

    def edge(self, task_id: str, before: str, kind: DependencyKind, reason: str) -> None:
        if task_id != before:
            self.edges[task_id].setdefault((before, kind), Dependency(before, kind, reason))

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every edge between two tasks of the play, without handlers."""
        found = {(before, task_id): None for task_id in self._order for before, _kind in self.edges[task_id] if before in self._order}
        return tuple(pair for pair in found | self._through if pair[0] != pair[1])

    def task(self, task: SourceTask) -> None:
        self._touch(task)
        self._section(task)
        self._controlled(task)
        self._notify(task)

    def _notify(self, task: SourceTask, flush: str = '') -> None:
        topics: t.Iterable[str] = task.notify
        if _is_closed(task) or any(map(is_template, topics)):
            # a name that is not known yet may be that of any handler
            topics = self._listeners
        for handler_id in dict.fromkeys(handler_id for topic in topics for handler_id in self._listeners.get(topic, ())):
            self._pending.setdefault(handler_id, {})[task.task_id] = flush
            self.notified_by[handler_id][task.task_id] = None

    def _touch(self, task: SourceTask, flush: str = '') -> None:
        """``flush``: the task is a handler that may run there."""
        writes, reads = self._surroundings.around(task, *self.touched[task.task_id])
        own = self.edges[task.task_id]
        run = f'{flush}/{task.task_id}' if flush else task.task_id
        if flush:
            self._runs[run] = _Run(task.task_id, flush)
        for there, here in self._touches.add(run, writes=writes, reads=reads):
            kind = _kind(there, here)
            ran = self._runs.get(there.task_id)
            before = there.task_id if ran is None else ran.handler
            in_play = before in self.edges
            if in_play and (flush or ran is not None):
                pair = (there.task_id if ran is None else ran.flush, flush or task.task_id)
                self._through[pair] = None
            if (before, kind) in own or not (in_play or kind in _LASTING):
                continue
            reason = _evidence(there, here, kind, task, self._limit)
            self.edge(task.task_id, before, kind, reason if in_play else f'{reason} (an earlier play)')

    def _section(self, task: SourceTask) -> None:
        for block, section in task.blocks:
            sections = self._blocks.setdefault(block, {'block': [], 'rescue': [], 'always': []})
            for before in _SECTIONS_BEFORE[section]:
                # one task of a section stands for all of it where there are many
                many = len(sections[before]) > self._limit and sections[section]
                for other in sections[section][:1] if many else sections[before]:
                    self.edge(task.task_id, other, DependencyKind.BLOCK, f'{section} comes after {before}')
            sections[section].append(task.task_id)

    def _controlled(self, task: SourceTask) -> None:
        """Tasks behind one that may end the play for its host, or change what follows, come after it; some wait for all before them too."""
        if task.included_by:
            self.edge(task.task_id, task.included_by, DependencyKind.CONTROL, 'it brings this task')
        if self._control:
            self.edge(task.task_id, self._control, DependencyKind.CONTROL, 'it decides whether, or what, the host does next')
        self._since.append(task.task_id)
        action, verb = short_name(task.node.action), task.node.args.get('_raw_params')
        if task.node.when_constant_false or (action == 'meta' and verb in _IDLE_META):
            return
        fence = action in _FENCES and not task.opened
        if fence and not (action == 'meta' and verb in _ENDS):
            for before in self._since:
                if before in self._hidden:
                    self._through[before, task.task_id] = None
                else:
                    self.edge(task.task_id, before, DependencyKind.CONTROL, f'{action} waits for all that comes before it')
            self._since = []
        if fence or action in _GATES:
            self._control = task.task_id

    def flush(self, flush: SourceTask) -> None:
        """Notified handlers run here, in the order in which they are defined."""
        self._controlled(flush)
        for handler in self._play.handlers:
            notifying = self._pending.pop(handler.task_id, None)
            if notifying is None:
                continue
            for task_id, ran_in in notifying.items():
                why = 'what it includes may notify the handler' if task_id in self._closed else 'it notifies the handler'
                self.edge(handler.task_id, task_id, DependencyKind.NOTIFY, why)
                self.edge(flush.task_id, task_id, DependencyKind.FLUSH, f'it may notify {handler.name!r}, which runs here')
                if ran_in:
                    self._through[ran_in, flush.task_id] = None
            self.flushes.add(flush.task_id)
            self._touch(handler, flush.task_id)
            self._notify(handler, flush.task_id)

    # -- rustle_after

    def explicit(self) -> None:
        names: dict[str, list[str]] = {}
        for task in self._play.tasks:
            if task.task_id in self._hidden:
                continue
            for key in dict.fromkeys((task.task_id, task.name)):
                names.setdefault(key, []).append(task.task_id)
        for task in self._play.tasks:
            for wanted in task.after:
                found = names.get(wanted)
                if not found:
                    close = difflib.get_close_matches(wanted, names, n=1)
                    raise UnknownTask(wanted, where=f'rustle_after of {task.name!r}' + (f' ({task.where})' if task.where else ''),
                                      hint=f'did you mean {close[0]!r}?' if close else 'write the name of a task of this play, or its id')
                for before in found:
                    self._explicit_edge(task, before)

    def _explicit_edge(self, task: SourceTask, before: str) -> None:
        if self._order[before] >= self._order[task.task_id]:
            other = self._play.tasks[self._order[before]]
            evidence = [f'{task.name!r} comes after {other.name!r}: rustle_after says so']
            if other is not task:
                evidence.append(f'{other.name!r} comes after {task.name!r}: the playbook has them in this order')
            raise CircularDependency([task.name] if other is task else [task.name, other.name], evidence=evidence)
        self.edge(task.task_id, before, DependencyKind.EXPLICIT, 'rustle_after says so')


def _is_closed(task: SourceTask) -> bool:
    """Whether it brings tasks that are not here."""
    return short_name(task.node.action) in _INCLUDES and not task.opened


def _placed(node: TaskNode, local: bool) -> TaskNode:
    """Where a task is delegated to may be the controller."""
    return dataclasses.replace(node, on_controller=True) if local or node.delegate_to is not None else node


def _kind(there: Touch, here: Touch) -> DependencyKind:
    named = there if here.resource == ANYTHING or _is_any(here.resource) else here
    if ANYTHING in (there.resource, here.resource):
        return DependencyKind.OPAQUE
    kind = _KINDS.get(named.resource.partition(':')[0], DependencyKind.RESOURCE)
    return DependencyKind.FACTS if kind is DependencyKind.VARIABLE and FACTS in (there.resource, here.resource) else kind


def _evidence(there: Touch, here: Touch, kind: DependencyKind, task: SourceTask, limit: int) -> str:
    if there.junction or here.junction:
        where, which = (there, 'the task there') if there.junction else (here, 'this task')
        return f'more than {limit} tasks touch {_words(where.resource)}: {which} comes after all of them before it, and all later ones come after it'
    how_there = 'written' if there.write else 'read'
    how_here = 'written' if here.write else 'read'
    if kind is DependencyKind.OPAQUE:
        return f'{_words(there.resource)} may be {how_there} there, {_words(here.resource)} {_may_be(here)} {how_here} here'
    if kind is DependencyKind.FACTS:
        return f'facts are {"gathered" if there.write else "read"} there and {"gathered" if here.write else "read"} here'
    if kind is DependencyKind.VARIABLE:
        set_there, set_here = 'set' if there.write else 'read', 'set' if here.write else 'read'
        if there.resource != here.resource:
            return f'{_words(there.resource)} {_may_be(there)} {set_there} there, {_words(here.resource)} {_may_be(here)} {set_here} here'
        name = here.resource.partition(':')[2]
        through = task.reads.get(name)
        return f'{_words(here.resource)} is {set_there} there and {set_here} here' + (f' (through {through})' if through and not here.write else '')
    if here.resource.startswith('folder:'):
        words = ('may be made' if there.write else 'is needed', 'may be made' if here.write else 'is needed')
        return f'{here.resource} {words[0]} there and {words[1]} here'
    if there.resource == here.resource:
        return f'{here.resource} is {how_there} there and {how_here} here'
    return f'{there.resource} is {how_there} there and {here.resource} {how_here} here'


def _is_any(resource: str) -> bool:
    return resource.endswith(':*')


def _may_be(touch: Touch) -> str:
    return 'may be' if _is_any(touch.resource) or touch.resource == ANYTHING else 'is'


def _words(resource: str) -> str:
    if resource == ANYTHING:
        return 'anything on the host'
    return 'any variable' if resource == 'var:*' else resource.removeprefix('var:')
