"""Tests by ranks: against tables, against each other, and against what chance does."""

from __future__ import annotations

import itertools
import random

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.robust import damped, quantile, robust_score, scatter
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.significance import fisher, mann_kendall, mann_whitney, rejected, sen_slope, wilcoxon
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=25)


@pytest.mark.parametrize("count", [3, 4, 5, 6])
def test_mann_kendall_counts_orders(count: int) -> None:
    scores = [mann_kendall(order)[0] for order in itertools.permutations(range(count))]
    for order in itertools.permutations(range(count)):
        score, p = mann_kendall(order)
        assert p == pytest.approx(min(1.0, sum(abs(one) >= abs(score) for one in scores) / len(scores))), (order, score)


def test_mann_whitney_counts_arrangements() -> None:
    assert mann_whitney([1, 2, 3], [4, 5, 6, 7, 8]) == pytest.approx(2 / 56)
    assert mann_whitney([1, 4, 6], [2, 3, 5, 7]) == pytest.approx(30 / 35)
    assert mann_whitney([1], [2, 3]) == pytest.approx(2 / 3)


def test_wilcoxon_counts_signs() -> None:
    assert wilcoxon([1, 2, 3, 4, 5, 6]) == pytest.approx(2 / 64)
    assert wilcoxon([-1, 2, 3, 4, 5, 6]) == pytest.approx(4 / 64)
    assert wilcoxon([0, 0, 0]) == 1.0


def test_fisher_is_the_lady_tasting_tea() -> None:
    assert fisher(3, 4, 1, 4) == pytest.approx(34 / 70)
    assert fisher(0, 5, 0, 9) == 1.0


@pytest.mark.parametrize("test", [mann_whitney, lambda ones, others: wilcoxon([a - b for a, b in zip(ones, others, strict=True)])])
def test_large_numbers_and_ties_are_as_sure_as_small_ones_without(test) -> None:
    draw = random.Random(3)
    wrong = sum(test([round(draw.gauss(0, 3)) for _at in range(40)], [round(draw.gauss(0, 3)) for _at in range(40)]) <= 0.05 for _try in range(400))
    assert 5 <= wrong <= 35


@given(VALUES)
def test_backwards_is_the_opposite(values: list[float]) -> None:
    (score, p), (back, same) = mann_kendall(values), mann_kendall(values[::-1])
    assert (score, p) == (-back, pytest.approx(same))
    assert sen_slope(values) == pytest.approx(-sen_slope(values[::-1]))


@given(VALUES, VALUES)
def test_sides_can_be_exchanged(ones: list[float], others: list[float]) -> None:
    assert mann_whitney(ones, others) == pytest.approx(mann_whitney(others, ones))
    assert 0 < mann_whitney(ones, others) <= 1


def test_many_tests_are_corrected() -> None:
    assert rejected([0.04, 0.5, 0.6, 0.7, 0.8]) == [False] * 5
    assert rejected([0.001, 0.012, 0.6, 0.019, 0.8]) == [True, True, False, True, False]
    assert rejected([]) == []


def test_a_weighted_quantile_is_the_plain_one_where_weights_are_equal() -> None:
    assert quantile([(1.0, 1.0), (2.0, 1.0), (3.0, 1.0)], 0.5) == 2.0
    assert quantile([(1.0, 1.0), (2.0, 1.0)], 0.5) == 1.5
    assert quantile([(1.0, 1.0), (9.0, 99.0)], 0.5) > 8.9


def test_odd_values_are_moved_and_usual_ones_are_not() -> None:
    assert damped([1.0, 1.1, 0.9, 1.0, 50.0])[:4] == [1.0, 1.1, 0.9, 1.0]
    assert damped([1.0, 1.1, 0.9, 1.0, 50.0])[4] < 2.0
    assert scatter([1.0]) == 0.0


def test_zero_is_a_time_like_others() -> None:
    assert robust_score(0.0, [0.0] * 5) == 0.0
    assert robust_score(10.0, [0.0] * 5) > 100
