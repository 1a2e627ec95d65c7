# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run does with tasks that a plan speaks of, and where the two differ. Frozen data only.

Rule: a task is known by where it is written (file:line, or its name where there is no file), which plan and run call the same.
"""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason

__all__ = ['BundleEnded', 'Difference', 'Step', 'TaskRan']


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TaskRan:
    """A task on one host. ``stock``: why it took the stock path; None when it did not."""

    where: str
    name: str
    host: str
    stock: Reason | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class BundleEnded:
    """Nothing more was prepared behind a task. ``before``: the task at which that was found out, if one was looked at.

    ``name`` is that of the task behind which it ended. ``detail``: what was read, if anything; ``needs``: the task under way that sets it.
    """

    where: str
    name: str
    host: str
    reason: Reason
    detail: str = ''
    before: str = ''
    needs: str = ''


Step = TaskRan | BundleEnded


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Something that was not as planned on these hosts.

    ``kind``: ``path`` (another one than ``planned``), ``cut`` (a bundle ended where the plan goes on), ``dependency`` (met, and not in the
    plan: ``detail`` is the variable) or ``unplanned`` (a task that the plan has not). ``reason``: the run's, where it has one.
    """

    kind: t.Literal['path', 'cut', 'dependency', 'unplanned']
    where: str
    name: str
    hosts: tuple[str, ...]
    planned: str = ''
    reason: Reason | None = None
    detail: str = ''

    @property
    def text(self) -> str:
        """One line for people."""
        what = {
            'path': f'planned {self.planned}, run {"through the agent" if self.reason is None else "on the stock path"}',
            'cut': 'a bundle ended behind it, which the plan has not',
            'dependency': f'it had to wait for {self.detail}, which the plan does not know of',
            'unplanned': 'it is not in the plan',
        }[self.kind]
        why = f': {self.reason.value} ({self.reason.text})' if self.reason is not None else ''
        return f'"{self.name}" ({self.where}) on {", ".join(self.hosts)}: {what}{why}'
