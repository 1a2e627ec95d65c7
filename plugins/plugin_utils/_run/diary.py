# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run that follows a saved plan has done so far, to be held against the plan."""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import compat
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.identities import shown_name
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.task_reading import where_of
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import PlanCompared
from ansible_collections.rustle.engine.plugins.plugin_utils._model.followed import BundleEnded, Difference, Step, TaskRan
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.comparing import differences

__all__ = ['Diary']


class Diary:
    """Of all plays; ``plan`` is the one that is followed."""

    def __init__(self, plan: ExecutionPlan) -> None:
        self._plan = plan
        self._steps: list[Step] = []
        self._told = 0  # steps that were looked at for people

    def compared(self) -> PlanCompared:
        """What there is to tell of it."""
        plan = self._plan
        estimate = plan.estimated_duration
        return PlanCompared(
            plan_hash=plan.metadata.playbook_hash, tasks=plan.total_tasks, estimated_duration=estimate.median if estimate else None,
            estimated_spread=estimate.spread if estimate else None, differences=tuple(one.text for one in self.differences()))

    def ran(self, host: str, task: t.Any, stock: Reason | None = None) -> None:
        self._steps.append(TaskRan(where=_place(task), name=shown_name(task), host=host, stock=stock))

    def ended(self, run: t.Any, reason: Reason, detail: str) -> None:
        """A host's bundle ends behind what is under way."""
        behind, before = run.tail.task, run.cut_before
        needed = next((other.task for other in run.under_way() if detail in compat.register_names(other.task)), None) if reason is Reason.REGISTER else None
        self._steps.append(BundleEnded(
            where=_place(behind), name=shown_name(behind), host=run.host.name, reason=reason, detail=detail,
            before=_place(before) if before is not None else '', needs=_place(needed) if needed is not None else ''))

    def differences(self) -> tuple[Difference, ...]:
        """Of everything so far."""
        return differences(self._plan, self._steps)

    def news(self) -> list[str]:
        """Lines about what has come since they were asked for the last time."""
        found = differences(self._plan, self._steps[self._told:])
        self._told = len(self._steps)
        if not found:
            return ['rustle: all was as planned']
        return [f'rustle: {len(found)} difference{"" if len(found) == 1 else "s"} from the plan:', *(f'  {one.text}' for one in found)]


def _place(task: t.Any) -> str:
    return where_of(task) or str(task.get_name()).strip()
