# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From a module's name to what an agent needs to run it.

Rule 1: modules are found by Ansible's own loader, in its own order; only new-style Python modules go to an agent.
Rule 2: arguments are encoded by the module's own serialization profile, exactly as AnsiballZ does it.
Source: ansible/plugins/action/__init__.py (_configure_module), ansible/executor/module_common.py (_find_module_utils).
"""
from __future__ import annotations

import functools
import json
import os
import typing as t

import ansible.modules
from ansible import constants as C
from ansible._internal._templating._engine import TemplateOptions
from ansible.errors import AnsibleError
from ansible.executor import module_common
from ansible.executor.interpreter_discovery import InterpreterDiscoveryRequiredError, discover_interpreter
from ansible.module_utils import basic
from ansible.module_utils.common.json import Direction, get_module_encoder
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import ModuleRef

from .coroutine import current
from .hazards import Hazard, Unsupported
from .payload_files import search_paths

#: modules of ansible-core 2.19 to 2.21 whose code was read for what it keeps in its process: nothing that the agent does not see or put back
_AGAIN = frozenset(('assemble', 'blockinfile', 'command', 'copy', 'file', 'find', 'getent', 'lineinfile', 'ping', 'replace', 'slurp', 'stat', 'tempfile'))
_CORE_MODULES = os.path.dirname(ansible.modules.__file__)
_CORE_MODULE_UTILS = os.path.dirname(basic.__file__)

_EXTENSIONS = ('_ANSIBALLZ_PYDEVD_CONFIG', '_ANSIBALLZ_DEBUGPY_CONFIG', '_ANSIBALLZ_COVERAGE_CONFIG', '_MODULE_METADATA')

__all__ = ['ModulePayload', 'Prepared', 'find_module', 'interpreter_of', 'prepare', 'supplier']

#: set by the session: makes sure that a payload with the module exists. (Why not, in words, or None; the module's serialization profile)
supplier: list[t.Callable[[ModuleRef], tuple[str | None, str]]] = []


class ModulePayload(bytes):
    """Travels through ActionBase._execute_module in the place of the module's code."""

    prepared: Prepared


class Prepared(t.NamedTuple):
    """A module with its arguments, ready for an agent."""

    module: ModuleRef
    interpreter: str
    params: str
    profile: str
    rlimit: int
    env: dict[str, str]


@functools.lru_cache(maxsize=4096)
def _style(path: str, mtime_ns: int, size: int) -> tuple[bool, str, tuple[str, ...]]:
    """(is a new-style Python module, interpreter of its first line, that line's arguments)."""
    with open(path, 'rb') as file:
        code = file.read()
    python = not module_common._is_binary(code) and module_common.REPLACER not in code and bool(module_common.NEW_STYLE_PYTHON_MODULE_RE.search(code))
    interpreter, args = module_common._extract_interpreter(code)
    return python, interpreter or '/usr/bin/python', tuple(args)


@functools.lru_cache(maxsize=4096)
def _fqn(path: str, name: str) -> str:
    try:
        return module_common._get_ansible_module_fqn(path)
    except ValueError:
        return f'ansible.legacy.{name}'


def find_module(loader: t.Any, name: str, collections: t.Any) -> tuple[ModuleRef, str] | None:
    """(module, interpreter of its first line), or None when ``name`` is not a new-style Python module or cannot be found."""
    found = loader.find_plugin_with_context(name, '', collection_list=collections)
    path = found.plugin_resolved_path if found.resolved else None
    if not path:
        return None
    status = os.stat(path)
    python, interpreter, args = _style(path, status.st_mtime_ns, status.st_size)
    if not python or args:
        return None
    return ModuleRef(name=name, fqn=_fqn(path, name), path=path, again=_may_run_again(path)), interpreter


def _may_run_again(path: str) -> bool:
    """Whether this is one of those modules, with ansible-core's own module_utils: nothing of their names lies where it would be found first."""
    folder, file = os.path.split(path)
    if folder != _CORE_MODULES or file.removesuffix('.py') not in _AGAIN:
        return False
    others = [place for place in search_paths()[0] if place != _CORE_MODULE_UTILS]
    return not any(_names_in(place) & _core_module_utils() for place in others)


@functools.lru_cache(maxsize=1)
def _core_module_utils() -> frozenset[str]:
    return _names_in(_CORE_MODULE_UTILS)


def _names_in(folder: str) -> frozenset[str]:
    """The modules and packages that lie in a folder."""
    return frozenset(name.partition('.')[0] for name in os.listdir(folder)) - {'__init__', '__pycache__'}


@functools.lru_cache(maxsize=1)
def _extension_variables() -> frozenset[str]:
    """Variables that can switch AnsiballZ's debugger and coverage extensions on."""
    definitions = [C.config.get_configuration_definition(name) or {} for name in _EXTENSIONS]
    return frozenset(entry['name'] for definition in definitions for entry in definition.get('vars') or ())


@functools.lru_cache(maxsize=1)
def _extensions_configured() -> bool:
    return any(C.config.get_config_value(name) for name in _EXTENSIONS if C.config.get_configuration_definition(name))


def _extensions_wanted(task_vars: t.Mapping[str, t.Any]) -> bool:
    """Whether debugger or coverage extensions are on: those runs stay stock."""
    return _extensions_configured() or any(task_vars.get(name) is not None for name in _extension_variables())


def interpreter_of(action: t.Any, task_vars: dict[str, t.Any], hashbang: str = '/usr/bin/python') -> str:
    """The interpreter for modules with that first line; it is discovered when it has to be. Source: ActionBase._configure_module."""
    use_vars = task_vars.get('ansible_delegated_vars', {})[action._task.delegate_to] if action._task.delegate_to else task_vars
    local = bool(getattr(action._connection, '_remote_is_local', False))
    try:
        return module_common._get_shebang(hashbang, use_vars, action._templar, (), remote_is_local=local)[1]
    except InterpreterDiscoveryRequiredError as ex:
        owner = current()
        if owner.guard is not None:
            raise Hazard(Reason.INTERPRETER, 'discovery') from ex
        owner.discovers = True
        found = action._discovered_interpreter = discover_interpreter(
            action=action, interpreter_name=ex.interpreter_name, discovery_mode=ex.discovery_mode, task_vars=use_vars)
        owner.discovers = False
        key = f'discovered_interpreter_{ex.interpreter_name}'
        use_vars.setdefault('ansible_facts', {})[key] = found
        if not action._task.delegate_to or action._task.delegate_facts:
            task_vars.setdefault('ansible_facts', {})[key] = found
            action._discovered_interpreter_key = key  # _execute_module reports it as a fact
        owner.discovered = True
        return module_common._get_shebang(hashbang, use_vars, action._templar, (), remote_is_local=local)[1]


def prepare(action: t.Any, module_name: str, module_args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> Prepared:
    """What ActionBase._configure_module does up to the payload itself.

    Raises Unsupported where only the stock path will do, AnsibleError as stock does.
    """
    if tuple(action._connection.module_implementation_preferences) != ('',):
        raise Unsupported(Reason.CONNECTION, 'module implementation preferences')
    found = find_module(action._shared_loader_obj.module_loader, module_name, action._task.collections)
    if found is None:
        raise Unsupported(Reason.NON_PYTHON_MODULE, module_name)
    module, hashbang = found
    refusal, profile = supplier[0](module)
    if refusal is not None:
        raise Unsupported(Reason.NON_PYTHON_MODULE, refusal)
    if _extensions_wanted(task_vars):
        raise Unsupported(Reason.UNSUPPORTED, 'AnsiballZ extensions')
    interpreter = interpreter_of(action, task_vars, hashbang)
    if any(map(str.isspace, interpreter)):
        # rare, and whoever has one reads the quoted command in stock's -vvv output
        raise Unsupported(Reason.UNSUPPORTED, 'an interpreter with blanks in its path')
    environment: dict[str, t.Any] = {}
    action._compute_environment_string(environment)
    env = {str(name): str(value) for name, value in environment.items()}
    if any(name.startswith(('PYTHON', 'LD_')) for name in env):
        # they change how an interpreter starts, and the agent's has started already
        raise Unsupported(Reason.ENVIRONMENT, ', '.join(sorted(env)))
    rlimit = C.config.get_config_value('PYTHON_MODULE_RLIMIT_NOFILE', variables=task_vars)
    if not isinstance(rlimit, int):
        rlimit = int(action._templar._engine.template(rlimit, options=TemplateOptions(value_for_omit=0)))
    try:
        params = json.dumps({'ANSIBLE_MODULE_ARGS': module_args}, cls=get_module_encoder(profile, Direction.CONTROLLER_TO_MODULE))
    except TypeError as ex:
        raise AnsibleError(f'Failed to serialize arguments for the {module_name!r} module.') from ex
    return Prepared(module=module, interpreter=interpreter, params=params, profile=profile, rlimit=rlimit, env=env)
