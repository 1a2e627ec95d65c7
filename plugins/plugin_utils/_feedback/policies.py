# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policies of the user's, from files: code that runs on the controller, found by the setting ``policies``.

Rule: a file is taken as a whole or refused with its place; what a policy does later is guarded by the engine.
"""
from __future__ import annotations

import importlib.util
import os
import sys
import types
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policies import DEFAULT
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policy import Policy
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import SettingsError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event

__all__ = ['load_policies']

_KINDS = ', '.join(AdaptationKind)


def load_policies(paths: t.Iterable[str]) -> tuple[Policy, ...]:
    """Ours, and those of the user's; one that has the name of one of ours takes its place. ``paths``: files, or folders of them.

    Raises SettingsError for what is no policy.
    """
    own: dict[str, tuple[Policy, str]] = {}
    for path in paths:
        for file in _files(path):
            for policy in _policies(file):
                if policy.name in own:
                    raise SettingsError(expected='each policy once', found=policy.name, where=file, hint=f'it is in {own[policy.name][1]}, too')
                own[policy.name] = policy, file
    return (*(policy for policy, _file in own.values()), *(policy for policy in DEFAULT if policy.name not in own))


def _files(path: str) -> list[str]:
    path = os.path.expanduser(path)
    if not os.path.isdir(path):
        return [path]
    files = sorted(os.path.join(path, name) for name in os.listdir(path) if name.endswith('.py') and not name.startswith(('_', '.')))
    if not files:
        raise SettingsError(expected='a folder with Python files', found='none', where=f'policies {path}')
    return files


def _policies(file: str) -> list[Policy]:
    module = _module(file)
    classes = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Policy) and one.__module__ == module.__name__]
    policies = [_made(cls, file) for cls in classes if not cls.__name__.startswith('_')]
    if not policies:
        raise SettingsError(expected='a class that is a Policy', found='none', where=file, hint='class MyPolicy(Policy): ... (docs/adaptation.md)')
    return policies


def _module(file: str) -> types.ModuleType:
    name = f'rustle_policies.{os.path.splitext(os.path.basename(file))[0]}_{len(sys.modules)}'
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise SettingsError(expected='a Python file', found=os.path.basename(file), where=f'policies {file}')
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except SyntaxError as ex:
        raise SettingsError(expected='Python', found=ex.msg, where=f'{file}:{ex.lineno}') from ex
    except Exception as ex:
        raise SettingsError(expected='a Python file that can be imported', found=f'{type(ex).__name__}: {ex}', where=f'policies {file}') from ex
    return module


def _made(cls: type[Policy], file: str) -> Policy:
    where = f'{file}: {cls.__name__}'
    try:
        policy = cls()
    except Exception as ex:
        raise SettingsError(expected='a class that takes no arguments', found=f'{type(ex).__name__}: {ex}', where=where) from ex
    if not isinstance(policy.name, str) or not policy.name:
        raise SettingsError(expected='a name', found=policy.name, where=f'{where}.name', hint="name = 'my-policy'")
    if isinstance(policy.priority, bool) or not isinstance(policy.priority, (int, float)):
        raise SettingsError(expected='a number', found=policy.priority, where=f'{where}.priority')
    if not isinstance(policy.events, tuple) or not all(isinstance(one, type) and issubclass(one, Event) for one in policy.events):
        raise SettingsError(expected='a tuple of kinds of events', found=policy.events, where=f'{where}.events', hint='events = (TaskFailed,)')
    if policy.kind not in tuple(AdaptationKind):
        raise SettingsError(expected=f'one of {_KINDS}', found=policy.kind, where=f'{where}.kind')
    return policy
