"""The end of a run: three lines at most, the costliest first, and silence when there is nothing to say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.history import History
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.summary import lines, report

from .simulation import World, joined, result, runs, simulated, task


def test_a_run_like_the_others_is_not_talked_about() -> None:
    assert lines(runs(*[1.0 + at % 3 / 100 for at in range(10)]), "run9") == ()
    assert lines(runs(1.0), "run0") == ()
    assert lines(History(), "run0") == ()


def test_of_ordinary_noise_hardly_anything_is_said() -> None:
    spoken = sum(bool(lines(simulated(seed, 10, World(noise=0.1)), "run9")) for seed in range(30))
    assert spoken <= 2


def test_three_things_make_three_lines_the_costliest_first() -> None:
    slow = runs(*[1.0 + at / 100 for at in range(9)], 9.0)
    retried = runs(*[2.0] * 10, identity="task1")
    retried = replace(retried, results=(*(replace(one, attempt=2) for one in retried.results), result("run9", "task1", status="failed", duration=3.0)))
    loop = runs(*[6.0] * 10, identity="task2", items=3)
    loop = replace(loop, tasks=tuple(replace(one, traits=("loop", "package-loop"), module="ansible.builtin.apt") for one in loop.tasks))
    assert lines(joined(slow, retried, loop), "run9") == (
        'slower: "Do task0" took 9.0 s on web1, usually 1.0 s (9 results)',
        'change: "Do task2" calls apt once for each package, saves 4.0 s a run (package-loop)',
        'flaked: "Do task1" failed 1 time on web1 and then went well',
    )


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([1.0 + 0.2 * at for at in range(8)], 'slower: "Do task0" went from 1.0 s to 2.4 s over 8 runs'),
        ([2.0 + at % 4 / 100 for at in range(10)] + [3.0, 3.1, 3.2], 'slower: "Do task0" takes 3.1 s since a few runs, 2.0 s before'),
    ],
    ids=["a trend", "a step"],
)
def test_what_got_slower_is_said_with_before_and_after(values: list[float], line: str) -> None:
    (said,) = lines(runs(*values), f"run{len(values) - 1}")
    assert said == line


def test_more_of_the_same_is_counted_and_not_listed() -> None:
    history = joined(*(runs(*[1.0 + at / 100 for at in range(9)], 5.0 + number, identity=f"task{number}") for number in range(3)))
    assert lines(history, "run9") == ('slower: "Do task2" took 7.0 s on web1, usually 1.0 s (9 results); 2 more',)


def test_a_hint_that_is_only_nice_to_know_is_not_said() -> None:
    history = runs(*[1.0] * 6, status="changed")
    assert lines(replace(history, tasks=tuple(replace(one, module="ansible.builtin.shell") for one in history.tasks)), "run5") == ()


def test_lines_are_kept_as_a_report() -> None:
    history = replace(runs(1.0), tasks=(task(traits=("secret-arguments",)),))
    record = report(history, "run0", time=3.0)
    assert (record.execution, record.time) == ("run0", 3.0)
    assert record.lines == ('change: "Do task0" is given a secret, without no_log (no-log)',)
