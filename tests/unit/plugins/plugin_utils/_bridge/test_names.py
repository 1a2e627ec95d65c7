# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which names a template reads, and what else it does."""

from __future__ import annotations

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.names import (
    ANYTHING,
    pieces_of,
    reading_of,
    reading_of_expression,
    reading_of_file,
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("plain", set()),
        ("{{ one }}", {"one"}),
        ("{{ one.two.three }}", {"one"}),
        ("{{ one[two] }}", {"one", "two"}),
        ("{{ one | no_such_filter(two) }}", {"one", "two"}),
        ("{% for x in xs %}{{ x }}{{ y }}{% endfor %}", {"xs", "y"}),
        ("{% set a = b %}{{ a }}", {"b"}),
        ("{{ range(3) | list }}", set()),
        ("{{ a if b is no_such_test else c }}", {"a", "b", "c"}),
    ],
)
def test_free_names_are_read(text: str, names: set[str]) -> None:
    assert reading_of(text).names == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a is match('x')", {"a"}), ("a", {"a"}), ("not a", {"a"}), ("true", set()), ("'text'", set()), ("a == 'b' and c.d", {"a", "c"}),
        ("r is failed", {"r"}), ("{{ a }} == 1", {"a"}),
    ],
)
def test_expressions_have_no_braces(text: str, names: set[str]) -> None:
    assert reading_of_expression(text).names == names


def test_values_of_any_shape_are_looked_through() -> None:
    assert reading_of({"{{ key }}": ["{{ one }}", {"x": "{{ two }}"}]}).names == {"key", "one", "two"}
    assert reading_of_expression(["a", "b is defined", True]).names == {"a", "b"}


def test_lookups_are_named_and_a_name_that_is_not_literal_is_empty() -> None:
    assert reading_of("{{ lookup('pipe', 'x') }}{{ q(which) }}").lookups == {"pipe", ""}
    assert reading_of("{{ lookup('ansible.builtin.vars', name) }}").any


def test_what_a_template_does_beside_reading_is_told() -> None:
    assert reading_of("{{ hostvars[h].x }}").other_hosts
    assert reading_of("{{ vars['x'] }}").any
    assert reading_of("{{ now() }}").clock and reading_of("{{ '%Y' | strftime }}").clock
    assert reading_of("{{ p is exists }}").controller_files
    assert reading_of("{{ xs | random }}").changing


def test_included_templates_are_named_and_others_read_anything() -> None:
    assert reading_of_file("{% include 'a.j2' %}{% include ['b.j2', 'c.j2'] ignore missing %}").templates == {"a.j2", "b.j2", "c.j2"}
    assert reading_of_file("{% include which %}").any


def test_what_cannot_be_parsed_may_read_anything() -> None:
    assert reading_of("{{ broken") == ANYTHING


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("{{ a }}", ["", "a", ""]), ("x {{ a }}-{{b}}", ["x ", "a", "-", "b", ""]), ("plain", ["plain"]), ("{{ a.b }}", None), ("{{ a }}{% if b %}", None),
        ("{{ a }}{# no #}", None), ("{{ a }}\n", None), ("{{- a }}", None), ("{{ a }}{{", None),
    ],
)  # fmt: skip
def test_names_among_words_are_taken_apart_and_all_else_is_left_to_the_engine(text: str, pieces: list[str] | None) -> None:
    assert pieces_of(text) == pieces
