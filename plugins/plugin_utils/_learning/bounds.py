# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From when on a task is worth a word, by what it has taken before.

Rule: a bound says when people are told, never when something is ended: a task is ended by its own ``timeout`` only, as under linear.
"""
from __future__ import annotations

import dataclasses

from .estimation import Known

__all__ = ['Bound', 'overdue']


@dataclasses.dataclass(frozen=True, slots=True)
class Bound:
    """``seconds`` since the task began; ``rationale`` says what they are made from."""

    seconds: float
    rationale: str


def overdue(known: Known | None, *, fixed: float) -> Bound:
    """The upper end of what it has usually taken; ``fixed`` where there is no history, and never less."""
    if known is None:
        return Bound(fixed, 'no history yet')
    results = f'{known.count} result{"" if known.count == 1 else "s"}'
    return Bound(max(fixed, known.high), f'nine of ten times at most {known.high:.1f} s, from {results} ({known.level})')
