# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from html.parser import HTMLParser

from ansible_collections.rustle.engine.plugins.plugin_utils._render.markup import element, joined
from hypothesis import given
from hypothesis import strategies as st


def test_a_text_is_escaped_and_an_element_is_not() -> None:
    inner = element("b", "<i>&")
    assert inner == "<b>&lt;i&gt;&amp;</b>"
    assert element("p", inner, " and ", 3, None, ["<", [inner]], class_="a\"b", data_x=None, aria_label="c") == (
        f'<p class="a&quot;b" aria-label="c">{inner} and 3&lt;{inner}</p>')  # fmt: skip


def test_text_that_was_joined_to_markup_as_text_is_no_markup() -> None:
    assert joined(element("b") + "<script>") == "&lt;b&gt;&lt;/b&gt;&lt;script&gt;"


def test_empty_drawings_close_themselves() -> None:
    assert element("rect", x=1) == '<rect x="1"/>' and element("span") == "<span></span>"


@given(st.text(), st.text())
def test_whatever_the_texts_are_there_is_one_element(text: str, attribute: str) -> None:
    seen = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append((tag, len(attrs)))

    Reader().feed(element("p", text, title=attribute))
    assert seen == [("p", 1)]
