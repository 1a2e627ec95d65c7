# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A number is new once."""

from __future__ import annotations

from ansible_collections.rustle.engine.plugins.plugin_utils._tracking.seen import Seen
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.integers(0, 40)))
def test_a_number_is_new_when_it_comes_for_the_first_time(numbers: list[int]) -> None:
    seen, before = Seen(), set()
    for number in numbers:
        assert seen.add(number) == (number not in before)
        before.add(number)


@given(st.permutations(range(30)))
def test_numbers_without_a_gap_are_one_range(numbers: list[int]) -> None:
    seen = Seen()
    for number in numbers:
        seen.add(number)
    assert (seen._starts, seen._ends) == ([0], [29])
