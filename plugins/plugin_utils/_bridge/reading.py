# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From playbooks, as Ansible itself loads them, to what the planner plans from.

Rule 1: plays, blocks, tags, serial and handlers are read by Ansible's own classes (PlaybookExecutor, PlayIterator): what a run would see.
Rule 2: nothing is run: no lookup, no module, no inventory refresh; a prompt has its default.
Rule 3: what the run asks of a task's keywords (prospects.py) is asked here by the same functions.
"""
from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible.executor.play_iterator import PlayIterator
from ansible.executor.playbook_executor import PlaybookExecutor
from ansible.playbook.block import Block
from ansible.playbook.handler import Handler
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task_include import TaskInclude
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import DeclarationError, InvalidHostPattern, SettingsError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import Condition, PlaySource, Section, SourceTask
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import short_name

from . import compat, host_classes
from .documents import Document, Note
from .identities import gathers
from .included_vars import names_set
from .including import Includes
from .inputs import Inputs
from .merged_roles import merged_roles
from .task_reading import TaskReader

__all__ = ['PlaybookReader', 'walk']


class PlaybookReader:
    """Reads playbooks with one loader, inventory and variable manager; ``inputs`` then names all that was read.

    ``serial``: overrides that of every play. ``documents`` stand for some of the playbooks, by their path.
    """

    def __init__(
        self, *, loader: t.Any, inventory: t.Any, variable_manager: t.Any, serial: t.Sequence[t.Any] = (), documents: t.Sequence[Document] = (),
    ) -> None:
        self.inputs = Inputs(loader)
        self.warnings: list[str] = [warning for document in documents for warning in document.warnings]
        self._notes: dict[t.Any, Note] = {}
        for document in documents:
            self.inputs.saw(document.origin, document.data)
            self._notes.update(document.notes)
        self._taken = {note.task_id for note in self._notes.values()}
        self._given: set[str] = set()
        self._again: dict[str, str] = {}  # ids of a document that is planned once more -> those that its tasks have now
        self._loader = loader
        self._inventory = inventory
        self._variable_manager = variable_manager
        self._serial = list(serial)
        self._numbers = {'task': 0, 'handler': 0, 'flush': 0}

    def read(self, playbooks: t.Sequence[str]) -> list[PlaySource]:
        """The plays of all playbooks, in order. AnsibleError for what Ansible cannot load."""
        self.inputs.base = os.path.dirname(os.path.realpath(playbooks[0]))
        executor = PlaybookExecutor(list(playbooks), inventory=self._inventory, variable_manager=self._variable_manager, loader=self._loader, passwords={})
        found = [(entry['playbook'], play) for entry in executor.run() for play in entry['plays']]
        iterated = [self._iterated(playbook, play) for playbook, play in found]
        moving = self._moving([place for one in iterated for place in one.every])
        plays = []
        for number, one in enumerate(iterated):
            with merged_roles(one.play):
                plays.append(self._play(number, one, executor, moving))
        return plays

    def _iterated(self, playbook: str, play: t.Any) -> _Iterated:
        self._set_basedir(playbook, play)
        for path in dict.fromkeys(role._role_path for top in play.roles for role in (*top.get_all_dependencies(), top)):
            self.inputs.folder(path)
        all_vars = self._variable_manager.get_vars(play=play)
        try:
            self._inventory.get_hosts(play.hosts, order=play.order)
        except Exception as ex:
            raise InvalidHostPattern(str(play.hosts), where=f'play {play.get_name()!r}', problem=str(ex)) from ex
        iterator = PlayIterator(
            inventory=self._inventory, play=play, play_context=PlayContext(play=play), variable_manager=self._variable_manager, all_vars=all_vars)
        places = list(walk(iterator._blocks))
        left_out = set()
        if not gathers(play):
            left_out.add('gather_facts')
        if not getattr(play, 'validate_argspec', None):  # 2.20 and later
            left_out.add('validate_argument_spec')
        opening = {id(task) for task in iterator._blocks[0].block if short_name(str(task.action)) in left_out}
        includes = Includes(play, loader=self._loader, variable_manager=self._variable_manager, inputs=self.inputs)
        places = list(_opened(includes, (place for place in places if id(place.task) not in opening)))
        handlers = [place for block in play.handlers for place in _opened(includes, map(_Place, block.block))]
        return _Iterated(playbook, play, places, handlers)

    def _set_basedir(self, playbook: str, play: t.Any) -> None:
        self._loader.set_basedir(play._included_path or os.path.realpath(os.path.dirname(playbook)))

    def _moving(self, places: t.Iterable[_Place]) -> frozenset[str]:
        """Names that some task sets while the playbooks run."""
        names: set[str] = set()
        for place in places:
            task = place.task
            names.update(compat.register_names(task), place.exports)
            action = short_name(str(task.action))
            if action == 'set_fact':
                names.update(str(name) for name in task.args if name != 'cacheable')
            elif action == 'include_vars':
                names.update(names_set(task, self._loader))
            elif action in ('add_host', 'group_by') or (action == 'meta' and task.args.get('_raw_params') == 'refresh_inventory'):
                names.update(('groups', 'group_names'))
        return frozenset(names)

    def _play(self, number: int, one: _Iterated, executor: t.Any, moving: frozenset[str]) -> PlaySource:
        play = one.play
        self._set_basedir(one.playbook, play)
        if self._serial:
            play.serial = self._serial
        hosts = self._inventory.get_hosts(play.hosts, order=play.order)
        if not hosts:
            self.warnings.append(f'play {play.get_name()!r}: no host matches {", ".join(map(str, play.hosts)) if isinstance(play.hosts, list) else play.hosts}')
        classified = host_classes.classify(hosts, play=play, get_vars=self._variable_manager.get_vars)
        self.inputs.hosts(play.get_name(), classified)
        reader = TaskReader(
            playbook=one.playbook, play=play, classified=classified, moving=moving, variable_manager=self._variable_manager, loader=self._loader,
            inputs=self.inputs)
        batches = tuple(tuple(host.name for host in batch) for batch in self._batches(executor, play))
        tasks = self._without_left_out(play, self._tasks(reader, one.places))
        handlers = [self._task(reader, place, 'handler') for place in one.handlers]
        return PlaySource(
            play_id=f'play-{number}', name=play.get_name().strip(), hosts=tuple(host.name for host in hosts), classes=classified.classes,
            batches=batches, tasks=tuple(tasks), handlers=tuple(handlers), strategy=str(play.strategy).rpartition('.')[2],
            serial=tuple(str(size) for size in play.serial or ()), max_fail_percentage=play.max_fail_percentage,
            facts_required=tuple(sorted({name for task in tasks for name in task.reads if name.startswith('ansible_')})))

    @staticmethod
    def _batches(executor: t.Any, play: t.Any) -> list[t.Any]:
        try:
            return executor._get_serialized_batches(play)
        except (TypeError, ValueError) as ex:
            raise SettingsError(expected='numbers of hosts or percentages', found=play.serial, where=f'serial of play {play.get_name()!r}') from ex

    def _without_left_out(self, play: t.Any, tasks: list[SourceTask]) -> list[SourceTask]:
        """What comes after a task that tags leave out comes after nothing."""
        here = {name for task in tasks for name in (task.task_id, task.name)}
        if here.issuperset(name for task in tasks for name in task.after):
            return tasks
        left_out = (self._taken | {place.task.get_name().strip() for place in walk(play.compile())}) - here
        return [dataclasses.replace(task, after=tuple(name for name in task.after if name not in left_out)) for task in tasks]

    def _tasks(self, reader: TaskReader, places: t.Sequence[_Place]) -> list[SourceTask]:
        includes: dict[int, SourceTask] = {}
        found = []
        for place in places:
            task = self._task(reader, place, 'task')
            if place.brought_by is not None:
                task = _brought(task, includes[id(place.brought_by)])
            if task.opaque is Reason.INCLUDE_UNREADABLE and _runs(task) is not False:
                self.warnings.append(f'{task.where}: what is included here may do anything: {task.opaque_detail}')
            if isinstance(place.task, TaskInclude):
                includes[id(place.task)] = task
            found.append(task)
        return found

    def _task(self, reader: TaskReader, place: _Place, kind: str) -> SourceTask:
        if getattr(place.task, 'implicit', False):
            kind = 'flush'
        note = self._note(place.task)
        try:
            task = reader.read(place.task, task_id=self._id(note, kind))
        except DeclarationError as ex:
            where = f'rustle_effects of {place.task.get_name().strip()!r} ({place.task.get_path()})'
            raise SettingsError(expected=ex.expected, found=ex.found, where=where, hint=ex.hint) from ex
        if note is not None and note.after:
            task = dataclasses.replace(task, after=(*task.after, *(self._again.get(one, one) for one in note.after)))
        if isinstance(place.task, TaskInclude):
            opened = place.opaque is None
            task = dataclasses.replace(
                task, opened=opened, opaque=place.opaque, opaque_detail=place.opaque_detail, sets_any=not opened, sets=(*task.sets, *sorted(place.exports)))
        if isinstance(place.task, Handler):
            return dataclasses.replace(task, listen=tuple(map(str, place.task.listen or ())))
        return dataclasses.replace(task, blocks=place.blocks)

    def _note(self, task: t.Any) -> Note | None:
        origin = getattr(task, '_origin', None)
        return self._notes.get((origin.path, origin.line_num, origin.col_num)) if origin is not None and self._notes else None

    def _id(self, note: Note | None, kind: str) -> str:
        """Unique in the plan. A document that is planned twice has its ids once."""
        if note is not None and note.task_id is not None and note.task_id not in self._given:
            self._given.add(note.task_id)
            return note.task_id
        made = next(name for name in self._made_up(kind) if name not in self._taken)
        if note is not None and note.task_id is not None:
            self._again[note.task_id] = made
        return made

    def _made_up(self, kind: str) -> t.Iterator[str]:
        while True:
            self._numbers[kind] += 1
            yield f'{kind}_{self._numbers[kind] - 1}'


@dataclasses.dataclass(frozen=True)
class _Place:
    """A task and the blocks with rescue or always around it; the include that brings it; what including.py says of an include."""

    task: t.Any
    blocks: tuple[tuple[str, Section], ...] = ()
    brought_by: t.Any = None
    exports: frozenset[str] = frozenset()
    opaque: Reason | None = None
    opaque_detail: str = ''


@dataclasses.dataclass(frozen=True)
class _Iterated:
    playbook: str
    play: t.Any
    places: list[_Place]
    handlers: list[_Place]

    @property
    def every(self) -> list[_Place]:
        return [*self.places, *self.handlers]


def walk(blocks: t.Iterable[t.Any], around: tuple[tuple[str, Section], ...] = ()) -> t.Iterator[_Place]:
    """All tasks in linear's order."""
    for one in blocks:
        if not isinstance(one, Block):
            if not _is_noise(one):
                yield _Place(one, around)
        elif one.rescue or one.always:
            yield from walk(one.block, (*around, (one._uuid, 'block')))
            yield from walk(one.rescue, (*around, (one._uuid, 'rescue')))
            yield from walk(one.always, (*around, (one._uuid, 'always')))
        else:
            yield from walk(one.block, around)


def _opened(includes: Includes, places: t.Iterable[_Place], within: frozenset[str] = frozenset()) -> t.Iterator[_Place]:
    """The tasks, each include with those that it brings behind it."""
    for place in places:
        if not isinstance(place.task, TaskInclude):
            yield place
            continue
        found = includes.open(place.task, within)
        yield dataclasses.replace(place, exports=found.exports, opaque=found.opaque, opaque_detail=found.detail)
        brought = (dataclasses.replace(inner, brought_by=place.task) for inner in walk(found.blocks, place.blocks))
        yield from _opened(includes, brought, within | {found.key})


def _brought(task: SourceTask, include: SourceTask) -> SourceTask:
    condition = Condition(kind='include', values=(include.task_id,), decided=_runs(include))
    return dataclasses.replace(task, included_by=include.task_id, conditions=(condition, *task.conditions))


def _runs(task: SourceTask) -> bool | None:
    """Whether it runs on hosts that come to it, when that is known."""
    decided = {condition.decided for condition in task.conditions if condition.kind in ('when', 'include')}
    return False if False in decided else None if None in decided else True


def _is_noise(task: t.Any) -> bool:
    """Meta tasks that Ansible adds for its own book-keeping."""
    return bool(getattr(task, 'implicit', False)) and task._get_meta() in ('noop', 'role_complete')
