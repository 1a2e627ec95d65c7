# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long something takes, as history has it: what plans show and runs are compared with."""
from __future__ import annotations

import dataclasses

__all__ = ['Estimate']


@dataclasses.dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds: the median and the width of the middle 80 %, out of ``count`` runs."""

    median: float
    spread: float = 0.0
    count: int = 0
