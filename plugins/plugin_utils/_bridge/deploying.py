# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action rustle.engine.binary_deployment: its states on the controller, and what it sends to the module of its name.

Rule 1: hosts are reached by ActionBase's own means only (module, transfer, permissions), so that every connection will do.
Rule 2: results, diffs and files for others show names, sums and sizes; arguments stand in a bundle file alone, which is its owner's.
"""
from __future__ import annotations

import contextlib
import os
import re
import tempfile
import typing as t
import zlib

from ansible import constants as C
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.settings import read_config, resolve

from . import bundles, deployments
from .deployments import Deployments
from .payload import Payload, PayloadBuilder

__all__ = ['Deploying', 'unrendered']

SUMS = 'SHA256SUMS'
_MODULE = 'rustle.engine.binary_deployment'
_SPEC: dict[str, t.Any] = {
    'state': {'type': 'str', 'choices': ['planned', 'built', 'present', 'absent'], 'default': 'planned'},
    'modules': {'type': 'list', 'elements': 'str'},
    'playbook': {'type': 'str'},
    'play': {'type': 'str'},
    'dest': {'type': 'str'},
    'name': {'type': 'str'},
    'bundles': {'type': 'bool', 'default': False},
    'sha256': {'type': 'list', 'elements': 'str'},
}
_SOURCES = ('tasks', 'modules', 'playbook')
_NAME = re.compile(r'[A-Za-z0-9][\w.-]*\Z')
_SUM = re.compile(r'[0-9a-f]{12,64}\Z')
_LINE = re.compile(r'([0-9a-f]{64}) [ *](.+)\Z')


def unrendered(value: t.Any, templar: t.Any) -> t.Any:
    """The option ``tasks``: a template may give the list, and templates in it stay as they are."""
    return templar.resolve_to_container(value) if isinstance(value, str) else value


class Deploying:
    """One run of the action."""

    def __init__(self, action: t.Any, task_vars: dict[str, t.Any]) -> None:
        self._action = action
        self._task_vars = task_vars
        self._check = bool(action._task.check_mode)
        self._options = _validated(dict(action._task.args))

    def run(self) -> dict[str, t.Any]:
        """The result. RustleError for options that make no sense, AnsibleError for tasks that Ansible cannot load."""
        state = self._options['state']
        found = self._deployments()
        result: dict[str, t.Any] = {'changed': False}
        if found is not None:
            name = self._options['name'] or ''
            result['deployments'] = [one.as_dict(name, number) for number, one in enumerate(found.items)]
            result['refused'] = [one.as_dict() for one in found.refused]
        if self._tasks:
            result['unbundled'] = self._unbundled()
        if state == 'built' and found is not None:
            result |= self._built(found)
        elif state == 'present' and found is not None:
            result |= self._present([one.payload for one in found.items])
        elif state == 'absent':
            result |= self._absent(found)
        return result

    # -- what it is about

    _tasks: t.Sequence[t.Any] = ()

    def _deployments(self) -> Deployments | None:
        options, loader = self._options, self._action._loader
        if options['tasks'] is not None:
            stretches = deployments.read_tasks(options['tasks'], loader)
            self._tasks = stretches[0].tasks
        elif options['modules'] is not None:
            stretches = deployments.read_modules(options['modules'], loader)
        elif options['playbook'] is not None:
            stretches = deployments.read_playbook(options['playbook'], loader)
        else:
            return None
        settings = resolve(variables={}, environ=os.environ, config=read_config(C.CONFIG_FILE))
        builder = PayloadBuilder(settings.cache_dir, limit=settings.cache_limit)
        return deployments.build(stretches, builder, play=options['play'], alone=bool(self._tasks))

    def _unbundled(self) -> list[dict[str, str]]:
        words = [(deployments.name_of(task), bundles.refusal(task)) for task in self._tasks]
        return [{'task': name, 'reason': reason} for name, reason in words if reason is not None]

    # -- on the controller

    def _built(self, found: Deployments) -> dict[str, t.Any]:
        dest = self._action._loader.path_dwim(self._options['dest'])
        name = self._options['name'] or ''
        payloads = {one.binary_name(name, number): one.payload for number, one in enumerate(found.items)}
        private = self._bundle(found, name)
        old = _read(os.path.join(dest, SUMS)).decode(errors='replace')
        new = _sums(old, {file: payload.sha for file, payload in payloads.items()}, dest)
        contents = {**{file: payload.read() for file, payload in payloads.items()}, **private, SUMS: new.encode()}
        stale = [file for file, data in contents.items() if _read(os.path.join(dest, file)) != data or (file in private and _is_open(os.path.join(dest, file)))]
        if stale and not self._check:
            try:
                os.makedirs(dest, exist_ok=True)
                for file in stale:
                    _write(os.path.join(dest, file), contents[file], private=file in private)
            except OSError as ex:
                raise RustleError(f'dest: cannot write {ex.filename or dest}: {ex.strerror}') from ex
        result: dict[str, t.Any] = {'changed': bool(stale), 'dest': dest, 'files': sorted(contents)}
        if self._action._task.diff:
            path = os.path.join(dest, SUMS)
            result['diff'] = {'before_header': path, 'after_header': path, 'before': old, 'after': new}
        return result

    def _bundle(self, found: Deployments, name: str) -> dict[str, bytes]:
        """The bundle file by its name, if it was asked for: all tasks are in it, or there is none."""
        if not self._options['bundles']:
            return {}
        refused = self._unbundled()
        if refused:
            lines = ''.join(f'\n  {one["task"]}: {one["reason"]}' for one in refused)
            raise RustleError(f'bundles: {len(refused)} of {len(self._tasks)} tasks cannot stand in a bundle, and nothing was written:{lines}',
                              hint='leave them out of tasks, or run them from a controller')
        if len(found.items) != 1:
            raise RustleError(f'bundles: expected tasks whose modules go together, found {len(found.items)} archives', hint='give their tasks one by one')
        file = found.items[0].binary_name(name, 0).removesuffix('.pyz') + '.bundle.json'
        return {file: bundles.document(self._tasks, found.items[0].payload)}

    # -- on the host

    def _present(self, payloads: list[Payload]) -> dict[str, t.Any]:
        wanted: list[dict[str, t.Any]] = [{'sha256': payload.sha, 'size': payload.size} for payload in payloads]
        result = self._module({'state': 'present', '_payloads': wanted})
        missing = result.pop('missing', None)
        if missing and not self._check and not result.get('failed'):
            for one in wanted:
                if one['sha256'] in missing:
                    one['src'] = self._sent(next(payload for payload in payloads if payload.sha == one['sha256']))
            result = self._module({'state': 'present', '_payloads': wanted})
            result.pop('missing', None)
        return result

    def _sent(self, payload: Payload) -> str:
        """Where the packed archive lies on the host now: in the task's temporary folder."""
        action = self._action
        if not action._connection._shell.tmpdir:
            action._make_tmp_path()
        folder = action._connection._shell.tmpdir
        remote = action._connection._shell.join_path(folder, f'{payload.sha}.z')
        handle, local = tempfile.mkstemp(dir=C.DEFAULT_LOCAL_TMP)
        try:
            with open(handle, 'wb') as file:
                file.write(zlib.compress(payload.read(), 9))
            action._transfer_file(local, remote)
        finally:
            os.unlink(local)
        action._fixup_perms2((folder, remote))
        return remote

    def _absent(self, found: Deployments | None) -> dict[str, t.Any]:
        sums = self._options['sha256']
        if found is not None:
            sums = [*(sums or ()), *(one.payload.sha for one in found.items)]
        return self._module({'state': 'absent', 'sha256': sums} if sums is not None else {'state': 'absent'})

    def _module(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        family = getattr(self._action._connection._shell, 'SHELL_FAMILY', 'sh')
        if family != 'sh':
            raise RustleError(f'expected a host with a POSIX shell, found {family}: no agent runs there')
        result = dict(self._action._execute_module(module_name=_MODULE, module_args=arguments, task_vars=self._task_vars))
        result.pop('invocation', None)
        return result


def _validated(given: dict[str, t.Any]) -> dict[str, t.Any]:
    """The options with their defaults; RustleError in the words of the house for what does not go together."""
    tasks = given.pop('tasks', None)
    if unknown := sorted(given.keys() - _SPEC.keys()):
        raise RustleError(f'there is no option {", ".join(unknown)}', hint=f'options: {", ".join(sorted([*_SPEC, "tasks"]))}')
    validation = ArgumentSpecValidator(_SPEC).validate(given)
    if validation.error_messages:
        raise RustleError('; '.join(validation.error_messages))
    options = {**validation.validated_parameters, 'tasks': tasks}
    if tasks is not None and not (isinstance(tasks, (list, tuple)) and all(isinstance(task, dict) for task in tasks)):
        raise RustleError(f'tasks: expected a list of tasks, found {type(tasks).__name__}')
    sources = [name for name in _SOURCES if options[name] is not None]
    state = options['state']
    if len(sources) > 1:
        raise RustleError(f'{" and ".join(sources)} exclude each other')
    if not sources and state != 'absent':
        raise RustleError(f'state {state}: expected one of tasks, modules and playbook, found none')
    if options['play'] is not None and options['playbook'] is None:
        raise RustleError('play: expected the playbook that it is in, found none')
    if state == 'built' and not options['dest']:
        raise RustleError('state built: expected dest, the folder to write to, found none')
    if options['bundles'] and not (state == 'built' and tasks):
        raise RustleError('bundles: expected state built and tasks')
    if options['name'] and not _NAME.match(options['name']):
        raise RustleError(f'name: expected the beginning of a file name, found {options["name"]!r}')
    for one in options['sha256'] or ():
        if not _SUM.match(one):
            raise RustleError(f'sha256: expected 12 to 64 lower-case hex digits, found {one!r}')
    if options['sha256'] is not None and state != 'absent':
        raise RustleError(f'sha256: expected state absent, found {state}')
    return options


def _sums(old: str, sums: t.Mapping[str, str], dest: str) -> str:
    """The file of sums: ours anew, and those of other files that are still there."""
    kept = {}
    for line in old.splitlines():
        match = _LINE.match(line)
        if match and os.path.exists(os.path.join(dest, match[2])):
            kept[match[2]] = match[1]
    return ''.join(f'{digest}  {file}\n' for file, digest in sorted({**kept, **sums}.items()))


def _read(path: str) -> bytes:
    """Empty where there is nothing."""
    try:
        with open(path, 'rb') as file:
            return file.read()
    except OSError:
        return b''


def _is_open(path: str) -> bool:
    """Whether anybody but its owner may do anything with a file."""
    return bool(os.stat(path).st_mode & 0o077)


def _write(path: str, data: bytes, *, private: bool) -> None:
    """Whole or not at all; ``private``: for its owner only, from the first byte."""
    mask = os.umask(0)
    os.umask(mask)
    handle, temporary = tempfile.mkstemp(prefix='.', dir=os.path.dirname(path))
    try:
        with open(handle, 'wb') as file:
            file.write(data)
            os.fchmod(file.fileno(), 0o600 if private else 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
