# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Binary deployments: from tasks, modules or a playbook to the payloads that a run of them builds.

Rule 1: nothing is run and no template of a task is rendered; Ansible's own classes load tasks and plays.
Rule 2: the payloads are those of a run, byte for byte: the same modules, asked for in the same order (payload_choice.py).
"""
from __future__ import annotations

import dataclasses
import os
import types
import typing as t

from ansible.errors import AnsibleParserError
from ansible.executor.play_iterator import PlayIterator
from ansible.parsing.dataloader import DataLoader
from ansible.playbook import Playbook
from ansible.playbook.play import Play
from ansible.playbook.task_include import TaskInclude
from ansible.vars.manager import VariableManager
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import ModuleRef

from . import bundles, prospects
from .payload import Payload, PayloadBuilder
from .payload_choice import PayloadChoice
from .payload_files import TARGET_PYTHON

__all__ = ['Deployment', 'Deployments', 'Refusal', 'Stretch', 'build', 'read_modules', 'read_playbook', 'read_tasks']

_STRATEGY = 'rustle_binary_hybrid'


@dataclasses.dataclass(frozen=True)
class Stretch:
    """Tasks whose modules a run asks for at once: a play's."""

    name: str
    tasks: t.Sequence[t.Any]


@dataclasses.dataclass(frozen=True)
class Refusal:
    """A task that no agent runs."""

    task: str
    module: str
    reason: Reason
    text: str

    def as_dict(self) -> dict[str, str]:
        return {'task': self.task, 'module': self.module, 'reason': self.reason.value, 'text': self.text}


@dataclasses.dataclass(frozen=True)
class Deployment:
    """A payload, and the names of the tasks that use it."""

    payload: Payload
    tasks: tuple[str, ...]
    mode: str

    def binary_name(self, name: str, number: int) -> str:
        """``name``, if one was given, with a number for the second and later ones."""
        if not name:
            return f'{self.payload.sha[:12]}.pyz'
        return f'{name}.pyz' if number == 0 else f'{name}-{number + 1}.pyz'

    def as_dict(self, name: str, number: int) -> dict[str, t.Any]:
        return {
            'id': f'deployment-{self.payload.sha[:12]}',
            'binary_name': self.binary_name(name, number),
            'sha256': self.payload.sha,
            'estimated_size': self.payload.size,
            'modules': [{'name': fqn, 'module_utils': len(utils)} for fqn, utils in sorted(self.payload.modules.items())],
            'tasks': list(self.tasks),
            'requirements': {'python': f'>={".".join(map(str, TARGET_PYTHON))}', 'os': 'any posix', 'arch': 'any'},
            'execution_mode': self.mode,
        }


@dataclasses.dataclass(frozen=True)
class Deployments:
    items: tuple[Deployment, ...]
    refused: tuple[Refusal, ...]


# -- reading


def read_tasks(tasks: t.Sequence[t.Any], loader: t.Any) -> list[Stretch]:
    """Tasks as they stand in a playbook. AnsibleError where Ansible cannot load them."""
    data = {'name': 'tasks', 'hosts': 'all', 'gather_facts': False, 'tasks': list(tasks)}
    play = Play.load(data, variable_manager=VariableManager(loader=loader), loader=loader)
    return [Stretch('tasks', [task for block in play.tasks for task in block.get_tasks()])]


def read_modules(names: t.Sequence[str], loader: t.Any) -> list[Stretch]:
    """A task without arguments for each name."""
    return read_tasks([{str(name): {}} for name in names], loader)


def read_playbook(path: str, loader: t.Any) -> list[Stretch]:
    """The plays of a playbook that our strategy may run. ``loader`` gives the folder for a relative path, and the vault's secrets."""
    path = loader.path_dwim(path)
    if not os.path.isfile(path):
        raise AnsibleParserError(f'playbook: expected a file, found nothing at {path}')
    reading = DataLoader()  # of its own: a playbook changes the folder that relative paths begin at
    reading.set_vault_secrets(getattr(getattr(loader, '_vault', None), 'secrets', None) or [])
    reading.set_basedir(os.path.dirname(path))
    variables = VariableManager(loader=reading)
    plays = Playbook.load(path, variable_manager=variables, loader=reading).get_plays()
    return [Stretch(play.get_name().strip(), _tasks_of(play, variables)) for play in plays if _may_be_ours(play)]


def _may_be_ours(play: t.Any) -> bool:
    """Whether the play names no other strategy. What it is where it names none, the configuration of a later run says."""
    named = (play.get_ds() or {}).get('strategy')
    return named is None or '{{' in str(named) or str(named).rpartition('.')[2] == _STRATEGY


def _tasks_of(play: t.Any, variables: t.Any) -> list[t.Any]:
    """What the strategy finds in its iterator. Source: TaskQueueManager.run, PlayRun.modules."""
    play.handlers = play.compile_roles_handlers() + play.handlers
    nobody = types.SimpleNamespace(get_hosts=lambda *args, **kwargs: [])  # hosts are for later
    iterator = PlayIterator(
        inventory=nobody, play=play, play_context=types.SimpleNamespace(start_at_task=None), variable_manager=variables,
        all_vars=variables.get_vars(play=play))
    return prospects.tasks_of(iterator)


# -- building


def build(stretches: t.Sequence[Stretch], builder: PayloadBuilder, *, play: str | None = None, alone: bool = False) -> Deployments:
    """The payloads of the stretches, or only what a host of the one called ``play`` may be asked for.

    ``alone``: the tasks may stand in a bundle; otherwise a controller is needed for all.
    """
    names = [one.name for one in stretches]
    if play is not None and play not in names:
        raise RustleError(f'play: there is no play {play!r} that {_STRATEGY} may run', hint=f'plays: {", ".join(map(repr, names)) or "none"}')
    choice = PayloadChoice(builder)
    wanted: list[Payload] = []
    for one in stretches:
        modules = prospects.modules_of(one.tasks)
        choice.expect(modules)
        if modules and (play is None or one.name == play):
            held = filter(None, map(choice.holding, modules))
            wanted += [payload for payload in (choice.first(), *held) if payload.modules]
    refused = choice.refused
    tasks = [task for one in stretches if play is None or one.name == play for task in one.tasks]
    items = tuple(_deployment(payload, tasks, refused, alone=alone) for payload in {payload.sha: payload for payload in wanted}.values())
    return Deployments(items, tuple(refusal for task in tasks if (refusal := _refusal(task, refused)) is not None))


def _deployment(payload: Payload, tasks: t.Sequence[t.Any], refused: t.Mapping[ModuleRef, str], *, alone: bool) -> Deployment:
    real = [task for task in tasks if not _is_meta(task)]
    using = [task for task in real if _refusal(task, refused) is None and any(module in payload for module in prospects.modules_of([task]))]
    held = [task for task in using if alone and bundles.refusal(task) is None]
    mode = 'standalone' if held and len(held) == len(real) else 'hybrid' if held else 'controller'
    return Deployment(payload, tuple(dict.fromkeys(name_of(task) for task in using)), mode)


def name_of(task: t.Any) -> str:
    return str(task.name or task.action)


def _is_meta(task: t.Any) -> bool:
    return str(task.action).rpartition('.')[2] == 'meta'


def _refusal(task: t.Any, refused: t.Mapping[ModuleRef, str]) -> Refusal | None:
    """None for a task that an agent runs, and for one that asks nothing of the host."""
    if _is_meta(task):
        return None
    reason, text = _reason(task, refused)
    return None if reason is None else Refusal(name_of(task), str(task.action), reason, text or reason.text)


def _reason(task: t.Any, refused: t.Mapping[ModuleRef, str]) -> tuple[Reason | None, str]:
    if isinstance(task, TaskInclude):
        return Reason.INCLUDE, 'tasks or a role are included here, and which is known only in the run'
    reason = prospects.stock_reason(task)
    if reason is not None:
        return reason, ''
    modules = prospects.modules_of([task])
    words = [refused[module] for module in modules if module in refused]
    if words:
        return Reason.NON_PYTHON_MODULE, words[0]
    if not modules and prospects.plugin_of(task) in prospects.AGENT_ACTIONS:
        return Reason.NON_PYTHON_MODULE, ''
    return None, ''
