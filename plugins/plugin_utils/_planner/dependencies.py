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
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Effects, Scope
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import effects_of
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.resources import ANYTHING
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import OURS, Tables
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.touches import Touch, Touches

__all__ = ['FACTS', 'Dependencies', 'Finder', 'is_fact', 'touched_by']

FACTS: t.Final = 'var:ansible_facts'

_KINDS = {
    'file': DependencyKind.FILE, 'controller': DependencyKind.FILE, 'package': DependencyKind.PACKAGE, 'service': DependencyKind.SERVICE,
    'user': DependencyKind.ACCOUNT, 'group': DependencyKind.ACCOUNT, 'repository': DependencyKind.REPOSITORY, 'mount': DependencyKind.MOUNT,
    'var': DependencyKind.VARIABLE, ANYTHING: DependencyKind.OPAQUE,
}
_SECTIONS_BEFORE = {'block': (), 'rescue': ('block',), 'always': ('block', 'rescue')}
_FACT_PREFIXES = ('ansible_', 'facter_', 'ohai_')
_NOT_FACTS = frozenset(
    {'ansible_check_mode', 'ansible_diff_mode', 'ansible_forks', 'ansible_inventory_sources', 'ansible_limit', 'ansible_loop', 'ansible_loop_var'}
    | {'ansible_index_var', 'ansible_run_tags', 'ansible_skip_tags', 'ansible_verbosity', 'ansible_version', 'ansible_config_file'}
    | {'ansible_playbook_python', 'ansible_play_name', 'ansible_role_name', 'ansible_role_names', 'ansible_play_role_names', 'ansible_search_path'}
    | {'ansible_dependent_role_names', 'ansible_parent_role_names', 'ansible_parent_role_paths', 'ansible_collection_name', 'ansible_host'}
    | {'ansible_python_interpreter', 'ansible_connection', 'ansible_port', 'ansible_user', 'ansible_become', 'ansible_become_user'}
    | {'ansible_become_method', 'ansible_play_hosts', 'ansible_play_hosts_all', 'ansible_play_batch'}
)


def is_fact(name: str) -> bool:
    """Whether a variable may come from gathered facts, going by its name."""
    return name.startswith(_FACT_PREFIXES) and name not in _NOT_FACTS


def touched_by(task: SourceTask, effects: Effects) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(what it writes, what it reads), variables included."""
    writes = [*effects.writes, *(f'var:{name}' for name in task.sets)]
    reads = [*effects.reads, *(f'var:{name}' for name in task.reads)]
    if task.sets_any:
        writes.append('var:*')
    if task.sets_facts and FACTS not in writes:
        writes.append(FACTS)
    if task.reads_any:
        reads.append('var:*')
    if any(map(is_fact, task.reads)):
        reads.append(FACTS)
    if effects.scope is Scope.WORLDLY and ANYTHING not in writes:
        writes.append(ANYTHING)
    return tuple(writes), tuple(reads)


@dataclasses.dataclass(frozen=True, slots=True)
class Dependencies:
    """Of one play. ``edges``: task id -> what comes before it; ``notified_by``: handler id -> tasks that may notify it."""

    edges: t.Mapping[str, tuple[Dependency, ...]]
    effects: t.Mapping[str, Effects]
    notified_by: t.Mapping[str, tuple[str, ...]]


class Finder:
    """Finds the edges play by play; variables are remembered from play to play."""

    def __init__(self, tables: Tables = OURS) -> None:
        self._tables = tables
        self._touches = Touches()
        self._last = ''  # the last task of the play before

    def find(self, play: PlaySource) -> Dependencies:
        """Raises UnknownTask and CircularDependency for what ``rustle_after`` says."""
        run = _PlayEdges(play, self._touches, self._tables)
        first = True
        for task in play.tasks:
            if task.flush:
                run.flush(task)
            else:
                run.task(task)
            if first and self._last and not task.flush:
                run.edge(task.task_id, self._last, DependencyKind.PLAY, 'the play before ends for all hosts before this one begins')
                first = False
        run.explicit()
        self._touches.next_play()
        self._last = next((task.task_id for task in reversed(play.tasks) if not task.flush), self._last)
        return Dependencies(
            edges={task_id: tuple(found.values()) for task_id, found in run.edges.items()},
            effects=run.effects,
            notified_by={handler_id: tuple(tasks) for handler_id, tasks in run.notified_by.items()},
        )


class _PlayEdges:
    def __init__(self, play: PlaySource, touches: Touches, tables: Tables) -> None:
        self._play = play
        self._touches = touches
        local = any(one.local for one in play.classes)
        every = (*play.tasks, *play.handlers)
        nodes = {task.task_id: dataclasses.replace(task.node, on_controller=True) if local else task.node for task in every}
        self.effects = {task_id: effects_of(node, tables) for task_id, node in nodes.items()}
        self.edges: dict[str, dict[tuple[str, DependencyKind], Dependency]] = {task.task_id: {} for task in every}
        self.notified_by: dict[str, dict[str, None]] = {handler.task_id: {} for handler in play.handlers}
        self._order = {task.task_id: number for number, task in enumerate(play.tasks)}
        self._listeners = self._by_topic()
        self._pending: dict[str, dict[str, None]] = {}  # handler id -> notifying tasks since the last flush
        self._blocks: dict[str, dict[str, list[str]]] = {}  # block -> section -> tasks

    def _by_topic(self) -> dict[str, list[str]]:
        topics: dict[str, list[str]] = {}
        for handler in self._play.handlers:
            for topic in dict.fromkeys((handler.name, *handler.listen)):
                topics.setdefault(topic, []).append(handler.task_id)
        return topics

    def edge(self, task_id: str, before: str, kind: DependencyKind, reason: str) -> None:
        if task_id != before:
            self.edges[task_id].setdefault((before, kind), Dependency(before, kind, reason))

    def task(self, task: SourceTask) -> None:
        self._touch(task)
        self._section(task)
        for topic in task.notify:
            for handler_id in self._listeners.get(topic, ()):
                self._pending.setdefault(handler_id, {})[task.task_id] = None
                self.notified_by[handler_id][task.task_id] = None

    def _touch(self, task: SourceTask) -> None:
        writes, reads = touched_by(task, self.effects[task.task_id])
        for there, here in self._touches.add(task.task_id, writes=writes, reads=reads):
            kind, reason = _evidence(there, here, task)
            if there.task_id in self.edges:
                self.edge(task.task_id, there.task_id, kind, reason)
            elif kind in (DependencyKind.VARIABLE, DependencyKind.FACTS):
                self.edge(task.task_id, there.task_id, kind, f'{reason} (an earlier play)')

    def _section(self, task: SourceTask) -> None:
        for block, section in task.blocks:
            sections = self._blocks.setdefault(block, {'block': [], 'rescue': [], 'always': []})
            for before in _SECTIONS_BEFORE[section]:
                for other in sections[before]:
                    self.edge(task.task_id, other, DependencyKind.BLOCK, f'{section} comes after {before}')
            sections[section].append(task.task_id)

    def flush(self, flush: SourceTask) -> None:
        """Notified handlers run here, in the order in which they are defined."""
        for handler in self._play.handlers:
            notifying = self._pending.pop(handler.task_id, None)
            if notifying is None:
                continue
            for task_id in notifying:
                self.edge(handler.task_id, task_id, DependencyKind.NOTIFY, 'it notifies the handler')
                self.edge(flush.task_id, task_id, DependencyKind.FLUSH, f'it may notify {handler.name!r}, which runs here')
            self._touch(handler)
            for topic in handler.notify:
                for handler_id in self._listeners.get(topic, ()):
                    self._pending.setdefault(handler_id, {})[handler.task_id] = None
                    self.notified_by[handler_id][handler.task_id] = None

    # -- rustle_after

    def explicit(self) -> None:
        names: dict[str, list[str]] = {}
        for task in self._play.tasks:
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


def _evidence(there: Touch, here: Touch, task: SourceTask) -> tuple[DependencyKind, str]:
    how_there = 'written' if there.write else 'read'
    how_here = 'written' if here.write else 'read'
    named = there if here.resource == ANYTHING or _is_any(here.resource) else here
    kind = _KINDS.get(named.resource.partition(':')[0], DependencyKind.RESOURCE)
    if ANYTHING in (there.resource, here.resource):
        return DependencyKind.OPAQUE, f'{_words(there.resource)} may be {how_there} there, {_words(here.resource)} is {how_here} here'
    if kind is DependencyKind.VARIABLE:
        name = named.resource.partition(':')[2]
        if FACTS in (there.resource, here.resource):
            return DependencyKind.FACTS, f'facts are {"gathered" if there.write else "read"} there and {"gathered" if here.write else "read"} here'
        through = task.reads.get(name)
        way = f' (through {through})' if through and not here.write else ''
        return kind, f'{name} is {"set" if there.write else "read"} there and {"set" if here.write else "read"} here{way}'
    if there.resource == here.resource:
        return kind, f'{here.resource} is {how_there} there and {how_here} here'
    return kind, f'{there.resource} is {how_there} there and {here.resource} {how_here} here'


def _is_any(resource: str) -> bool:
    return resource.endswith(':*')


def _words(resource: str) -> str:
    return 'anything on the host' if resource == ANYTHING else resource
