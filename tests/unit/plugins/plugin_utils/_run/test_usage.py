# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What reports say of a task's use of its host, summed up from the agent's answers."""

from __future__ import annotations

import types
from typing import Any

from ansible_collections.rustle.engine.plugins.plugin_utils._agent.events import StepResult
from ansible_collections.rustle.engine.plugins.plugin_utils._run.usage import Usage


def step(i: int, start: float, end: float, **fields: Any) -> StepResult:
    return StepResult(**{"i": i, "rc": 0, "out": b"", "err": b"", "start": start, "end": end, "utime": 0.0, "stime": 0.0, "maxrss": 0} | fields)


def errand(*, queued_at: float | None = 0.0, **call: Any) -> types.SimpleNamespace:
    return types.SimpleNamespace(queued_at=queued_at, calls={0: types.SimpleNamespace(**{"params": "", "stdin": None, "puts": ()} | call)})


def test_a_loop_works_as_long_as_its_items_and_spans_from_the_first_to_the_last() -> None:
    usage = Usage()
    usage.came([step(0, 110.0, 112.0)], {0})
    usage.came([step(0, 100.0, 103.0)], {0})  # answers need not come in order
    usage.came([step(0, 104.0, 105.0)], {0})
    measures = usage.measures()
    assert (measures.start, measures.end, usage.work, measures.calls) == (100.0, 112.0, 6.0, 3)


def test_a_clock_that_was_set_back_meanwhile_takes_no_work_away() -> None:
    usage = Usage()
    usage.came([step(0, 100.0, 103.0), step(1, 103.0, 43.0)], {0, 1})
    assert usage.work == 3.0


def test_memory_is_the_most_that_any_call_had_and_all_else_is_added() -> None:
    usage = Usage()
    usage.came([
        step(0, 1.0, 2.0, utime=0.25, stime=0.5, maxrss=900, inblock=3, oublock=5, out=b"four", err=b"x"),
        step(1, 2.0, 3.0, utime=1.0, maxrss=400, inblock=1, oublock=1, out=b"12")], {0, 1})
    measures = usage.measures()
    assert (measures.cpu, measures.maxrss, measures.block_in, measures.block_out, measures.bytes_down) == (1.75, 900, 4, 6, 7)


def test_files_that_are_put_beside_a_call_are_no_calls() -> None:
    usage = Usage()
    usage.came([step(0, 1.0, 1.1), step(1, 1.1, 2.0)], {1})
    assert usage.measures().calls == 1


def test_what_goes_out_is_arguments_standard_input_and_files_together() -> None:
    usage = Usage()
    put = types.SimpleNamespace(content=b"1234567")
    assert usage.sent(errand(params="12345", stdin=b"123", puts=(put, put)), 1.0) == 22
    assert usage.sent(errand(params="1"), 1.0) == 1
    assert usage.measures().bytes_up == 23


def test_a_task_has_waited_for_its_first_call_only() -> None:
    usage = Usage()
    usage.sent(errand(queued_at=10.0), 10.5)
    usage.sent(errand(queued_at=11.0), 15.0)
    assert usage.measures().queued == 0.5


def test_what_nobody_has_measured_is_not_nothing() -> None:
    measures = Usage().measures()
    assert (measures.start, measures.end, measures.queued) == (None, None, None)
