# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The seams of ActionBase and TaskExecutor at which a task in a coroutine leaves Ansible's code for an agent.

Rule 1: every seam acts only when current() is set; otherwise it calls the original with the very arguments it got.
Rule 2: a seam replaces how something is done on the target, never what an action decides.
Rule 3: what a seam cannot do raises Unsupported, as long as nothing was sent.
Sources: ansible/plugins/action/__init__.py, ansible/executor/task_executor.py.
"""
from __future__ import annotations

import contextlib
import functools
import os
import time
import types
import typing as t

from ansible._internal._errors import _task_timeout
from ansible._internal._templating._jinja_bits import is_possibly_template
from ansible.errors import AnsibleConnectionFailure
from ansible.executor import module_common, task_executor
from ansible.module_utils.common.text.converters import to_text
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import action_loader
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import Call, Put, Reply
from jinja2 import FileSystemLoader, TemplateNotFound

from . import copying
from .coroutine import current
from .hazards import Hazard, Unsupported, refuse_large
from .modules import ModulePayload, interpreter_of, prepare
from .quick import validate
from .targets import shell_of, target_of

__all__ = ['install', 'uninstall']

#: what turns out to be larger than this only after the first exchange fails: it would not fit into a message
MAX_LATE_PUT = 256 << 20


def _configure_module(owner: t.Any, action: t.Any, module_name: str, module_args: t.Any, task_vars: t.Any) -> t.Any:
    prepared = prepare(action, module_name, module_args, task_vars)
    payload = ModulePayload(b'rustle')
    payload.prepared = prepared
    built = module_common._BuiltModule(
        b_module_data=payload, module_style='new', shebang='#!' + prepared.interpreter, serialization_profile=prepared.profile)
    return built, prepared.module.path


def _low_level_execute_command(owner: t.Any, action: t.Any, cmd: str, sudoable: bool = True, in_data: bytes | None = None,
                               executable: str | None = None, encoding_errors: str = 'surrogate_then_replace', chdir: str | None = None,
                               process_result: t.Any = None) -> dict[str, t.Any]:
    shell = action._connection._shell
    local = action._connection.transport == 'local'
    common: dict[str, t.Any] = {'cwd': action._loader.get_basedir() if local else None, 'puts': tuple(owner.puts), 'tmp_base': owner.tmp_base}
    if isinstance(in_data, ModulePayload):
        prepared = in_data.prepared
        owner.python = prepared.interpreter
        call = Call(target=target_of(action, sudoable=sudoable, python=prepared.interpreter), module=prepared.module, params=prepared.params,
                    profile=prepared.profile, rlimit=prepared.rlimit, env=prepared.env, **common)
    else:
        if chdir:
            cmd = shell.append_command(f'cd {chdir}', cmd)
        if owner.discovers:
            reply = owner.shell(shell_of(action, cmd))
            if reply.rc == 255 and action._connection.transport == 'ssh':
                words = '<error censored due to no log>' if action._play_context.no_log else to_text(reply.stderr).rstrip()
                raise AnsibleConnectionFailure(f'Failed to connect to the host via ssh: {words}')
            return _result(reply, encoding_errors, None)
        if owner.python is None:
            owner.python = interpreter_of(action, owner.task_vars)
        call = Call(target=target_of(action, sudoable=sudoable, python=owner.python),
                    argv=(executable or action._play_context.executable, '-c', cmd), stdin=in_data, **common)
    owner.puts = []
    return _result(owner.call(action, call), encoding_errors, process_result)


def _result(reply: Reply, encoding_errors: str, process_result: t.Any) -> dict[str, t.Any]:
    rc, stdout, stderr = reply.rc, reply.stdout, reply.stderr
    if process_result:
        rc, stdout, stderr = process_result(rc, stdout, stderr)
    out, err = to_text(stdout, errors=encoding_errors), to_text(stderr, errors=encoding_errors)
    return {'rc': rc, 'stdout': out, 'stdout_lines': out.splitlines(), 'stderr': err, 'stderr_lines': err.splitlines()}


def _make_tmp_path(owner: t.Any, action: t.Any, remote_user: str | None = None) -> str:
    owner.wants_directory = True
    if action._is_become_unprivileged():
        # the become user's own agent makes it, where any user may
        owner.tmp_base = (action.get_shell_option('system_tmpdirs') or ['/var/tmp'])[0]
    else:
        owner.tmp_base = action.get_shell_option('remote_tmp', default='~/.ansible/tmp')
    action._connection._shell.tmpdir = owner.token + '/'
    return owner.token + '/'


def _remove_tmp_path(owner: t.Any, action: t.Any, tmp_path: str | None, force: bool = False) -> None:
    # the agent removes it at the end of the entry it was made for
    action._connection._shell.tmpdir = None


def _transfer_file(owner: t.Any, action: t.Any, local_path: str, remote_path: str) -> str:
    if not str(remote_path).startswith(owner.token):
        raise Unsupported(Reason.UNSUPPORTED, 'transfer to a path of its own')
    refuse_large(owner, local_path)
    if os.path.getsize(local_path) > MAX_LATE_PUT:
        raise Unsupported(Reason.LARGE_FILE, local_path)
    with open(local_path, 'rb') as file:
        owner.puts.append(Put(str(remote_path), file.read()))
    return remote_path


def _transfer_data(owner: t.Any, action: t.Any, remote_path: str, data: str | bytes) -> str:
    if not str(remote_path).startswith(owner.token):
        raise Unsupported(Reason.UNSUPPORTED, 'transfer to a path of its own')
    owner.puts.append(Put(str(remote_path), data.encode(errors='surrogateescape') if isinstance(data, str) else data))
    return remote_path


def _fixup_perms2(owner: t.Any, action: t.Any, remote_paths: t.Any, remote_user: t.Any = None, execute: bool = True) -> t.Any:
    # files are written by the agent of the user who reads them
    return remote_paths


def _is_pipelining_enabled(owner: t.Any, action: t.Any, module_style: str, wrap_async: bool = False) -> bool:
    if wrap_async:
        raise Unsupported(Reason.ASYNC, action._task.action)
    if module_style != 'new':
        raise Unsupported(Reason.NON_PYTHON_MODULE, module_style)
    owner.piped = functools.partial(_originals['_is_pipelining_enabled'], action, module_style, wrap_async)
    return True


def _find_needle(owner: t.Any, action: t.Any, dirname: str, needle: str) -> str:
    try:
        found = _originals['_find_needle'](action, dirname, needle)
    except Exception as ex:
        if owner.guard is not None:
            raise Hazard(Reason.CONTROLLER_FILES, str(needle)) from ex  # a task under way may make it
        raise
    owner.files_read.append(found)
    refuse_large(owner, found)
    for folder, _folders, names in os.walk(found):
        for name in names:
            refuse_large(owner, os.path.join(folder, name))
    return found


def _get_source(original: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """Files that a template includes or imports are files that it reads."""
    @functools.wraps(original)
    def get_source(self: t.Any, environment: t.Any, template: str) -> t.Any:
        owner = current()
        try:
            found = original(self, environment, template)
        except TemplateNotFound as ex:
            if owner is not None and owner.guard is not None:
                raise Hazard(Reason.CONTROLLER_FILES, template) from ex
            raise
        if owner is not None:
            owner.files_read.append(found[1])
        return found
    return get_source


_originals: dict[str, t.Callable[..., t.Any]] = {}
_ACTION_SEAMS = (_configure_module, _low_level_execute_command, _make_tmp_path, _remove_tmp_path, _transfer_file, _transfer_data,
                 _fixup_perms2, _is_pipelining_enabled, _find_needle)


def _post_validate(owner: t.Any, task: t.Any, templar: t.Any) -> None:
    """Task.post_validate, but for the parent: it is shared with other hosts here, so it is checked and not finalized."""
    parent = task._parent
    if isinstance(parent, Task):
        twin = parent.copy(exclude_parent=True, exclude_tasks=True)
        twin._parent = parent._parent
        twin.post_validate(templar)
    elif parent is not None and is_possibly_template(parent.name or ''):
        parent.post_validate_attribute('name', templar=templar)
    validate(task, templar)


class _Time(types.SimpleNamespace):
    """The time module as TaskExecutor sees it: its waits do not stop the other hosts."""

    def __getattr__(self, name: str) -> t.Any:
        return getattr(time, name)

    @staticmethod
    def sleep(seconds: float) -> None:
        owner = current()
        if owner is None:
            time.sleep(seconds)
        else:
            owner.sleep(seconds)


def _seam(cls: type, replacement: t.Callable[..., t.Any], name: str = '') -> t.Callable[[], None]:
    name = name or replacement.__name__
    original = _originals[name] = getattr(cls, name)

    @functools.wraps(original)
    def seam(self: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:
        owner = current()
        if owner is None:
            return original(self, *args, **kwargs)
        return replacement(owner, self, *args, **kwargs)

    setattr(cls, name, seam)
    return functools.partial(setattr, cls, name, original)


def _alarm_timeout(original: t.Any) -> t.Any:
    @contextlib.contextmanager
    def alarm_timeout(timeout: int | None) -> t.Iterator[None]:
        owner = current()
        if owner is None or not isinstance(timeout, int) or timeout <= 0:
            with original(timeout):
                yield
            return
        # SIGALRM knows one task at a time; the hub keeps a deadline for each
        owner.timeout = timeout
        try:
            yield
        finally:
            owner.timeout = None
    return staticmethod(alarm_timeout)


_undo: list[t.Callable[[], None]] = []


def install() -> None:
    """Put the seams in place (idempotent)."""
    if _undo:
        return
    for replacement in _ACTION_SEAMS:
        _undo.append(_seam(ActionBase, replacement))
    _undo.append(_seam(Task, _post_validate, 'post_validate'))
    copy_class = action_loader.get('ansible.legacy.copy', class_only=True)
    if copying.fits(copy_class):
        original = copy_class._copy_file
        copy_class._copy_file = copying.seam(original)
        _undo.append(functools.partial(setattr, copy_class, '_copy_file', original))
    get_source = FileSystemLoader.get_source
    FileSystemLoader.get_source = _get_source(get_source)  # type: ignore[method-assign]
    _undo.append(functools.partial(setattr, FileSystemLoader, 'get_source', get_source))
    task_executor.time = _Time()
    _undo.append(functools.partial(setattr, task_executor, 'time', time))
    error = _task_timeout.TaskTimeoutError
    error.alarm_timeout = _alarm_timeout(error.alarm_timeout)
    _undo.append(lambda: delattr(error, 'alarm_timeout'))


def uninstall() -> None:
    while _undo:
        _undo.pop()()
