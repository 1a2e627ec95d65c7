# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All analyzers over a run and its history: findings, the most valuable first."""
from __future__ import annotations

import typing as t

from .analyzers import bundles, experience, performance, reliability, resource, security
from .finding import Analyzer, Finding, Scene
from .history import History

__all__ = ['ANALYZERS', 'findings', 'worth']

ANALYZERS: t.Final[tuple[Analyzer, ...]] = (
    performance.analyze, reliability.analyze, resource.analyze, bundles.analyze, experience.analyze, security.analyze)
_SEVERITY: t.Final = {'critical': 2, 'warning': 1, 'info': 0}


def findings(history: History, execution: str | None = None, *, analyzers: t.Sequence[Analyzer] = ANALYZERS) -> tuple[Finding, ...]:
    """``execution``: the run that they are about, the newest one if None. Only runs that were made like it count: same playbook, limit and tags."""
    about = execution if execution is not None else history.latest.execution if history.latest is not None else None
    if about is None or all(one.execution != about for one in history.executions):
        return ()
    scene = Scene(history.until(about).like(about), about)
    found: dict[tuple[str, str], Finding] = {}
    for analyze in analyzers:
        for one in analyze(scene):
            found.setdefault((one.code, one.subject), one)
    return tuple(sorted(found.values(), key=worth, reverse=True))


def worth(finding: Finding) -> tuple[float, ...]:
    """What is critical comes first, then what saves most, then what is warned of; of equals, in the order of the analyzers."""
    severity = _SEVERITY[finding.severity]
    return float(severity == 2), finding.gain or 0.0, float(severity)
