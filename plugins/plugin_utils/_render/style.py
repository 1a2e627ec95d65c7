# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a plan is to be shown in a terminal, and how tasks are called there."""
from __future__ import annotations

import dataclasses
import re
import typing as t

__all__ = ['NARROWEST', 'Style', 'number_of']

NARROWEST: t.Final = 40
"""Columns that a layout needs at least."""


@dataclasses.dataclass(frozen=True, slots=True)
class Style:
    """``width`` in columns. ``verbosity``: 1 shows dependencies, 2 effects and arguments too."""

    colour: bool = False
    width: int = 100
    verbosity: int = 0

    @property
    def cells(self) -> int:
        return max(self.width, NARROWEST)


_NUMBER = re.compile(r'(task|handler)_(\d+)')


def number_of(task_id: str) -> str:
    """``12`` for task_12, ``h3`` for handler_3: what --explain takes too."""
    found = _NUMBER.fullmatch(task_id)
    return task_id if found is None else ('h' if found[1] == 'handler' else '') + found[2]
