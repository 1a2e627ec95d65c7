# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the run tells of its bundles."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import BundleFinished, BundleSent
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._run.telling import Telling


class Usage:
    def sent(self, _errand: Any, _now: float) -> int:
        return 10

    def came(self, _steps: Any, _calls: Any) -> None:
        pass


def errands_of(count: int) -> list[Any]:
    lane = SimpleNamespace(flying=[])
    lane.flying = [SimpleNamespace(lane=lane, execution=SimpleNamespace(usage=Usage()), bundle=None, calls=1) for _task in range(count)]
    return lane.flying


def told(*, tasks: int, steps: list[tuple[float, float]], dropped: int = 0) -> list[Any]:
    """A bundle of so many tasks goes and comes back; ``steps`` by the clock of the host."""
    events: list[Any] = []
    telling = Telling(SimpleNamespace(heard=True, publish=events.append, counts={}, notes={}))
    errands = errands_of(tasks)
    telling.sent("h1", errands)
    for errand in errands[: tasks - dropped]:
        telling.came(errand, [SimpleNamespace(start=start, end=end) for start, end in steps])
    for errand in errands[tasks - dropped:]:
        telling.dropped(errand)
    return events


def test_a_bundle_is_told_as_it_goes_and_when_the_last_of_it_is_back() -> None:
    sent, finished = (event for event in told(tasks=3, steps=[(5.0, 5.0)], dropped=1) if isinstance(event, (BundleSent, BundleFinished)))
    assert (sent.tasks, sent.bytes_up, sent.joined) == (3, 30, False)
    assert (finished.bundle, finished.done, finished.dropped, finished.failed) == (sent.bundle, 2, 1, False)


@pytest.mark.parametrize("step", [(5.0, 500.0), (5.0, -500.0)], ids=["set forward", "set back"])
def test_a_clock_of_the_host_that_is_set_meanwhile_makes_no_work_that_cannot_be(step: tuple[float, float]) -> None:
    (finished,) = (event for event in told(tasks=1, steps=[step]) if isinstance(event, BundleFinished))
    assert 0 <= finished.work <= finished.seconds


def test_what_cuts_a_host_s_first_bundle_before_it_goes_is_told_with_it() -> None:
    events: list[Any] = []
    telling = Telling(SimpleNamespace(heard=True, publish=events.append, counts={}, notes={}))
    telling.cut("h1", Reason.REGISTER, "answer")
    telling.cut("h2", Reason.WORLDLY, "a name that may be a secret")
    assert events == []
    telling.sent("h1", errands_of(1))
    telling.sent("h1", errands_of(1))
    telling.cut("h1", Reason.END, "")
    telling.sent("h2", errands_of(1))
    assert [(event.kind, event.host, event.bundle) for event in events] == [
        ("bundle_sent", "h1", 1), ("bundle_cut", "h1", 1), ("bundle_sent", "h1", 2), ("bundle_sent", "h2", 3), ("bundle_cut", "h2", 3)]  # fmt: skip
    assert [(event.reason, event.detail) for event in events if event.kind == "bundle_cut"] == [("register", "answer"), ("worldly", "")]
