# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Answers of Ansible's that are asked again and again within one process.

Rule 1: only pure questions are remembered, under a key that holds everything the answer depends on.
Rule 2: an answer that warned, failed or was deprecated is not remembered: asking again says it again.
Rule 3: what is remembered is never handed out to be changed: callers get copies of what they might change.
"""
from __future__ import annotations

import argparse
import functools
import types
import typing as t

from ansible import constants as C
from ansible._internal._templating import _jinja_bits
from ansible.module_utils._internal import _traceback
from ansible.playbook.task import Task
from ansible.plugins import loader as plugin_loader
from ansible.plugins.connection import ssh as ssh_plugin
from ansible.vars import manager
from jinja2.environment import TemplateExpression

from .coroutine import current
from .plugin_finds import remembering_finds

__all__ = ['install', 'replace', 'uninstall']

_SYNTAX = _jinja_bits._TEMPLATE_OVERRIDE_FIELD_NAMES


def _syntax_key(environment: t.Any) -> tuple[t.Any, ...]:
    """What the code compiled from a template's text depends on, besides the text."""
    context = _jinja_bits._TemplateCompileContext.current(optional=True)
    return (*(getattr(environment, name) for name in _SYNTAX), context.escape_backslashes if context else None,
            _jinja_bits._TemplateConfig.allow_embedded_templates)


class _Templates:
    """Code compiled from templates and expressions. The templates themselves belong to an environment and are made anew."""

    def __init__(self, environment_class: t.Any) -> None:
        self._codes: dict[t.Any, t.Any] = {}
        self._latest: t.Any = None
        self._compile = environment_class.compile
        self._compile_expression = environment_class.compile_expression

    def compile(self, environment: t.Any, source: t.Any, name: t.Any = None, filename: t.Any = None, raw: bool = False,
                defer_init: bool = False) -> t.Any:
        if raw or environment._debuggable_template_source or (name is not None and filename is not None):
            return self._compile(environment, source, name, filename, raw, defer_init)
        if not isinstance(source, str):  # the tree of an expression: compile_expression below has the key
            self._latest = self._compile(environment, source, name, filename, raw, defer_init)
            return self._latest
        key = (str(source), name, filename, defer_init, _syntax_key(environment))
        code = self._codes.get(key)
        if code is None:
            code = self._codes[key] = self._compile(environment, source, name, filename, raw, defer_init)
        return code

    def compile_expression(self, environment: t.Any, source: str, undefined_to_none: bool = True) -> t.Any:
        if environment._debuggable_template_source:
            return self._compile_expression(environment, source, undefined_to_none)
        key = ('expression', str(source), _syntax_key(environment))
        code = self._codes.get(key)
        if code is None:
            expression = self._compile_expression(environment, source, undefined_to_none)
            self._codes[key] = self._latest
            return expression
        template = environment.template_class.from_code(environment, code, environment.make_globals(None), None)
        return TemplateExpression(template, undefined_to_none)


def _kind(value: t.Any) -> t.Any:
    return type(value).__name__, repr(value)


class _Options:
    """Options of plugins: a function of the keywords and variables that their definitions name (environment and files do not change)."""

    def __init__(self, config: t.Any) -> None:
        self._ask = config.get_plugin_options_and_origins
        self._config = config
        self._names: dict[tuple[str, str], tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._known: dict[t.Any, tuple[dict[str, t.Any], dict[str, t.Any]]] = {}

    def __call__(self, plugin_type: str, name: str, keys: t.Any = None, variables: t.Any = None, direct: t.Any = None) -> t.Any:
        if direct:
            return self._ask(plugin_type, name, keys=keys, variables=variables, direct=direct)
        keywords, names = self._named(plugin_type, name)
        key = (plugin_type, name,
               tuple((word, _kind(keys[word])) for word in keywords if word in keys) if keys else None,
               tuple((word, _kind(variables[word])) for word in names if word in variables) if variables else None)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._ask(plugin_type, name, keys=keys, variables=variables, direct=direct)
        options, origins = known
        return dict(options), dict(origins)

    def _named(self, plugin_type: str, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        known = self._names.get((plugin_type, name))
        if known is None:
            definitions = self._config.get_configuration_definitions(plugin_type=plugin_type, name=name)
            keywords = set(definitions)
            names: set[str] = set()
            for definition in definitions.values():
                keywords.update(entry['name'] for entry in definition.get('keyword') or ())
                names.update(entry['name'] for entry in definition.get('vars') or ())
                keywords.update(definition.get('aliases') or ())
            known = self._names[plugin_type, name] = tuple(sorted(keywords)), tuple(sorted(names | {'_extras'}))
        return known


class _Values:
    """Configuration values that are the same for every task: those that no variable in sight may set."""

    def __init__(self, config: t.Any) -> None:
        self._ask = config.get_config_value
        self._config = config
        self._known: dict[str, tuple[tuple[str, ...], t.Any]] = {}

    def __call__(self, name: str, *args: t.Any, variables: t.Any = None, **others: t.Any) -> t.Any:
        if args or others:
            return self._ask(name, *args, variables=variables, **others)
        known = self._known.get(name)
        if known is None:
            definition = self._config.get_configuration_definition(name) or {}
            names = tuple(entry['name'] for entry in definition.get('vars') or ())
            if variables and any(word in variables for word in names):
                return self._ask(name, variables=variables)
            value = self._ask(name, variables=None)
            if isinstance(value, (list, dict, set)):
                return value
            known = self._known[name] = names, value
        elif variables and any(word in variables for word in known[0]):
            return self._ask(name, variables=variables)
        return known[1]


class _TerminalOptions:
    """The little parser that every ssh connection makes for itself; it is hardly ever asked."""

    def __init__(self) -> None:
        self._arguments: list[tuple[t.Any, t.Any]] = []

    def add_argument(self, *args: t.Any, **kwargs: t.Any) -> None:
        self._arguments.append((args, kwargs))

    def parse_known_args(self, args: t.Any) -> t.Any:
        parser = argparse.ArgumentParser()
        for names, kwargs in self._arguments:
            parser.add_argument(*names, **kwargs)
        return parser.parse_known_args(args)


class _JinjasOwn:
    """Names of filters and tests that no plugin has: Jinja's own. Each environment would look through Ansible's plugins again."""

    def __init__(self, loader_class: t.Any) -> None:
        self._ask = loader_class.get_with_context
        self._absent: dict[t.Any, t.Any] = {}

    def get(self, loader: t.Any, name: str, *args: t.Any, **kwargs: t.Any) -> t.Any:
        key = (loader.class_name, tuple(loader._extra_dirs), name)
        found = self._absent.get(key)
        if found is None:
            found = self._ask(loader, name, *args, **kwargs)
            if found.object is None and '.' not in name:  # a collection may be installed by the play
                self._absent[key] = found
        return found


class _FolderVars:
    """What group_vars and host_vars beside inventories and plays hold. The one plugin that reads them keeps what it has found itself."""

    def __init__(self, ask: t.Callable[..., t.Any]) -> None:
        self._ask = ask
        self._known: dict[t.Any, t.Any] = {}

    def __call__(self, loader: t.Any, place: t.Any, entities: t.Any, stage: str) -> t.Any:
        if not _only_folder_vars():
            return self._ask(loader, place, entities, stage)
        key = (id(loader), tuple(place) if isinstance(place, list) else place, tuple((type(e).__name__, e.name) for e in entities), stage)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._ask(loader, place, entities, stage)
        return known


@functools.lru_cache(maxsize=1)
def _only_folder_vars() -> bool:
    return [type(plugin).__module__.rpartition('.')[2] for plugin in plugin_loader.vars_loader.all()] == ['host_group_vars']


def _copy_task(copy_task: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    @functools.wraps(copy_task)
    def copy(self: t.Any, exclude_parent: bool = False, exclude_tasks: bool = False) -> t.Any:
        if current() is None or exclude_parent:
            return copy_task(self, exclude_parent=exclude_parent, exclude_tasks=exclude_tasks)
        # a clone of all blocks above a task serves nobody: inside a coroutine parents are read only (seams.py, _post_validate)
        twin = copy_task(self, exclude_parent=True, exclude_tasks=exclude_tasks)
        twin._parent = self._parent
        return twin
    return copy


_undo: list[t.Callable[[], None]] = []


def install() -> None:
    """Put the memos in place (idempotent)."""
    if _undo:
        return
    environment = _jinja_bits.AnsibleEnvironment
    templates = _Templates(environment)
    replace(environment, 'compile', _method(templates.compile))
    replace(environment, 'compile_expression', _method(templates.compile_expression))
    replace(C.config, 'get_plugin_options_and_origins', _Options(C.config))
    replace(C.config, 'get_config_value', _Values(C.config))
    replace(_traceback, '_is_traceback_enabled', functools.cache(_traceback._is_traceback_enabled))
    replace(ssh_plugin, 'argparse', types.SimpleNamespace(ArgumentParser=_TerminalOptions))
    replace(plugin_loader.PluginLoader, 'find_plugin_with_context', remembering_finds(plugin_loader.PluginLoader.find_plugin_with_context))
    replace(plugin_loader.Jinja2Loader, 'get_with_context', _method(_JinjasOwn(plugin_loader.Jinja2Loader).get))
    for name in ('get_vars_from_path', 'get_vars_from_inventory_sources'):
        replace(manager, name, _FolderVars(getattr(manager, name)))
    replace(Task, 'copy', _copy_task(Task.copy))
    split = ssh_plugin.Connection._split_ssh_args
    split_once = functools.lru_cache(maxsize=1024)(lambda text: tuple(split(text)))
    replace(ssh_plugin.Connection, '_split_ssh_args', staticmethod(lambda text: list(split_once(str(text)))))


def _method(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """What a class may have for a method: it hands its instances to plain functions only, not to what is bound to another object."""
    def method(self: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:
        return function(self, *args, **kwargs)
    return method


def replace(owner: t.Any, name: str, value: t.Any) -> None:
    """Put ``value`` in the place of an attribute until uninstall()."""
    had = name in vars(owner)
    before = vars(owner).get(name)
    setattr(owner, name, value)
    _undo.append(lambda: setattr(owner, name, before) if had else delattr(owner, name))


def uninstall() -> None:
    while _undo:
        _undo.pop()()
