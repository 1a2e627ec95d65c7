# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Playbooks that rustle-parse has read already (JSON): given to Ansible's own classes as the lists that it would have read out of YAML.

Rule 1: what is meant is decided by Ansible: a document becomes the data structure of a playbook, and is loaded and planned like any other.
Rule 2: what is not installed here (a module, a role, a file of tasks) is no error: the task is planned as one that may do anything.
Rule 3: texts of a document are trusted as templates, as those of a playbook are; vaulted values stay encrypted.
"""
from __future__ import annotations

import copy
import dataclasses
import importlib
import os
import re
import stat
import typing as t

from ansible import constants as C
from ansible._internal._datatag._tags import Origin, TrustedAsTemplate
from ansible.inventory.manager import split_host_pattern
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.mod_args import FREEFORM_ACTIONS, RAW_PARAM_MODULES
from ansible.parsing.vault import EncryptedString
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader, lookup_loader, module_loader
from ansible.utils.collection_loader._collection_finder import _get_collection_role_path
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import DocumentError, PlanError
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.json_text import Lines, load_located

if t.TYPE_CHECKING:  # the models take a fifth of a second to be made, and most plans need none
    from ansible_collections.rustle.engine.plugins.plugin_utils._schema.parsed_playbook import (
        ParsedInventory,
        ParsedPlay,
        ParsedPlaybook,
        ParsedRole,
        ParsedTask,
    )

__all__ = ['STDIN', 'Document', 'DocumentLoader', 'Note', 'read_document', 'read_inventory', 'trusted']

STDIN: t.Final = '<stdin>'

Place = tuple[str, int, int]
"""File, line and column."""

_VAULT = re.compile(r'(?:!vault\s*\|\s*)?(\$ANSIBLE_VAULT;.*)', re.DOTALL)
_HOST_NAME = re.compile(r'[A-Za-z0-9_]([\w.-]*\w)?')
_STATIC = {'import_tasks': 'include_tasks', 'include': 'include_tasks', 'import_role': 'include_role'}
#: keywords of our models that Ansible knows by the same name, in tasks, blocks, roles and plays
_KEYWORDS = ('vars', 'tags', 'collections', 'environment', 'module_defaults', 'become', 'become_user', 'become_method', 'become_flags', 'remote_user',
             'connection', 'port', 'debugger', 'no_log', 'run_once', 'check_mode', 'diff', 'ignore_errors', 'ignore_unreachable', 'any_errors_fatal',
             'throttle', 'timeout')
_TASK_KEYWORDS = ('loop_control', 'notify', 'retries', 'delay', 'poll', 'delegate_to', 'delegate_facts')
_PLAY_KEYWORDS = ('vars_files', 'strategy', 'max_fail_percentage', 'force_handlers', 'order')


@dataclasses.dataclass(frozen=True)
class Note:
    """What a document says of a task and a playbook does not. ``task_id`` is unique in the plan, or None where one has to be made up."""

    task_id: str | None
    after: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Document:
    """``path``: of the playbook that the document stands for, which need not be there; ``names``: hosts that its plays name."""

    given: str
    origin: str
    path: str
    data: bytes
    plays: list[t.Any]
    notes: t.Mapping[Place, Note]
    names: tuple[str, ...]
    inventory: ParsedInventory | None
    warnings: tuple[str, ...]


class DocumentLoader(DataLoader):
    """Reads documents as if they were playbooks, and all other files from disk."""

    def __init__(self, documents: t.Iterable[Document] = ()) -> None:
        super().__init__()
        self._documents = {document.path: document for document in documents}
        self._read: set[str] = set()

    def load_from_file(self, file_name: str, cache: str = 'all', unsafe: bool = False, **keywords: t.Any) -> t.Any:
        path = self.path_dwim(file_name)
        if path in self._documents:
            return copy.deepcopy(self._documents[path].plays)
        if cache == 'all' and not unsafe and path not in self._read:
            # most files are asked for once: whoever is first has the parsed data itself, where Ansible keeps it and hands out copies
            self._read.add(path)
            return super().load_from_file(file_name, 'none', True, **keywords)
        return super().load_from_file(file_name, cache, unsafe, **keywords)


def read_document(given: str, *, stdin: t.Callable[[], bytes], taken: set[str]) -> Document | None:
    """The document that a PLAYBOOK argument names, None for all that is not JSON's object. ``taken``: ids so far; those of the document are put in.

    DocumentError for one that cannot be used.
    """
    data = stdin() if given == '-' else _object(given)
    if data is None:
        return None
    from ansible_collections.rustle.engine.plugins.plugin_utils._schema.parsed_playbook import parse_playbook

    where = STDIN if given == '-' else given
    value, lines = load_located(data, where=where)
    playbook, notices = parse_playbook(value, where=where)
    origin = os.path.abspath(where)  # of standard input too: tags of Ansible's want it so
    path = _stands_for(playbook, origin)
    translation = _Translation(playbook, origin=origin, folder=os.path.dirname(path), lines=lines, taken=taken, where=where)
    return Document(
        given=given, origin=origin, path=path, data=data, plays=translation.plays, notes=translation.notes, names=_names(playbook.plays),
        inventory=_with_facts(playbook), warnings=(*notices, *translation.warnings))


def read_inventory(given: str) -> tuple[ParsedInventory, tuple[str, ...]] | None:
    """The inventory of rustle-parse that a value of --inventory names, with notices; None for all that Ansible reads."""
    data = _object(given) if ',' not in given else None
    if data is None:
        return None
    from ansible_collections.rustle.engine.plugins.plugin_utils._schema.parsed_playbook import is_inventory, parse_inventory

    try:
        value, _lines = load_located(data, where=given)
    except DocumentError:
        return None  # a template, or another form that a plugin knows
    return parse_inventory(value, where=given) if is_inventory(value) else None


def _object(path: str) -> bytes | None:
    """The content of a file that begins with a brace."""
    try:
        kind = os.stat(path).st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISFIFO(kind)):
            return None
        with open(path, 'rb') as file:
            data = file.read()
    except (OSError, ValueError):
        return None
    if data.removeprefix(b'\xef\xbb\xbf').lstrip()[:1] == b'{':
        return data
    if stat.S_ISFIFO(kind):
        raise PlanError(f'{path}: expected a JSON document out of the pipe, found something else', hint='write a playbook to a file first')
    return None


def _stands_for(playbook: ParsedPlaybook, origin: str) -> str:
    """The playbook's path: relative paths in it, and its roles, begin there. What a document says of it counts below the working folder only."""
    said = playbook.metadata.file_path or ''
    here = os.path.realpath(os.getcwd())
    if said and os.path.isfile(said) and os.path.realpath(said).startswith(os.path.join(here, '')):
        return os.path.abspath(said)
    return origin


def _with_facts(playbook: ParsedPlaybook) -> ParsedInventory | None:
    inventory = playbook.inventory
    if inventory is not None and playbook.host_facts:
        return inventory.model_copy(update={'host_facts': {**playbook.host_facts, **inventory.host_facts}})
    return inventory


def _names(plays: t.Iterable[ParsedPlay]) -> tuple[str, ...]:
    """Hosts that patterns name, for want of an inventory; ``all`` alone means this machine."""
    found: dict[str, None] = {}
    for play in plays:
        for part in split_host_pattern(play.hosts):
            name = str(part).lstrip('&')
            if _HOST_NAME.fullmatch(name) and name not in ('all', 'ungrouped'):
                found[name] = None
    return tuple(found) or ('localhost',)


# -- values

def trusted(value: t.Any) -> t.Any:
    """A value of a document with its texts as Ansible has those of a playbook: trusted as templates, or encrypted."""
    if isinstance(value, str):
        vaulted = _VAULT.fullmatch(value)
        return EncryptedString(ciphertext=_unindented(vaulted.group(1))) if vaulted else TrustedAsTemplate().tag(value)
    if isinstance(value, dict):
        if value.keys() == {'__ansible_vault'} and isinstance(value['__ansible_vault'], str):
            return EncryptedString(ciphertext=_unindented(value['__ansible_vault']))
        if value.keys() == {'__ansible_unsafe'}:
            return value['__ansible_unsafe']
        return {key: trusted(part) for key, part in value.items()}
    return [trusted(part) for part in value] if isinstance(value, list) else value


def _unindented(text: str) -> str:
    return '\n'.join(line.strip() for line in text.strip().splitlines()) + '\n'


def _is_installed(module: str) -> bool:
    try:
        if module.count('.') >= 2:  # a missing collection is asked for here, since the loader would warn of it
            importlib.import_module('ansible_collections.' + '.'.join(module.split('.')[:2]))
        return action_loader.has_plugin(module) or module_loader.has_plugin(module)
    except Exception:  # of a collection whose metadata is broken, for instance
        return False


def _single(values: list[t.Any]) -> t.Any:
    return values[0] if len(values) == 1 else values


class _Translation:
    """The plays of a document as a playbook has them."""

    def __init__(self, playbook: ParsedPlaybook, *, origin: str, folder: str, lines: Lines, taken: set[str], where: str) -> None:
        self.notes: dict[Place, Note] = {}
        self._where = where
        self._playbook = playbook
        self._origin = origin
        self._folder = folder
        self._lines = lines
        self._missing: dict[str, dict[str, None]] = {}
        self._notices: list[str] = []
        ids = [self._ids(play, taken, number) for number, play in enumerate(playbook.plays)]
        for number, play in enumerate(playbook.plays):  # tasks have the first choice
            self._handler_ids(play, taken, ids[number])
        self.plays = [self._play(play, ids[number], f'plays[{number}]') for number, play in enumerate(playbook.plays)]

    @property
    def warnings(self) -> tuple[str, ...]:
        missing = [f'{self._where}: {what} not installed here, planned as unknown: {", ".join(names)}' for what, names in self._missing.items()]
        return (*self._notices, *missing)

    # -- ids

    def _ids(self, play: ParsedPlay, taken: set[str], number: int) -> dict[int, str]:
        """Offset of a task -> its id in the plan, which is that of the document unless another play has it."""
        found: dict[int, str] = {}
        for task in _every((*play.pre_tasks, *play.tasks, *play.post_tasks)):
            if task.id:
                found[task.offset] = _free(task.id if task.id not in taken else f'play_{number}_{task.id}', taken)
        return found

    def _handler_ids(self, play: ParsedPlay, taken: set[str], found: dict[int, str]) -> None:
        for number, handler in enumerate(_every(play.handlers)):
            if handler.id:
                found[handler.offset] = _free(handler.id if handler.id not in taken else f'handler_{number}', taken)

    # -- plays

    def _play(self, play: ParsedPlay, ids: t.Mapping[int, str], path: str) -> t.Any:
        def tasks(section: str) -> list[t.Any]:
            return [self._task(task, ids, names) for task in getattr(play, section)]

        every = _every((*play.pre_tasks, *play.tasks, *play.post_tasks))
        names = {task.id: ids[task.offset] for task in reversed(list(every)) if task.id}
        if play.when:
            self._notices.append(f'{self._where}: {path}.when is passed over: a play has no condition')
        gathers = self._playbook.facts_required if play.gather_facts is None else play.gather_facts
        made = trusted({
            **self._keywords(play, (*_KEYWORDS, *_PLAY_KEYWORDS)), 'hosts': _single(play.hosts), 'gather_facts': gathers,
            **({'serial': _single(play.serial)} if play.serial else {}), 'vars': {**self._playbook.variables, **play.vars},
            **({'name': play.name} if play.name else {})})
        roles = [self._role(role) for role in play.roles]
        missing = [role for role, is_here in roles if not is_here]
        before = [role for role, is_here in roles] if not missing else []
        instead = [self._as_task(role, is_here) for role, is_here in roles] if missing else []
        made |= {
            'pre_tasks': tasks('pre_tasks'), 'roles': before, 'tasks': [*instead, *tasks('tasks')], 'post_tasks': tasks('post_tasks'),
            'handlers': [self._task(handler, ids, names, is_handler=True) for handler in play.handlers]}
        # nothing is compared here: a vaulted value would be decrypted for it
        return self._located({key: value for key, value in made.items() if not isinstance(value, (dict, list)) or value}, play.offset)

    def _role(self, role: ParsedRole) -> tuple[dict[str, t.Any], bool]:
        """(the entry of ``roles``, whether the role is here)."""
        name = str(role.name)
        is_here = '{{' not in name and self._role_is_here(name)
        if not is_here:
            self._missing.setdefault('roles', {})[name] = None
        return trusted({'role': name, **self._keywords(role, _KEYWORDS), **({'when': role.when} if role.when else {})}), is_here

    def _role_is_here(self, name: str) -> bool:
        if name.count('.') >= 2 and _get_collection_role_path(name) is not None:
            return True
        places = [os.path.join(self._folder, 'roles'), self._folder, *C.DEFAULT_ROLES_PATH]
        return any(os.path.isdir(os.path.join(os.path.expanduser(place), name)) for place in places)

    def _as_task(self, role: dict[str, t.Any], is_here: bool) -> t.Any:
        keywords = {key: value for key, value in role.items() if key != 'role'}
        return trusted({'name': f'role {role["role"]}', 'import_role' if is_here else 'include_role': {'name': role['role']}, **keywords})

    # -- tasks

    def _task(self, task: ParsedTask, ids: t.Mapping[int, str], names: t.Mapping[str, str], *, is_handler: bool = False) -> t.Any:
        made: dict[str, t.Any] = {**self._keywords(task, _KEYWORDS), **({'name': task.name} if task.name else {})}
        if task.when:
            made['when'] = _single(task.when)
        if task.block:
            for section in ('block', 'rescue', 'always'):
                parts = getattr(task, section)
                if parts:
                    made[section] = [self._task(part, ids, names, is_handler=is_handler) for part in parts]
            sections = {section: made.pop(section) for section in ('block', 'rescue', 'always') if section in made}
            return self._located(trusted(made) | sections, task.offset)
        made |= self._keywords(task, _TASK_KEYWORDS)
        for name in ('changed_when', 'failed_when', 'until'):
            if getattr(task, name):
                made[name] = _single(getattr(task, name))
        if task.registered:
            made['register'] = task.registered
        if task.async_seconds is not None:
            made['async'] = task.async_seconds
        if task.loop_items is not None:
            made['loop'] = task.loop_items
        if task.listen and is_handler:
            made['listen'] = task.listen
        made |= self._with(task)
        made |= self._action(task)
        place = (self._origin, *self._lines.place(task.offset)) if task.offset >= 0 else None
        if place is not None:
            self.notes[place] = Note(ids.get(task.offset), tuple(names.get(one, one) for one in task.dependencies))
        return self._located(trusted(made), task.offset)

    def _with(self, task: ParsedTask) -> dict[str, t.Any]:
        """A loop over a lookup; where that is not installed, over a lookup that nobody knows."""
        found: dict[str, t.Any] = {}
        for key, value in (task.model_extra or {}).items():
            name = key.removeprefix('with_')
            if name != key and name in lookup_loader:
                found[key] = value
            elif name.replace('.', '').isidentifier() and name != key:
                self._missing.setdefault('lookups', {})[name] = None
                found['loop'] = f'{{{{ query({name!r}) }}}}'
        return found

    def _keywords(self, part: t.Any, names: t.Iterable[str]) -> dict[str, t.Any]:
        return {name: value for name in names if (value := getattr(part, name, None)) not in (None, [], {})}

    def _action(self, task: ParsedTask) -> dict[str, t.Any]:
        module, args = str(task.module), dict(task.args)
        short = short_name(module)
        if short in _STATIC and not self._is_there(short, args):
            self._missing.setdefault('roles and files of tasks', {})[str(args.get('name') or args.get('_raw_params') or args.get('file'))] = None
            module = _STATIC[short]
        elif short == 'include':
            module = 'include_tasks'
        raw = args.get('_raw_params')
        if raw is None:
            args.pop('_raw_params', None)
        elif not isinstance(raw, str) and module in RAW_PARAM_MODULES:
            args['_raw_params'] = str(raw).lower() if isinstance(raw, bool) else str(raw)  # rustle-parse makes `true` out of the command true
        if not _is_installed(module) and '{{' not in module and module not in RAW_PARAM_MODULES:
            self._missing.setdefault('modules', {})[module] = None
            return {'action': module, 'args': args}
        if isinstance(raw, str) and module not in FREEFORM_ACTIONS and ('=' in raw or module not in RAW_PARAM_MODULES):
            args.pop('_raw_params')
            return {'action': f'{module} {raw}', **({'args': args} if args else {})}
        return {'action': module, 'args': args} if '{{' in module or module in Task.fattributes else {module: args}

    def _is_there(self, short: str, args: t.Mapping[str, t.Any]) -> bool:
        name = str(args.get('name') or args.get('role') or '') if short == 'import_role' else str(args.get('_raw_params') or args.get('file') or '')
        if not name or '{{' in name:
            return False
        if short == 'import_role':
            return self._role_is_here(name)
        return any(os.path.isfile(os.path.join(self._folder, place, name)) for place in ('', 'tasks', 'handlers'))

    def _located(self, value: dict[str, t.Any], offset: int) -> t.Any:
        if offset < 0:
            return value
        line, column = self._lines.place(offset)
        return Origin(path=self._origin, line_num=line, col_num=column).tag(value)


def _every(tasks: t.Iterable[ParsedTask]) -> t.Iterator[ParsedTask]:
    """Tasks in their order, without the blocks that they stand in."""
    for task in tasks:
        if task.block:
            yield from _every((*task.block, *task.rescue, *task.always))
        else:
            yield task


def _free(wanted: str, taken: set[str]) -> str:
    found, number = wanted, 2
    while found in taken:
        found, number = f'{wanted}_{number}', number + 1
    taken.add(found)
    return found
