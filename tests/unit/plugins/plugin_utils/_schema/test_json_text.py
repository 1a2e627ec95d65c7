# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""JSON whose objects know their place: the values are those of the standard library, and what is wrong is named with its line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import DocumentError
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.json_text import Lines, LocatedObject, load_located
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.sampled_from([None, 1, "\t"]))
def test_values_are_those_of_the_standard_library(value: Any, indent: Any) -> None:
    assert load_located(json.dumps(value, indent=indent).encode(), where="x")[0] == value


@given(VALUES, st.sampled_from([None, 1]))
def test_each_object_knows_where_its_brace_is(value: Any, indent: Any) -> None:
    text = json.dumps([value], indent=indent)
    lines = Lines(text)

    def look(found: Any) -> None:
        if isinstance(found, LocatedObject):
            line, column = lines.place(found.at)
            assert text[found.at] == "{" == text.split("\n")[line - 1][column - 1]
        for part in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
            look(part)

    look(load_located(text.encode(), where="x")[0])


@pytest.mark.parametrize(
    ("data", "path", "found"),
    [
        (b'{\n "a": }', "line 2, column 7", "}"),
        (b'{"a": 1', "line 1, column 8", "the end"),
        (b"", "line 1, column 1", "the end"),
        (b'"\xff"', "byte 1", b'\xff"'),
        (b"[" * 5000 + b"]" * 5000, "line 1, column 102", "[" * 20),
        (b"9" * 5000, "", None),
    ],
)
def test_what_is_no_json_is_named_with_its_place(data: bytes, path: str, found: object) -> None:
    with pytest.raises(DocumentError) as caught:
        load_located(data, where="x.json")
    assert caught.value.path == path and str(caught.value).startswith("x.json: ")
    assert found is None or caught.value.found == found


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert load_located(b"\xef\xbb\xbf{}", where="x")[0] == {}
