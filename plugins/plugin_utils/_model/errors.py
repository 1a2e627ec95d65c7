# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one error tree of the controller side. A plugin file turns these into AnsibleError, once, at its edge.

::

    RustleError
    |-- SettingsError     a setting has a value that is no value of it
    |-- MissingPackage    a Python package is not installed
    |-- DeclarationError  rustle_scope or rustle_effects of a task, role or play says something we cannot read
    |-- StoreError        the history of runs cannot be opened, read or written
    |-- StreamError       an event, or a batch of them, is not what it has to be
    |-- OutOfDescriptors  the controller may not open as many files as the run needs
    `-- PlanError         a plan cannot be made, read or followed
        |-- DocumentError            a parsed playbook, parsed inventory or plan document has a field that cannot be
        |-- CircularDependency       tasks wait for each other in a circle
        |-- InvalidHostPattern       a pattern of hosts, or --limit, matches nothing or cannot be read
        |-- UnknownTask              rustle_after or --explain names a task that is not there
        |-- ConflictingStrategies    options that exclude each other
        |-- ResourceContention       tasks that are declared to run side by side (rustle_parallel) depend on each other
        |-- PlanningTimeout          planning took longer than it may
        |-- InvalidTagExpression     --tags or --skip-tags cannot be read
        |-- InsufficientResources    what a binary deployment needs is more than there is
        |-- UnsupportedTarget        no agent runs on hosts of this kind
        |-- BelowBinaryThreshold     a binary deployment was asked for and has too few tasks
        |-- IncompatibleModule       a module cannot go into a bundle, and that was asked for
        |-- DeploymentBuildFailed    the payload of a deployment cannot be built
        `-- PlanChanged              what a saved plan was made from is not what is there now

What cannot be run through the agent is no error: it is a Reason, and the task takes the stock path.
"""
from __future__ import annotations

import typing as t

__all__ = [
    'BelowBinaryThreshold', 'CircularDependency', 'ConflictingStrategies', 'DeclarationError', 'DeploymentBuildFailed', 'DocumentError',
    'IncompatibleModule', 'InsufficientResources', 'InvalidHostPattern', 'InvalidTagExpression', 'MissingPackage', 'OutOfDescriptors', 'PlanChanged',
    'PlanError', 'PlanningTimeout', 'ResourceContention', 'RustleError', 'SettingsError', 'StoreError', 'StreamError', 'UnknownTask', 'UnsupportedTarget',
]


class RustleError(Exception):
    """Everything that the engine raises on purpose and that ends at the user. ``hint`` names the next step, or is empty."""

    def __init__(self, message: str, *, hint: str = '') -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f'{self.message}\nhint: {self.hint}' if self.hint else self.message


class SettingsError(RustleError):
    """A setting is not what it can be: what was expected, what was found, where it stands, and what may have been meant."""

    def __init__(self, *, expected: str, found: object, where: str, hint: str = '') -> None:
        super().__init__(f'{where}: expected {expected}, found {found!r}', hint=hint)
        self.expected = expected
        self.found = found
        self.where = where


class StreamError(RustleError):
    """What arrived is no event of ours: what was expected, what was found, where."""

    def __init__(self, *, expected: str, found: str, where: str) -> None:
        super().__init__(f'{where}: expected {expected}, found {found}')


class DeclarationError(RustleError):
    """A declared scope or effect cannot be read. ``expected`` and ``found`` are as in SettingsError, which it becomes there."""

    def __init__(self, *, expected: str, found: object, hint: str = '') -> None:
        super().__init__(f'expected {expected}, found {found!r}', hint=hint)
        self.expected = expected
        self.found = found


class MissingPackage(RustleError):
    """The Python package ``package`` is not there. The strategy then runs as plain linear and prints this one line."""

    def __init__(self, package: str, *, needed_for: str) -> None:
        super().__init__(f'the Python package {package} is not installed; {needed_for} needs it (pip install {package})')
        self.package = package


class StoreError(RustleError):
    """The history of runs is damaged, newer than we are, or not to be reached. Recording ends with this one message; the run goes on."""


class OutOfDescriptors(RustleError):
    """``doing``: what could not be begun. ``used`` of ``limit`` descriptors are open, None where that is not known."""

    def __init__(self, doing: str, *, used: int | None = None, limit: int | None = None) -> None:
        there = '' if limit is None else f' ({used} of {limit})'
        super().__init__(f'{doing}: too many files are open{there}', hint='raise the limit (ulimit -n), or lower forks')
        self.used = used
        self.limit = limit


class PlanError(RustleError):
    """A plan cannot be made, read or followed."""


class DocumentError(PlanError):
    """A document from elsewhere is not what it should be. ``path``: of the field, like ``plays[0].tasks[2].when``."""

    def __init__(self, *, path: str, expected: str, found: object, where: str, hint: str = '') -> None:
        super().__init__(f'{where}: {path or "the document"}: expected {expected}, found {found!r}', hint=hint)
        self.path = path
        self.expected = expected
        self.found = found


class CircularDependency(PlanError):
    """``cycle``: names of the tasks, each waiting for the next, the last one for the first."""

    def __init__(self, cycle: t.Sequence[str], *, evidence: t.Sequence[str] = ()) -> None:
        arrows = ' -> '.join(repr(name) for name in (*cycle, cycle[0]))
        because = ''.join(f'\n  {line}' for line in evidence)
        super().__init__(f'tasks wait for each other in a circle: {arrows}{because}', hint='remove one rustle_after of them')
        self.cycle = tuple(cycle)


class InvalidHostPattern(PlanError):
    def __init__(self, pattern: str, *, where: str, problem: str = 'it matches no host of the inventory', hint: str = '') -> None:
        super().__init__(f'{where}: the host pattern {pattern!r}: {problem}', hint=hint)
        self.pattern = pattern


class UnknownTask(PlanError):
    def __init__(self, task: str, *, where: str, hint: str = '') -> None:
        super().__init__(f'{where}: there is no task {task!r}', hint=hint)
        self.task = task


class ConflictingStrategies(PlanError):
    def __init__(self, one: str, other: str, *, why: str, hint: str = '') -> None:
        super().__init__(f'{one} and {other} exclude each other: {why}', hint=hint or f'leave one of them out: {one} or {other}')


class ResourceContention(PlanError):
    """``group``: the name of the declaration; ``why``: what orders the two, or keeps one of them from running beside others."""

    def __init__(self, group: str, tasks: t.Sequence[str], *, why: str) -> None:
        names = ' and '.join(map(repr, tasks))
        super().__init__(f'rustle_parallel {group!r}: {names} cannot run side by side: {why}',
                         hint='take one of them out, or say with rustle_effects what it really touches')


class PlanningTimeout(PlanError):
    """``limit`` in seconds; ``stage`` is what was being done."""

    def __init__(self, limit: float, *, stage: str) -> None:
        super().__init__(f'planning took longer than {limit:g} s (planning_timeout); it was stopped while {stage}',
                         hint='raise RUSTLE_PLANNING_TIMEOUT, or plan fewer hosts with --limit')


class InvalidTagExpression(PlanError):
    def __init__(self, expression: str, *, where: str, problem: str) -> None:
        super().__init__(f'{where}: {expression!r} is no list of tags: {problem}', hint='write tags with commas between them: --tags web,db')


class InsufficientResources(PlanError):
    """``needed`` and ``there`` with their units."""

    def __init__(self, what: str, *, needed: str, there: str, hint: str = '') -> None:
        super().__init__(f'{what}: the plan needs {needed}, there is {there}', hint=hint)


class UnsupportedTarget(PlanError):
    def __init__(self, found: str, *, where: str, supported: str) -> None:
        super().__init__(f'{where}: no agent runs on {found}', hint=f'supported: {supported}')


class BelowBinaryThreshold(PlanError):
    def __init__(self, play: str, *, tasks: int, threshold: int) -> None:
        super().__init__(f'play {play!r}: {tasks} task{"s" * (tasks != 1)} can go into a binary deployment, the threshold is {threshold}',
                         hint='lower --binary-threshold, or leave the strategy BinaryOnly')


class IncompatibleModule(PlanError):
    def __init__(self, module: str, *, task: str, reason: str) -> None:
        super().__init__(f'task {task!r}: the module {module} cannot go into a bundle: {reason}',
                         hint='plan with --strategy BinaryHybrid: such tasks then take the stock path')


class DeploymentBuildFailed(PlanError):
    def __init__(self, deployment: str, *, reason: str) -> None:
        super().__init__(f'the binary deployment {deployment} cannot be built: {reason}')


class PlanChanged(PlanError):
    """A saved plan is not followed. ``changes``: a line each."""

    def __init__(self, plan: str, changes: t.Sequence[str]) -> None:
        lines = ''.join(f'\n  {change}' for change in changes)
        super().__init__(f'{plan}: what the plan was made from has changed:{lines}', hint='look at the changes, then plan anew with rustle-plan --save')
        self.changes = tuple(changes)
