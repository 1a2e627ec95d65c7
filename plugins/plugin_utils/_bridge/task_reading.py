# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From one task, as Ansible has loaded it, to what the planner needs to know of it."""
from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
import re
import typing as t

from ansible import context
from ansible.parsing.vault import EncryptedString
from ansible.playbook.attribute import FieldAttribute
from ansible.playbook.task_include import TaskInclude
from ansible.utils.sentinel import Sentinel
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import MAX_PUT
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import MASKED, Condition, SourceTask, StaticFile
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Scope as Place
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.declarations import parse_effects

from . import compat, prospects
from .hazards import PURE_LOOKUPS, QUICK_LOOKUPS
from .identities import identity_of
from .knowledge import Scope
from .names import NOTHING, Reading, reading_of, reading_of_expression, reading_of_file

__all__ = ['TaskReader', 'where_of']

_IN_CONTROLLER = frozenset(('add_host', 'assert', 'debug', 'fail', 'group_by', 'include_role', 'include_tasks', 'include_vars', 'import_role',
                            'import_tasks', 'meta', 'pause', 'set_fact', 'set_stats', 'validate_argument_spec'))
_BECOME = frozenset(('sudo', 'su'))
_PYTHON_VARIABLES = re.compile(r'(?:PYTHON|LD_)')
_LARGEST_STATIC = 64 << 20
#: keywords that may be templates, beside those that mean something here
_KEYWORDS = tuple(f'_{name}' for name in (
    'any_errors_fatal', 'async_val', 'become', 'become_exe', 'become_flags', 'become_method', 'check_mode', 'connection', 'debugger', 'delay', 'diff',
    'ignore_unreachable', 'no_log', 'poll', 'port', 'remote_user', 'retries', 'throttle', 'timeout'))


class TaskReader:
    """Reads the tasks of one play, seen by the hosts that stand for its classes."""

    def __init__(
        self, *, playbook: str, play: t.Any, classified: t.Any, moving: frozenset[str], variable_manager: t.Any, loader: t.Any, inputs: t.Any,
    ) -> None:
        self._playbook = playbook
        self._play = play
        self._classified = classified
        self._moving = moving
        self._variable_manager = variable_manager
        self._loader = loader
        self._inputs = inputs
        self._scopes: dict[t.Any, list[Scope]] = {}
        self._templates: dict[str, Reading] = {}
        self._keywords: dict[int, Reading] = {}
        self._inherited: dict[int, dict[str, t.Any]] = {}
        self._fqns: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}

    def read(self, task: t.Any, *, task_id: str) -> SourceTask:
        """What is to know of a task that nobody will run: it is squashed."""
        self._squash(task)
        action = short_name(task._resolved_action or str(task.action))
        scopes = self._scopes_of(task)
        scope = scopes[0]
        settings = {name: scope.value(value) for name, value in (task.get_vars() or {}).items() if name.startswith('rustle_')}
        node = prospects.node_of(task, on_controller=False, rescope=_rescope(settings), effects=_effects(settings))
        shown, real, unknown = self._arguments(node.args, scopes)
        node = dataclasses.replace(node, args=real)
        reading = self._reading(task, action, real.get('src')) | self._of_keywords(task)
        own = set(compat.register_names(task)) | set(task.vars or ()) | _loop_names(task)
        deep, ways = _together(reading, scopes)
        reads = {name: way for name, way in ways.items() if name not in own}
        on_target = action not in _IN_CONTROLLER and not isinstance(task, TaskInclude)
        if on_target:
            reads = {name: 'variables of the connection' for one in scopes for name in one.connecting} | reads
        self._inputs.used(reads)
        lookups = {name.rpartition('.')[2] or '?' for name in deep.lookups} | ({str(task.loop_with)} if task.loop_with else set())
        files = self._files(task, action, real)
        stock, detail = self._stock(task, settings, lookups, on_target, files)
        flush = action == 'meta' and task.args.get('_raw_params') == 'flush_handlers'
        return SourceTask(
            task_id=task_id, name=self._name(task, scope), module=_shown_module(task), node=node,
            args={'_': MASKED} if task.no_log and shown else shown, unknown_args=() if task.no_log else unknown, reads=reads,
            reads_any=deep.any or deep.other_hosts, sets=tuple(compat.register_names(task)),
            sets_any=action in ('include_vars', 'include_tasks', 'include_role'),
            sets_facts=prospects.sets_facts(task),
            conditions=self._conditions(task, scopes), tags=_tags(task),
            notify=_names(task.notify), after=_names(settings.get('rustle_after')), parallel=str(settings.get('rustle_parallel') or ''),
            stock=stock, stock_detail=detail,
            cut=_cut(task, action, deep, lookups), ends=self._ends(task), on_target=on_target, become=_become(task),
            role=task._role.get_name() if task._role is not None else '', where='' if flush and task.implicit else where_of(task),
            identity=identity_of(task, playbook=self._playbook),
            modules=self._modules(task) if on_target else (), files=files, loop_items=_count(task, scope),
            check_mode=task.check_mode is True, flush=flush)

    def _squash(self, task: t.Any) -> None:
        """What Base.squash does, with what the tasks of a block inherit from it looked up once: Ansible walks up to the play each time that it is asked."""
        if task._squashed:
            return
        inherited = self._inherited.setdefault(id(task._parent), {})
        values = vars(task)  # a thousand tasks have sixty attributes each
        for name, kept, extends in _attributes(type(task)):
            if values.get(kept, Sentinel) is not Sentinel:
                if extends:
                    values[kept] = getattr(task, name)
                continue
            if name not in inherited:
                inherited[name] = getattr(task, name)
            values[kept] = inherited[name]
        task._squashed = True

    # -- variables

    def _scopes_of(self, task: t.Any) -> list[Scope]:
        """One for each class; tasks of one role without variables of their own share them."""
        key = (id(task._role), _holder_of_vars(task))
        known = self._scopes.get(key)
        if known is None:
            known = self._scopes[key] = [
                self._scope(task, self._classified.representative[one.class_id]) for one in self._classified.classes] or [self._scope(task, None)]
        return known

    def _scope(self, task: t.Any, host: t.Any) -> Scope:
        variables = self._variable_manager.get_vars(play=self._play, host=host, task=task, include_hostvars=False)
        return Scope(variables, loader=self._loader, moving=self._moving, varying=self._classified.varying, vaulted=self._inputs.vaulted,
                     values=self._classified.values)

    def _arguments(self, args: t.Mapping[str, t.Any], scopes: list[Scope]) -> tuple[dict[str, t.Any], dict[str, t.Any], tuple[str, ...]]:
        """(for people, for the rules, names of those that are unknown). What differs between classes is unknown."""
        shown, real, unknown = {}, {}, []
        for name, value in args.items():
            answers = [scope.rendered(value, name=name) for scope in scopes]
            first = answers[0]
            if any(answer[1] != first[1] for answer in answers[1:]):
                first = (value, value, ['it differs between classes of hosts'])
            shown[name], real[name] = first[0], first[1]
            if first[2]:
                unknown.append(name)
        return shown, real, tuple(unknown)

    def _reading(self, task: t.Any, action: str, source: t.Any) -> Reading:
        found = reading_of(task.args)
        if task.loop is not None:
            control = task.loop_control
            found |= reading_of([control.label, control.pause, control.loop_var, control.index_var])
        values = (str(task.action), task.loop, task.environment, task.delegate_to, task.notify, task.become_user, task.run_once, task.ignore_errors, task.vars)
        for value in values:
            if value:
                found |= reading_of(value)
        for layer in task.module_defaults or ():
            found |= reading_of(layer)
        for expression in (task.when, task.changed_when, task.failed_when, task.until):
            if expression:
                found |= reading_of_expression(expression)
        if action == 'debug' and isinstance(task.args.get('var'), str):
            found |= reading_of_expression(task.args['var'])
        elif action == 'assert':
            found |= reading_of_expression(task.args.get('that'))
        elif action == 'template':
            found |= self._template(task, source)
        elif action in ('package', 'service'):
            found |= Reading(names=frozenset(('ansible_facts',)))  # the action asks which manager there is
        return found

    def _of_keywords(self, one: t.Any) -> Reading:
        """Of a task, a block or a play and all that they stand in; what is overruled further in counts as well."""
        known = self._keywords.get(id(one))
        if known is None:
            above = getattr(one, '_parent', None) or (self._play if one is not self._play else None)
            values = vars(one)
            known = reading_of([value for name in _KEYWORDS if isinstance(value := values.get(name), str)])
            if above is not None:
                known |= self._of_keywords(above)
            self._keywords[id(one)] = known
        return known

    def _template(self, task: t.Any, source: t.Any) -> Reading:
        """What the file of a template task reads, files that it includes among it."""
        if not isinstance(source, str) or '{{' in source or any(name.endswith('_string') for name in task.args):
            return Reading(any=True)  # with marks of its own, what is a variable is not known here
        try:
            path = self._loader.path_dwim_relative_stack(task.get_search_path(), 'templates', source)
        except Exception:
            return NOTHING  # it is not there: the task will say so
        return self._template_file(path, frozenset())

    def _template_file(self, path: str, seen: frozenset[str]) -> Reading:
        known = self._templates.get(path)
        if known is not None:
            return known
        data = self._inputs.read(path)
        if data is None or (data.startswith(b'#jinja2:') and b'_string' in data.partition(b'\n')[0]):
            return Reading(any=True)
        found = reading_of_file(data.decode('utf-8', 'replace'))
        for name in sorted(found.templates):
            inner = next((place for place in (os.path.join(os.path.dirname(path), name), os.path.join(self._loader.get_basedir(), 'templates', name))
                          if os.path.isfile(place)), None)
            if inner is None:
                found |= Reading(any=True)
            elif inner not in seen and inner != path:
                found |= self._template_file(inner, seen | {path})
        self._templates[path] = found
        return found

    # -- what people see

    def _name(self, task: t.Any, scope: Scope) -> str:
        name = task.get_name()
        if '{{' in name:
            # only the name as it was written may be rendered, not what it became with its role
            name = name.removesuffix(str(task.name)) + str(scope.rendered(task.name)[0])
        return str(name).strip()

    def _conditions(self, task: t.Any, scopes: list[Scope]) -> tuple[Condition, ...]:
        found = []
        for expression in task.when or ():
            if isinstance(expression, EncryptedString):
                found.append(Condition(kind='when', text=MASKED))
                continue
            answers = {scope.decided(expression) for scope in scopes}
            found.append(Condition(kind='when', text=str(expression), decided=answers.pop() if len(answers) == 1 else None))
        if task.tags:
            found.append(Condition(kind='tag', values=_tags(task)))
        if task.check_mode is not None and bool(task.check_mode) != bool(context.CLIARGS.get('check')):
            found.append(Condition(kind='check_mode', text=str(task.check_mode).lower()))
        return tuple(found)

    # -- what the run decides

    def _stock(
        self, task: t.Any, settings: t.Mapping[str, t.Any], lookups: t.Iterable[str], on_target: bool, files: t.Iterable[StaticFile],
    ) -> tuple[Reason | None, str]:
        if settings.get('rustle_mode') == 'ssh':
            return Reason.MODE_SSH, ''
        if settings.get('rustle_enabled') is False:
            return Reason.DISABLED, ''
        reason = prospects.stock_reason(task) if str(task.action) != 'meta' else None
        if isinstance(task, TaskInclude) or short_name(str(task.action)) in ('meta', 'add_host', 'group_by'):
            return None, ''
        if reason is not None:
            return reason, short_name(str(task.action)) if reason is Reason.ACTION else ''
        blocking = sorted(set(lookups) - QUICK_LOOKUPS)
        if blocking:
            return Reason.LOOKUP, blocking[0]
        if not on_target:
            return None, ''
        if task.become and task.become_method and str(task.become_method).rpartition('.')[2] not in _BECOME and '{{' not in str(task.become_method):
            return Reason.BECOME_METHOD, str(task.become_method)
        for layer in task.environment or ():
            if isinstance(layer, t.Mapping) and any(_PYTHON_VARIABLES.match(str(name)) for name in layer):
                return Reason.ENVIRONMENT, next(str(name) for name in layer if _PYTHON_VARIABLES.match(str(name)))
        if prospects.plugin_of(task) == 'normal' and not self._modules(task):
            return Reason.NON_PYTHON_MODULE, str(task.action)
        large = next((file.path for file in files if file.size > MAX_PUT), None)
        return (None, '') if large is None else (Reason.LARGE_FILE, large)

    def _ends(self, task: t.Any) -> Reason | None:
        reason = prospects.ends_bundle(task, ended=False)
        if reason is None and prospects.notifications(task) is None:
            return Reason.NOTIFY
        return reason

    def _modules(self, task: t.Any) -> tuple[str, ...]:
        key = str(task.action), tuple(task.collections or ())
        if key not in self._fqns:  # the play is loaded: no role brings further folders of modules
            self._fqns[key] = tuple(reference.fqn for reference in prospects.modules_of([task]))
        return self._fqns[key]

    def _files(self, task: t.Any, action: str, args: t.Mapping[str, t.Any]) -> tuple[StaticFile, ...]:
        """Files of the controller that go over as they are."""
        source = args.get('src')
        remote = args.get('remote_src', action == 'assemble')
        if action not in ('copy', 'unarchive', 'script') or not isinstance(source, str) or '{{' in source or remote not in (False, None, 'no', 'false'):
            return ()
        try:
            path = self._loader.path_dwim_relative_stack(task.get_search_path(), 'files', source)
            size = os.path.getsize(path)
        except Exception:
            return ()
        if not os.path.isfile(path):
            return ()
        data = self._inputs.read(path) if size <= _LARGEST_STATIC else None
        return (StaticFile(path=os.path.relpath(path), size=size, checksum=hashlib.sha256(data).hexdigest() if data is not None else ''),)


def _together(reading: Reading, scopes: t.Sequence[Scope]) -> tuple[Reading, dict[str, str]]:
    """What is read in the end on hosts of any class, with the ways to it."""
    found, ways = scopes[0].deep(reading)
    for scope in scopes[1:]:
        more, others = scope.deep(reading)
        found, ways = found | more, others | ways
    return found, ways


def _holder_of_vars(task: t.Any) -> int:
    """What tells tasks apart by the variables that they are given: the nearest of task, blocks and includes that has some."""
    parent = task
    while parent is not None:
        if getattr(parent, 'vars', None):
            return id(parent)
        parent = getattr(parent, '_parent', None)
    return 0


def _loop_names(task: t.Any) -> set[str]:
    """What a loop sets, and takes with it: that of the task, or of the include that brings it."""
    names = {'item', 'ansible_loop', 'ansible_loop_var', 'ansible_index_var'}
    if task.loop is not None:  # else Ansible would make a control for whoever asks
        control = task.loop_control
        names.update(str(name) for name in (control.loop_var, control.index_var) if name)
    return names


def _shown_module(task: t.Any) -> str:
    return short_name(task._resolved_action or str(task.action))


def _cut(task: t.Any, action: str, reading: Reading, lookups: t.Iterable[str]) -> Reason | None:
    """Why the task is prepared only when nothing of its host is under way. The same causes as in hazards.py, read beforehand."""
    if isinstance(task, TaskInclude):
        return Reason.INCLUDE
    if action == 'meta':
        return Reason.META
    if set(lookups) - PURE_LOOKUPS:
        return Reason.LOOKUP_CUT
    if reading.clock:
        return Reason.CLOCK
    if reading.controller_files:
        return Reason.CONTROLLER_FILES
    return None


def _become(task: t.Any) -> str:
    return f'{task.become_method or "sudo"}:{task.become_user or "root"}' if task.become else ''


def _tags(task: t.Any) -> tuple[str, ...]:
    """Its own in the order of the playbook, then those of blocks, roles and the play: Ansible keeps them as a set, in an order that is chance."""
    written = (getattr(task, '_ds', None) or {}).get('tags') or ()
    own = [tag.strip() for tag in written.split(',')] if isinstance(written, str) else list(map(str, written))
    every = set(map(str, task.tags))
    return tuple(dict.fromkeys([*(tag for tag in own if tag in every), *sorted(every)]))


def _count(task: t.Any, scope: Scope) -> int | None:
    if task.loop is None:
        return None
    items = scope.value(task.loop)
    return len(items) if isinstance(items, (list, tuple)) else None


def where_of(task: t.Any) -> str:
    """file:line, relative to the working folder where it is below it; empty for what Ansible adds by itself."""
    path = task.get_path() or ''
    file, _colon, line = path.rpartition(':')
    if not file:
        return path
    return f'{_from_here(file, os.getcwd())}:{line}'


@functools.lru_cache(maxsize=1024)
def _from_here(file: str, here: str) -> str:
    relative = os.path.relpath(file, here)
    return file if relative.startswith('..') else relative


@functools.cache
def _attributes(kind: type[t.Any]) -> tuple[tuple[str, str, bool], ...]:
    """(Name, where its value is kept, whether values of outer blocks are added) of what tasks of a kind have."""
    return tuple((name, f'_{name}', attribute.extend) for name, attribute in kind.fattributes.items() if isinstance(attribute, FieldAttribute))


def _names(value: t.Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(map(str, value))


def _rescope(settings: t.Mapping[str, t.Any]) -> Place | None:
    value = settings.get('rustle_scope')
    return Place(value) if value in ('host', 'world') else None


def _effects(settings: t.Mapping[str, t.Any]) -> t.Any:
    value = settings.get('rustle_effects')
    return None if value is None else parse_effects(value)
