"""Messages of errors: what was expected, what was found, where, and the next step as a hint line."""

from __future__ import annotations

import inspect

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model import errors
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import MissingPackage, RustleError, SettingsError


def test_the_tree_in_the_docstring_names_every_error() -> None:
    for name, member in inspect.getmembers(errors, inspect.isclass):
        if issubclass(member, RustleError):
            assert name in (errors.__doc__ or "")
            assert name in errors.__all__


def test_a_settings_error_says_all_four_things() -> None:
    error = SettingsError(expected="a number", found="x", where="variable rustle_lookahead", hint="try 200")
    assert str(error) == "variable rustle_lookahead: expected a number, found 'x'\nhint: try 200"
    assert isinstance(error, RustleError)


@pytest.mark.parametrize("hint", ["", "do this"])
def test_a_hint_is_a_line_of_its_own_or_absent(hint: str) -> None:
    assert ("hint: " in str(RustleError("it broke", hint=hint))) == bool(hint)


def test_a_missing_package_is_one_line_that_names_the_package() -> None:
    text = str(MissingPackage("pydantic", needed_for="rustle.engine"))
    assert "pip install pydantic" in text and "\n" not in text
