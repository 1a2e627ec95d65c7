# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run that follows a saved plan: it goes on only if planning it now gives the same plan.

The run takes the same decisions by the same rules, so an equal plan is what is run. What has changed is named.
"""
from __future__ import annotations

import dataclasses
import typing as t

from ansible import context
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.planning import Request, plan_for, request_of
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import PlanChanged, PlanError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.plan_binary import from_binary

__all__ = ['follow']

#: options of a plan that the command line of the run gives, too
_OPTIONS = {'limit': '--limit', 'tags': '--tags', 'skip_tags': '--skip-tags', 'check_mode': '--check', 'diff_mode': '--diff'}


def follow(path: str) -> ExecutionPlan:
    """The saved plan. Raises PlanChanged when the run on this command line is not the one that was planned, DocumentError for what is no plan."""
    try:
        with open(path, 'rb') as file:
            data = file.read()
    except OSError as ex:
        raise PlanError(f'{path}: expected a plan that rustle-plan --save wrote: {ex.strerror}') from ex
    saved = from_binary(data, where=path)
    now = plan_for(_request(saved)).plan
    changes = list(_changes(saved, now))
    if not changes and _without_history(saved.plays) != _without_history(now.plays):
        changes = ['settings or effects: planning gives another plan now']
    if changes:
        raise PlanChanged(path, changes)
    return now


def _request(saved: ExecutionPlan) -> Request:
    """What the run's own command line asks for; what only plans have is as it was planned."""
    given, options = context.CLIARGS, saved.metadata.planning_options
    tags = tuple(given.get('tags') or ())
    as_planned = ('serial', 'forks', 'binary_threshold', 'force_binary', 'force_ssh', 'optimization_level', 'latency', 'target_arch', 'target_os')
    return request_of(
        given, playbooks=tuple(given.get('args') or ()), limit=given.get('subset'), tags=() if tags == ('all',) else tags,
        strategy=options.strategy.value, **{name: getattr(options, name) for name in as_planned})


def _changes(saved: ExecutionPlan, now: ExecutionPlan) -> t.Iterator[str]:
    for name, option in _OPTIONS.items():
        before, after = getattr(saved.metadata.planning_options, name), getattr(now.metadata.planning_options, name)
        if before != after:
            yield f'{option}: it was planned with {_words(before)}, the run has {_words(after)}'
    before, after = saved.metadata.fingerprints, now.metadata.fingerprints
    for name in sorted(before.keys() | after.keys()):
        kind, _colon, rest = name.partition(':')
        what = rest if kind == 'file' else f'the hosts of play {rest.partition(":")[2]!r}, or variables of theirs that its tasks read'
        if name not in after:
            yield f'{what}: not there any more'
        elif name not in before:
            yield f'{what}: new'
        elif before[name] != after[name]:
            yield f'{what}: changed'
    if saved.metadata.rustle_plan_version != now.metadata.rustle_plan_version:
        yield f'rustle.engine: {saved.metadata.rustle_plan_version} made the plan, this is {now.metadata.rustle_plan_version}'


#: what a plan says only as far as earlier runs have shown it
_HISTORY = frozenset(('estimated_duration', 'critical_path'))


def _without_history(value: t.Any) -> t.Any:
    """Of a part of a plan, what stays the same however many runs there are."""
    if isinstance(value, tuple):
        return tuple(map(_without_history, value))
    if dataclasses.is_dataclass(value):
        return tuple(_without_history(getattr(value, field.name)) for field in dataclasses.fields(value) if field.name not in _HISTORY)
    return value


def _words(value: t.Any) -> str:
    return 'nothing' if value in (None, (), False) else 'it' if value is True else repr(','.join(value) if isinstance(value, tuple) else value)
