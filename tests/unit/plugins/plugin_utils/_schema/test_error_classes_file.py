"""A user's file of error classes: what is taken, and a refusal that names the place, what was expected and the next step."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.classification import Classifier, text_of_classes
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import SettingsError
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.error_classes_file import parse_error_classes, read_error_classes

PAGE = (Path(__file__).parents[5] / "docs" / "adaptation.md").read_text()


def refusal(text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        parse_error_classes(text, path="c.yml")
    return str(caught.value)


def test_our_own_file_is_one_that_could_be_given() -> None:
    assert list(parse_error_classes(text_of_classes(), path="ours")) == list(yaml.safe_load(text_of_classes()))


def test_the_example_of_the_page_works() -> None:
    example = re.search(r"```text\n# classes\.yml\n(.*?)```", PAGE, re.DOTALL)
    assert example
    own = Classifier(parse_error_classes(example[1], path="docs"))
    assert own.of_message("An error occurred (RequestLimitExceeded)", "amazon.aws.ec2_instance").code == "quota"


@pytest.mark.parametrize("text", ["", "---\n", "# nothing yet\n"])
def test_an_empty_file_says_nothing(text: str) -> None:
    assert parse_error_classes(text, path="c.yml") == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- quota", "c.yml: expected classes, each with what fits it"),
        ("a: b: c", "c.yml:1: expected YAML"),
        ("Over Quota: {transient: true, matches: [x]}", "c.yml: expected a name like http-unavailable, found 'Over Quota'"),
        ("unknown: {transient: true, matches: [x]}", "c.yml: expected a name like"),
        ("quota: x", "c.yml: quota: expected a mapping with transient and matches, found 'x'"),
        ("quota: {transient: true}", "c.yml: quota: expected matches, or unreachable"),
        ("quota: {matches: [x]}", "c.yml: quota.transient: expected true or false"),
        ("quota: {transient: perhaps, matches: [x]}", "c.yml: quota.transient: expected true or false: whether"),
        ("quota: {transient: true, match: [x], matches: [y]}", "c.yml: quota.match: expected one of transient"),
        ("quota: {transient: true, matches: x}", "hint: write [x]"),
        ("quota: {transient: true, matches: ['(']}", "hint: '(': missing ), unterminated subpattern"),
        ("quota: {transient: true, matches: [x], delay: -1}", "c.yml: quota.delay: expected seconds from 0 to 3600, found -1"),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_place(text: str, says: str) -> None:
    assert says in refusal(text)


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="expected a readable text file, found 'No such file or directory'"):
        read_error_classes(str(tmp_path / "none.yml"))
