# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Binary deployments: one payload of code for the hosts of a play that have the same profile.

Rule: code only. Files and variables that its tasks need travel beside it, and are only named here.
"""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import (
    BinaryDeployment,
    BinarySuitabilityAnalysis,
    ExecutionMode,
    PlanningOptions,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import HostClass, PlaySource, Profile, SourceTask
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.bundling import Bundled
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.facts import is_fact

__all__ = ['OLDEST_PYTHON', 'deployments_of']

OLDEST_PYTHON: t.Final = '3.8'
"""What the agent itself needs on a target; modules of newer ansible-core need more."""


def deployments_of(
    play: PlaySource, suitability: t.Iterable[BinarySuitabilityAnalysis], bundled: Bundled, options: PlanningOptions
) -> tuple[BinaryDeployment, ...]:
    """One for each profile among the classes of hosts for which it pays."""
    suitable = {one.class_id for one in suitability if one.suitable}
    by_profile: dict[Profile, list[HostClass]] = {}
    for one in play.classes:
        if one.class_id in suitable:
            by_profile.setdefault(_profile(one.profile, options), []).append(one)
    if not by_profile:
        return ()
    tasks = [task for task in play.tasks if task.on_target and bundled.placed[task.task_id].path == 'agent']
    if not tasks:
        return ()
    mode = _mode(play, tasks, bundled)
    handlers = [handler for handler in play.handlers if handler.on_target and handler.stock is None]
    modules = tuple(sorted({module for task in (*tasks, *handlers) for module in task.modules}))
    names = sorted({name for task in tasks for name in task.reads})
    return tuple(
        BinaryDeployment(
            deployment_id=f'{play.play_id}-deployment-{number}', target_hosts=tuple(host for one in classes for host in one.hosts),
            binary_name=f'{play.play_id}-{number}.pyz', tasks=tuple(task.task_id for task in tasks), modules=modules, execution_mode=mode,
            requirements={'arch': profile.arch or 'any', 'os': profile.os or 'posix', 'python_version': f'>={OLDEST_PYTHON}'},
            static_files=tuple(dict.fromkeys(file for task in tasks for file in task.files)),
            variables=tuple(name for name in names if not is_fact(name)), facts_required=tuple(filter(is_fact, names)),
            bundles=tuple(bundle.bundle_id for bundle in bundled.bundles))
        for number, (profile, classes) in enumerate(by_profile.items()))


def _profile(profile: Profile, options: PlanningOptions) -> Profile:
    return Profile(arch=options.target_arch or profile.arch, os=options.target_os or profile.os, python=profile.python)


def _mode(play: PlaySource, tasks: t.Sequence[SourceTask], bundled: Bundled) -> ExecutionMode:
    """STANDALONE: one bundle a host, and nothing that only a controller can do. HYBRID: some tasks take the stock path."""
    if any(place.path == 'stock' for place in bundled.placed.values()):
        return ExecutionMode.HYBRID
    alone = len(bundled.bundles) == 1 and all(map(_is_settled, (task for task in play.tasks if not task.flush)))
    return ExecutionMode.STANDALONE if alone and len(tasks) > 0 and not play.handlers else ExecutionMode.CONTROLLER


def _is_settled(task: SourceTask) -> bool:
    """Whether all that a controller decides of a task is decided before the run."""
    undecided = any(condition.kind == 'when' and condition.decided is None for condition in task.conditions)
    return task.on_target and not task.files and not task.unknown_args and task.ends is None and not undecided
