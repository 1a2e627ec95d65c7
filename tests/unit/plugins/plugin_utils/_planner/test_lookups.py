"""Lookups are found where they are called, and what is not known of one is the worst."""

from __future__ import annotations

import pkgutil

import ansible.plugins.lookup
import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Scope
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.lookups import LOOKUPS, lookup_effects, lookups_in


def test_every_lookup_of_the_installed_core_is_in_the_table() -> None:
    assert {name for _f, name, _p in pkgutil.iter_modules(ansible.plugins.lookup.__path__)} <= set(LOOKUPS)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{ lookup('env', 'X') }}", ("env",)),
        ("{{ query(\"ansible.builtin.file\", a) + q( 'url' , b) }}", ("ansible.builtin.file", "url")),
        ("{% for x in lookup('fileglob', '*') %}{% endfor %}", ("fileglob",)),
        ("{{ lookup(plugin, x) }}", ("",)),
        ("{{ 'x' is file }}", ("file",)),
        ("{{ path is not ansible.builtin.exists }}", ("file",)),
        ("{{ '*.conf' | fileglob }}", ("file",)),
        ("lookup('env', 'X')", ()),
        ("{{ my_lookup }} and {{ sequence(1) }} {{ faq('x') }}", ()),
        (["a", {"b": "{{ lookup('ini', 'x') }}"}], ("ini",)),
        (3, ()),
    ],
)
def test_lookups_are_found_in_templates(text: object, names: tuple[str, ...]) -> None:
    assert lookups_in(text) == names


def test_a_condition_is_an_expression_without_braces() -> None:
    assert lookups_in(["x", "lookup('env', 'X') == 'y'"], expression=True) == ("env",)
    assert lookups_in("backup is exists", expression=True) == ("file",)


@pytest.mark.parametrize("name", ["pipe", "url", "password", "lines", "", "community.hashi_vault.vault_read", "ansible.builtin.pipe"])
def test_what_may_touch_anything_is_worldly(name: str) -> None:
    assert lookup_effects(name).scope is Scope.WORLDLY


@pytest.mark.parametrize("name", ["file", "ansible.builtin.template", "ansible.legacy.csvfile", "first_found"])
def test_what_reads_files_of_the_controller_says_so(name: str) -> None:
    assert lookup_effects(name).scope is Scope.NONE
    assert lookup_effects(name).reads == ("controller:*",)
