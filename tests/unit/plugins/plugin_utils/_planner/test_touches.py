# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The index finds what comparing all tasks with each other would find, and stays small."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.resources import overlap, place
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.touches import Touches
from hypothesis import example, given
from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "ab", "c"])
PATHS = st.lists(NAMES, max_size=3).map(lambda parts: "/" + "/".join(parts))
RESOURCES = st.one_of(
    st.builds(lambda kind, path: f"{kind}:{path}", st.sampled_from(["file", "controller"]), PATHS),
    st.builds(lambda kind, name: f"{kind}:{name}", st.sampled_from(["var", "package", "user"]), NAMES),
    st.sampled_from(["*", "file:*", "controller:*", "var:*", "package:*", "file:/a/../b", "file:/a/", "file:/a//b", "file:relative", "world:dns"]),
)
FEW = st.sampled_from(["*", "file:*", "file:/a", "file:/a/a", "file:/a/b", "file:/b"])  # so that they meet often


def tasks_of(resources: st.SearchStrategy[str]) -> st.SearchStrategy[list[tuple[list[str], list[str]]]]:
    return st.lists(st.tuples(st.lists(resources, max_size=2), st.lists(resources, max_size=2)), max_size=30)


TASKS = tasks_of(RESOURCES) | tasks_of(FEW)

Task = tuple[list[str], list[str]]


def met(tasks: list[Task], limit: int) -> list[set[int]]:
    """task -> the earlier ones that it meets."""
    index = Touches(limit=limit)
    return [{int(there.task_id) for there, _here in index.add(str(number), writes=writes, reads=reads)} for number, (writes, reads) in enumerate(tasks)]


def reached(before: list[set[int]]) -> list[set[int]]:
    """task -> all earlier ones that there is a way to."""
    found: list[set[int]] = []
    for direct in before:
        found.append(direct.union(*(found[other] for other in direct)))
    return found


def conflict(one: Task, other: Task) -> bool:
    return any(overlap(a, b) for a in one[0] for b in (*other[0], *other[1])) or any(overlap(a, b) for a in other[0] for b in one[1])


@given(TASKS, st.sampled_from([0, 1, 2, 3, 5, 1000]))
@example([([], ["file:/b"]), (["file:/a"], []), ([], ["*"]), (["file:/b"], [])], 0)
@example([([], ["*"]), ([], ["*"]), (["file:/a"], []), ([], ["file:/a"])], 1)
@example([(["file:/b"], []), (["file:/a"], []), ([], ["*"]), ([], ["file:/c"]), (["*"], [])], 1)
def test_every_two_tasks_that_conflict_are_joined_by_a_way_whatever_the_limit(tasks: list[Task], limit: int) -> None:
    ways = reached(met(tasks, limit))
    for first, second in itertools.combinations(range(len(tasks)), 2):
        if conflict(tasks[first], tasks[second]):
            assert first in ways[second], f"{tasks[first]} and {tasks[second]}"


@given(TASKS)
def test_only_tasks_that_conflict_are_joined_where_the_limit_is_not_reached(tasks: list[Task]) -> None:
    for second, before in enumerate(met(tasks, 1000)):
        for first in before:
            assert conflict(tasks[first], tasks[second]), f"{tasks[first]} and {tasks[second]}"


@given(RESOURCES, RESOURCES)
def test_places_say_what_overlap_says(one: str, other: str) -> None:
    shorter, longer = sorted((place(one), place(other)), key=len)
    assert overlap(one, other) == (longer[: len(shorter)] == shorter)


@pytest.mark.parametrize(
    "shape",
    [
        lambda n: ([], ["*"]) if n % 2 else ([f"file:/{n}"], []),
        lambda n: ([], ["*"]) if n < 500 else ([f"file:/{n}"], []),
        lambda n: ([f"file:/{n}"], []) if n < 500 else ([], ["*"]),
        lambda n: ([], ["file:/a"]) if n % 2 else ([f"file:/a/{n}"], []),
        lambda n: ([], [f"file:/a/{n}"]) if n % 2 else ([], ["file:/a"]) if n % 4 else (["file:/a/b/c"], []),
        lambda n: ([f"var:{n}"], ["var:*"]),
        lambda n: ([f"file:/{n}"], [f"file:/{n - 3}", "user:root"]),
        lambda n: (["*"], ["*"]),
        lambda n: (["file:/same"], []),
        lambda n: ([f"file:/a/{n}/x"], ["file:*"]) if n % 7 == 0 else ([f"file:/a/{n}/x"], [f"package:{n}"]),
    ],
)  # fmt: skip
def test_the_number_of_edges_grows_as_the_tasks_do(shape: object) -> None:
    def count(number: int) -> int:
        return sum(map(len, met([shape(n) for n in range(number)], 10)))  # type: ignore[operator]

    assert count(2000) <= 2.5 * count(1000) + 50
    assert count(2000) <= 2000 * 12


def test_variables_outlive_a_play_and_what_is_on_the_host_does_not() -> None:
    index = Touches()
    index.add("1", writes=["var:x", "file:/x", "controller:/x"], reads=[])
    index.next_play()
    assert [there.resource for there, _here in index.add("2", writes=[], reads=["var:x", "file:/x", "controller:/x"])] == ["var:x"]


def test_a_junction_comes_after_all_that_it_stands_for_and_is_met_alone() -> None:
    index = Touches(limit=2)
    for n in range(3):
        index.add(f"read {n}", writes=[], reads=["*"])
    here = index.add("write", writes=["file:/x"], reads=[])
    assert {there.task_id for there, _touch in here} == {"read 0", "read 1", "read 2"}
    after = index.add("elsewhere", writes=["file:/y"], reads=[])
    assert [(there.task_id, there.junction, there.resource) for there, _touch in after] == [("write", True, "*")]


def test_what_a_task_writes_as_a_whole_does_not_hide_its_own_parts() -> None:
    index = Touches()
    index.add("1", writes=["file:/a/b", "*"], reads=["file:/a"])
    assert {there.resource for there, _here in index.add("2", writes=["file:/a/b"], reads=[])} == {"*", "file:/a", "file:/a/b"}
