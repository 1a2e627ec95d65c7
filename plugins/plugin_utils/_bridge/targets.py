# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From Ansible's connection and become plugins to the place of an agent.

Rule 1: the command line is the connection plugin's own (ssh's _build_command, local's shell), the escalation the become plugin's own.
Rule 2: what is not proven equal raises Unsupported: other connections, shells, become methods, requested terminals.
Rule 3: passwords go only where the plugins put them: into the pipe or shared memory that ssh's helper reads, or to the prompt; never into argv.
"""
from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shlex
import socket
import typing as t

from ansible import constants as C
from ansible.module_utils.common.text.converters import to_bytes
from ansible.plugins.connection import local as local_plugin
from ansible.plugins.connection import ssh as ssh_plugin
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import BecomeTalk, Shell, Target

from .hazards import Unsupported

__all__ = ['becomes', 'is_controller', 'machine_of', 'shell_of', 'target_of']

_BECOME = ('sudo', 'su')


def becomes(action: t.Any, sudoable: bool) -> bool:
    """Whether a command of this action runs through its become plugin. Source: ActionBase._low_level_execute_command."""
    if not sudoable or not action._connection.become:
        return False
    user, become_user = action._get_remote_user(), action.get_become_option('become_user')
    return bool(C.BECOME_ALLOW_SAME_USER or become_user != user or not any((user, become_user)))


def target_of(action: t.Any, *, sudoable: bool, python: str) -> Target:
    """The agent's place for a call of ``action`` with interpreter ``python``."""
    connection, context = action._connection, action._play_context
    become = connection.become if becomes(action, sudoable) else None
    key = (python, context.executable, context.remote_addr, context.password, type(connection), _given(connection),
           None if become is None else (become._load_name, _given(become), context.become_pass), action._loader.get_basedir())
    target = _targets.get(key)
    if target is None:
        target = _targets[key] = _make(action, become, python)
    return target


_targets: dict[t.Any, Target] = {}


def _given(plugin: t.Any) -> tuple[t.Any, ...]:
    """A plugin's options, as far as they tell one of its uses from another."""
    return tuple((name, str(value)) for name, value in plugin._options.items())


def _make(action: t.Any, become: t.Any, python: str) -> Target:
    connection = action._connection
    executable = action._play_context.executable
    if getattr(connection._shell, 'SHELL_FAMILY', '') != 'sh' or not executable:
        raise Unsupported(Reason.CONNECTION, 'shell ' + str(getattr(connection._shell, 'SHELL_FAMILY', '?')))
    if become is not None and become._load_name.rpartition('.')[2] not in _BECOME:
        raise Unsupported(Reason.BECOME_METHOD, become._load_name)
    identity: list[t.Any] = [python, executable]
    if become is not None:
        options = [become.get_option(name, playcontext=action._play_context) for name in ('become_exe', 'become_flags', 'become_user')]
        identity += [become._load_name, *map(str, options), _digest(_become_password(become, action))]
    if type(connection) is ssh_plugin.Connection:
        label, wrap, extra = _ssh(connection, action)
        cwd = None
    elif type(connection) is local_plugin.Connection:
        label, cwd = 'local', action._loader.get_basedir()
        shell = C.DEFAULT_EXECUTABLE.split()[0] if C.DEFAULT_EXECUTABLE else '/bin/sh'
        extra = ['local', cwd]

        def wrap(text: str) -> tuple[list[bytes], dict[str, t.Any]]:
            return [to_bytes(part) for part in (shell, '-c', text)], {'cwd': cwd}
    else:
        raise Unsupported(Reason.CONNECTION, connection.transport)
    identity += extra

    def command(text: str) -> tuple[list[bytes], dict[str, t.Any]]:
        if become is not None:
            text = become.build_become_command(text, connection._shell)
        return wrap(f'{executable} -c {shlex.quote(text)}')

    def talk() -> BecomeTalk | None:
        if become is None:
            return None
        password = _become_password(become, action)
        return BecomeTalk(
            # a prompt that nobody can answer must not read what is meant for the agent
            password=to_bytes(password or '', errors='surrogate_or_strict') if become.expect_prompt() else None,
            is_prompt=become.check_password_prompt, is_success=become.check_success,
            is_wrong_password=become.check_incorrect_password, is_missing_password=become.check_missing_password)

    return Target(key=_digest(repr(identity)), label=label, python=python, command=command, talk=talk,
                  password=type(connection) is ssh_plugin.Connection and bool(connection.get_option('password') or action._play_context.password))


def _become_password(become: t.Any, action: t.Any) -> str | None:
    return become.get_option('become_pass', playcontext=action._play_context)


def _digest(text: str | None) -> str:
    return hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest() if text else ''


def _ssh(connection: t.Any, action: t.Any) -> tuple[str, t.Callable[[str], tuple[list[bytes], dict[str, t.Any]]], list[t.Any]]:
    """(label, shell text -> command, what identifies the way). Source: ssh.py, exec_command, _bare_run and _init_shm."""
    if connection._is_tty_requested():
        raise Unsupported(Reason.CONNECTION, 'terminal requested')
    if connection.get_option('pkcs11_provider'):
        raise Unsupported(Reason.CONNECTION, 'PKCS#11')
    if int(connection.get_option('reconnection_retries') or 0) > 0:
        raise Unsupported(Reason.CONNECTION, 'reconnection retries')
    connection.host = connection.get_option('host') or connection._play_context.remote_addr
    password = connection.get_option('password') or connection._play_context.password
    if password:
        return str(connection.host), functools.partial(_with_password, connection, password), [_digest(repr(_given(connection))), str(connection.host)]
    base = connection._build_command(connection.get_option('ssh_executable'), 'ssh', connection.host)

    def wrap(text: str) -> tuple[list[bytes], dict[str, t.Any]]:
        return [*base, to_bytes(text)], {}

    return str(connection.host), wrap, base


def _with_password(connection: t.Any, password: str, text: str) -> tuple[list[bytes], dict[str, t.Any]]:
    """As the plugin does it: sshpass reads the password from a pipe, ssh's askpass helper from shared memory; both are made for one launch."""
    argv = [to_bytes(part) for part in connection._build_command(connection.get_option('ssh_executable'), 'ssh', connection.host, text)]
    pipe, connection.sshpass_pipe = connection.sshpass_pipe, None
    if pipe is not None:
        def started() -> None:
            os.close(pipe[0])
            with contextlib.suppress(BrokenPipeError):
                os.write(pipe[1], to_bytes(password) + b'\n')
            os.close(pipe[1])
        return argv, {'pass_fds': pipe, 'started': started}
    options = connection._init_shm()
    memory, connection.shm = connection.shm, None

    def settled() -> None:
        with contextlib.suppress(FileNotFoundError):
            memory.unlink()

    return argv, {'env': options.get('env'), **({'settled': settled} if memory is not None else {})}


def shell_of(action: t.Any, text: str) -> Shell:
    """A command for the login user that needs no Python there."""
    target = target_of(action, sudoable=False, python='')
    argv, options = target.command(text)
    return Shell(argv=tuple(argv), options=options)


def machine_of(variables: t.Mapping[str, t.Any], host_name: str, play_connection: str) -> tuple[str, str, str]:
    """What tells one machine from another: (connection, address, port), as written (templates are compared as text)."""
    connection = str(variables.get('ansible_connection') or play_connection or 'ssh').rpartition('.')[2]
    if connection == 'local':
        return ('local', '', '')
    return (connection, str(variables.get('ansible_host') or variables.get('ansible_ssh_host') or host_name), str(variables.get('ansible_port') or ''))


@functools.lru_cache(maxsize=4096)
def is_controller(machine: tuple[str, str, str]) -> bool:
    """Whether a machine is, or may be, the one that this process runs on: a local connection, a loopback or an own address."""
    connection, address, _port = machine
    if connection == 'local' or address.startswith('127.') or address in ('localhost', '::1'):
        return True
    return address in _own_addresses()


@functools.lru_cache(maxsize=1)
def _own_addresses() -> frozenset[str]:
    names = {socket.gethostname(), socket.getfqdn()}
    try:
        names.update(str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None))
    except OSError:
        pass
    return frozenset(names)
