# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an analyzer has found, and what it may read.

Rule 1: a finding has numbers as evidence, and the exact lines to change where there are such.
Rule 2: a gain is worked out from what was measured, or it is None; nobody guesses one.
Rule 3: too little history is no finding.
"""
from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord, RecommendationRecord, ResultRecord, TaskRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._model.traits import TaskTrait

from .history import GOOD, History

__all__ = ['Analyzer', 'Finding', 'Scene', 'Severity', 'plural', 'seconds']

Severity = t.Literal['info', 'warning', 'critical']


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """The fields of RecommendationRecord."""

    code: str
    subject: str
    severity: Severity = 'info'
    title: str
    evidence: str
    change: str = ''
    gain: float | None = None

    def record(self, execution: str, *, time: float) -> RecommendationRecord:
        return RecommendationRecord(
            execution=execution, code=self.code, subject=self.subject, severity=self.severity, title=self.title, evidence=self.evidence,
            change=self.change, gain=self.gain, time=time)


@dataclasses.dataclass(frozen=True)
class Scene:
    """One run and those before it that were made in the same way: what analyzers look at."""

    history: History
    execution: str

    @functools.cached_property
    def run(self) -> ExecutionRecord:
        return next(one for one in self.history.executions if one.execution == self.execution)

    @functools.cached_property
    def runs(self) -> tuple[str, ...]:
        """Ids of runs that have results, oldest first."""
        return tuple(self.history.by_run)

    @functools.cached_property
    def tasks(self) -> tuple[TaskRecord, ...]:
        """Of the run itself, one of each identity."""
        return tuple({one.identity: one for one in self.history.tasks if one.execution == self.execution}.values())

    def having(self, trait: TaskTrait) -> tuple[TaskRecord, ...]:
        return tuple(one for one in self.tasks if trait in one.traits)

    def good(self, identity: str) -> tuple[ResultRecord, ...]:
        """Results of a task that went well and took time."""
        return tuple(one for one in self.history.by_task.get(identity, ()) if one.status in GOOD and one.duration is not None)

    def name(self, identity: str) -> str:
        return self.history.name(identity)


Analyzer = t.Callable[[Scene], t.Iterator[Finding]]


def seconds(value: float) -> str:
    """``0.34 s``, ``12.3 s``, ``4 min 10 s``: with a digit more than what `_render` writes, since evidence is two numbers that are to be compared."""
    if value < 59.95:
        return f'{value:.2f} s' if value < 0.995 else f'{value:.1f} s'
    minutes, rest = divmod(round(value), 60)
    return f'{minutes} min {rest} s' if minutes < 60 else f'{minutes // 60} h {minutes % 60} min'


def plural(count: int, word: str) -> str:
    """``1 run``, ``2 runs``."""
    return f'{count} {word}' if count == 1 else f'{count} {word}s'
