"""The last values of something."""

from __future__ import annotations

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.windows import Window
from hypothesis import given
from hypothesis import strategies as st


def filled(*values: tuple[float, float], **fields: float) -> Window:
    window = Window(**fields)  # type: ignore[arg-type]
    for time, value in values:
        window.add(time, value)
    return window


def test_it_forgets_what_is_too_old_or_too_much() -> None:
    assert list(filled((0, 1), (5, 2), (11, 3), span=10)) == [2, 3]
    assert list(filled((0, 1), (1, 2), (2, 3), size=2)) == [2, 3]


def test_an_empty_one_is_zero_and_has_no_trend() -> None:
    window = Window()
    assert (len(window), window.last, window.median, window.trend()) == (0, 0.0, 0.0, (0.0, 0.0))


@given(st.floats(-5, 5), st.floats(-100, 100), st.integers(3, 20))
def test_the_trend_of_a_straight_line_is_its_slope(slope: float, start: float, count: int) -> None:
    found, fit = filled(*((float(time), start + slope * time) for time in range(count))).trend()
    assert found == pytest.approx(slope, abs=1e-6)
    assert fit == pytest.approx(1.0, abs=1e-3) or abs(slope) < 1e-3


def test_values_at_one_moment_have_no_trend() -> None:
    assert filled((1, 1), (1, 2), (1, 3)).trend() == (0.0, 0.0)


def test_noise_does_not_fit() -> None:
    assert filled((0, 1), (1, 9), (2, 1), (3, 9), (4, 1)).trend()[1] < 0.1
