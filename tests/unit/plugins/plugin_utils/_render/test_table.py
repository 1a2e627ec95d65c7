# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import width
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style
from ansible_collections.rustle.engine.plugins.plugin_utils._render.table import Column, Text, table
from hypothesis import given
from hypothesis import strategies as st

COLUMNS = [Column("NAME", shrinks=True), Column("TOOK", right=True), Column("WHY", rank=2), Column("HOST", shrinks=True, rank=1)]


def test_columns_are_as_wide_as_what_is_in_them() -> None:
    assert table(COLUMNS, [["a", "1 s", "x", "h"], ["longer", "10 s", "", "h"]], Style(width=80)) == [
        "NAME    TOOK  WHY  HOST", "a        1 s  x    h", "longer  10 s       h",
    ]  # fmt: skip


def test_a_column_without_anything_in_it_is_left_out() -> None:
    assert table(COLUMNS, [["a", "1 s", "", ""]], Style(width=80)) == ["NAME  TOOK", "a      1 s"]


def test_where_room_is_short_texts_are_cut_and_then_columns_go_by_rank() -> None:
    row = ["a" * 30, "1 s", "w" * 14, "h" * 20]
    assert table(COLUMNS, [row], Style(width=60))[1] == f"{'a' * 17}…   1 s  {'w' * 14}  {'h' * 17}…"
    assert table(COLUMNS, [row], Style(width=40))[0].split() == ["NAME", "TOOK", "HOST"]


def test_colour_is_beside_the_text_and_not_counted() -> None:
    plain, coloured = (table(COLUMNS, [[Text("a", "bad"), "1 s", "", "h"]], Style(width=80, colour=colour)) for colour in (False, True))
    assert coloured[1] == plain[1].replace("a   ", "\x1b[31ma   \x1b[0m")


def test_what_could_move_the_cursor_is_cleaned() -> None:
    assert "\x1b" not in "".join(table(COLUMNS, [["\x1b[2J\r", "1 s", "", "\u202e"]], Style(width=80)))


@given(st.lists(st.lists(st.text(max_size=40), min_size=4, max_size=4), max_size=4), st.integers(1, 120))
def test_no_line_is_wider_than_the_terminal(rows: list[list[str]], columns: int) -> None:
    style = Style(width=columns)
    assert all(width(line) <= style.cells for line in table(COLUMNS, rows, style))
