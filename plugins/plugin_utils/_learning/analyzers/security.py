# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is less safe than it need be: root without need, secrets that are shown, host keys that nobody checks. One run is enough to see these."""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.traits import RunTrait, TaskTrait

from ..finding import Finding, Scene, plural

__all__ = ['analyze']


def analyze(scene: Scene) -> t.Iterator[Finding]:
    for task in scene.having(TaskTrait.NEEDS_NO_ROOT):
        yield Finding(
            code='needless-become', subject=task.identity, title=f'"{scene.name(task.identity)}" becomes another user and does nothing that needs one',
            evidence=f'{task.module} does nothing on the host that needs that user{_where(task.path)}', change='become: false')
    for task in scene.having(TaskTrait.SECRET_ARGUMENTS):
        if TaskTrait.NO_LOG not in task.traits:
            yield Finding(
                code='no-log', subject=task.identity, severity='warning', title=f'"{scene.name(task.identity)}" is given a secret, without no_log',
                evidence=f'an argument of {task.module} is called like one; results and messages may show it{_where(task.path)}', change='no_log: true')
    remote = {one.host for one in scene.history.by_run.get(scene.execution, ()) if one.host_class.split('/')[0] in ('ssh', 'paramiko_ssh')}
    if RunTrait.HOST_KEY_CHECKING_OFF in scene.run.traits and remote:
        yield Finding(
            code='host-key-checking', subject='host_key_checking', severity='warning', title='host keys are not checked: another machine may answer for a host',
            evidence=f'host_key_checking was off in a run with {plural(len(remote), "host")}',
            change='[defaults]\nhost_key_checking = True  # their keys belong into known_hosts first')


def _where(path: str) -> str:
    return f' ({path})' if path else ''
