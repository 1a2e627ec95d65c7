# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import Paint, clean, cut, fill, width, wrapped
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(("text", "cells"), [("abc", 3), ("漢字", 4), ("e\u0301", 1), ("a\u200db", 2), ("…", 1), ("─", 1), ("", 0)])
def test_width_counts_cells(text: str, cells: int) -> None:
    assert width(text) == cells


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [("a\nb\tc", "a b c"), ("\x1b[31mred", "\ufffd[31mred"), ("\u202eabc", "\ufffdabc"), ("\x00", "\ufffd"), ("\ud800", "\ufffd"), ("漢", "漢")],
)
def test_nothing_that_steers_a_terminal_is_left(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_a_wide_character_is_never_cut_in_half() -> None:
    assert cut("漢字漢字", 4) == "漢…"
    assert fill("漢字漢字", 4) == "漢… "


@given(st.text(), st.integers(1, 40))
def test_filled_text_has_its_width(text: str, cells: int) -> None:
    assert width(fill(clean(text), cells)) == cells == width(fill(clean(text), cells, right=True))


@given(st.text(), st.integers(8, 60))
def test_wrapped_lines_fit_and_lose_nothing(text: str, cells: int) -> None:
    cleaned = clean(text)
    lines = wrapped(cleaned, cells, first="- ", later="  ")
    assert all(width(line) <= cells for line in lines)
    assert "".join(line[2:] for line in lines).replace(" ", "") == cleaned.replace(" ", "")


def test_without_colour_paint_is_the_text() -> None:
    assert Paint(False)("stock", "x") == "x"
    assert Paint(True)("stock", "x") == "\x1b[33mx\x1b[0m"
    assert Paint(True)("stock", "  ") == "  "
