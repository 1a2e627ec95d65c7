"""What is not literal is unknown."""

from __future__ import annotations

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.arguments import Arguments, is_template


@pytest.mark.parametrize("value", ["{{ x }}", "a{% if b %}c{% endif %}", ["a", "{{ x }}"], {"k": "{{ x }}"}, {"{{ k }}": 1}])
def test_templates_are_found_at_any_depth(value: object) -> None:
    assert is_template(value)


@pytest.mark.parametrize("value", ["x", 1, None, True, ["a"], {"k": "v"}])
def test_plain_values_are_no_templates(value: object) -> None:
    assert not is_template(value)


@pytest.mark.parametrize(
    ("value", "truth"),
    [(True, True), ("yes", True), ("On", True), (1, True), ("no", False), (0, False), ("False", False), ("{{ x }}", None), ("maybe", None)],
)
def test_a_boolean_is_read_as_ansible_reads_it_or_unknown(value: object, truth: bool | None) -> None:
    assert Arguments({"x": value}).truth("x", default=False) is truth


def test_the_default_holds_when_an_argument_is_not_given() -> None:
    assert Arguments({}).truth("x", default=True) is True
    assert Arguments({"x": None}).text("x", default="d") == "d"


def test_the_first_name_that_is_given_counts() -> None:
    assert Arguments({"dest": "/b"}).paths("path", "dest") == ("file:/b",)


def test_arguments_out_of_sight_may_be_given_with_any_value() -> None:
    args = Arguments({"_variable_params": "{{ all }}"})
    assert args.given("anything")
    assert args.truth("anything", default=False) is None
    assert args.text("anything") is None
    assert args.paths("anything") == ("file:*",)
    assert args.names() == ()


def test_a_comma_is_part_of_a_path() -> None:
    assert Arguments({"path": "/a,/b"}).paths("path") == ("file:/a,/b",)


@pytest.mark.parametrize(
    ("value", "resources"),
    [
        ("a, b", ("package:a", "package:b")),
        (["a", "b"], ("package:a", "package:b")),
        ("{{ x }}", ("package:*",)),
        (["a", "{{ x }}"], ("package:*",)),
        (None, ()),
    ],
)
def test_names_are_a_text_with_commas_or_a_list(value: object, resources: tuple[str, ...]) -> None:
    assert Arguments({"name": value}).named("package", "name") == resources
