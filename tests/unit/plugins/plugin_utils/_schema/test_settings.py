"""Settings: three places, one order, and an answer that names the place of what is wrong."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError, SettingsError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionStrategy
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import DeclaredEffects, Scope
from ansible_collections.rustle.engine.plugins.plugin_utils._schema import settings as module
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.checks import Values
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.config_file import parse_config
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.settings import (
    FEEDBACK,
    FOREIGN_ENVIRONMENT,
    NAMES,
    PLANNING,
    Settings,
    Strategy,
    notices,
    resolve,
)
from hypothesis import given
from hypothesis import strategies as st

MIB = 1024 * 1024


def resolved(variables: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None, config: str = "") -> Settings:
    return resolve(variables=variables or {}, environ=environ or {}, config=parse_config(f"[rustle]\n{config}", path="/a/ansible.cfg"))


def refusal(variables: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None, config: str = "") -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        resolved(variables, environ, config)
    return caught.value


def test_nothing_given_means_the_defaults() -> None:
    settings = resolved()
    assert dataclasses.asdict(settings) == {
        "enabled": True,
        "mode": "auto",
        "ordering": "causal",
        "scope": None,
        "effects": None,
        "effects_file": None,
        "lookahead": 200,
        "cache_dir": "~/.cache/rustle",
        "cache_limit": 512 * MIB,
        "agent_cache_limit": 64 * MIB,
        "plan_file": None,
        "adaptation": "on",
        "retry": None,
        "skippable": False,
        "interchangeable": None,
        "default_forks": None,
        "planning_timeout": 0,
        "optimization_level": 1,
        "strategy": "BinaryHybrid",
        "binary_threshold": 5,
        "plan_cache": True,
    }
    assert settings.rescope is None


def test_the_names_are_the_fields() -> None:
    assert tuple(field.name for field in dataclasses.fields(Settings)) == tuple(Values.model_fields) == NAMES


def test_every_field_says_what_it_expects() -> None:
    assert all(field.description for field in Values.model_fields.values())


def test_settings_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        resolved().mode = "ssh"  # type: ignore[misc]


def test_variables_come_before_the_environment_and_that_before_the_file() -> None:
    variables, environ, config = {"rustle_ordering": "host"}, {"RUSTLE_ORDERING": "linear"}, "ordering = causal"
    assert resolved(variables, environ, config).ordering == "host"
    assert resolved(None, environ, config).ordering == "linear"
    assert resolved(None, {"RUSTLE_MODE": "ssh"}, "ordering = host").ordering == "host"


def test_an_empty_environment_variable_is_not_given() -> None:
    assert resolved(None, {"RUSTLE_MODE": ""}, "mode = binary").mode == "binary"


@pytest.mark.parametrize(("given", "value"), [("0", False), ("no", False), ("off", False), ("False", False), ("1", True), ("yes", True)])
def test_a_switch_takes_the_usual_words(given: str, value: bool) -> None:
    assert resolved(None, {"RUSTLE_ENABLED": given}).enabled is value


@pytest.mark.parametrize(
    ("given", "size"),
    [("64M", 64 * MIB), ("64 MiB", 64 * MIB), ("64mb", 64 * MIB), ("1.5G", 1536 * MIB), ("100", 100), (100, 100), ("2k", 2048), ("0", 0)],
)
def test_a_size_is_a_number_with_a_unit(given: object, size: int) -> None:
    assert resolved({"rustle_agent_cache_limit": given}).agent_cache_limit == size


def test_words_may_be_in_any_case() -> None:
    assert resolved({"rustle_mode": " SSH "}).mode == "ssh"


@pytest.mark.parametrize(("word", "scope"), [("host", Scope.PRIVATE), ("world", Scope.WORLDLY)])
def test_a_declared_scope_is_a_scope_of_the_rules(word: str, scope: Scope) -> None:
    assert resolved({"rustle_scope": word}).rescope is scope


def test_the_cache_follows_the_users_cache_folder_unless_named() -> None:
    assert resolved(None, {"XDG_CACHE_HOME": "/c"}).cache_dir == "/c/rustle"
    assert resolved(None, {"XDG_CACHE_HOME": "/c", "RUSTLE_CACHE_DIR": "/d"}).cache_dir == "/d"


def test_a_path_in_the_file_is_relative_to_that_file_and_one_in_the_environment_to_where_the_run_began(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/bob")
    assert resolved(None, None, "effects_file = x/e.yml").effects_file == "/a/x/e.yml"
    assert resolved(None, None, "effects_file = /x/e.yml").effects_file == "/x/e.yml"
    assert resolved(None, None, "effects_file = ~/e.yml").effects_file == "/home/bob/e.yml"
    assert resolved(None, {"RUSTLE_EFFECTS_FILE": " e.yml "}).effects_file == "e.yml"


def test_a_setting_of_the_whole_run_is_no_variable() -> None:
    error = refusal({"rustle_effects_file": "e.yml"})
    assert error.where == "variable rustle_effects_file"
    assert error.hint == "give it as RUSTLE_EFFECTS_FILE or as effects_file in [rustle] of ansible.cfg"


@pytest.mark.parametrize("name", PLANNING)
def test_a_setting_of_planning_is_no_variable(name: str) -> None:
    error = refusal({f"rustle_{name}": "1"})
    assert error.where == f"variable rustle_{name}" and f"RUSTLE_{name.upper()}" in error.hint


def test_strategies_are_those_of_plans_in_any_spelling() -> None:
    assert get_args(Strategy) == tuple(one.value for one in ExecutionStrategy)
    for text in ("BinaryOnly", "binary_only", "binary-only", " BINARYONLY "):
        assert resolved(None, {"RUSTLE_STRATEGY": text}).strategy == "BinaryOnly"
    assert refusal(None, {"RUSTLE_STRATEGY": "BinaryHybird"}).hint == "did you mean BinaryHybrid?"


def test_settings_of_planning_are_numbers_within_bounds() -> None:
    assert resolved(None, {"RUSTLE_DEFAULT_FORKS": "25"}, "planning_timeout = 1.5\noptimization_level = 3").default_forks == 25
    assert resolved(None, None, "planning_timeout = 1.5").planning_timeout == 1.5
    for name, value in [("default_forks", "0"), ("planning_timeout", "-1"), ("planning_timeout", "inf"), ("optimization_level", "4"),
                        ("binary_threshold", "0"), ("binary_threshold", "1.5")]:
        assert refusal(None, {f"RUSTLE_{name.upper()}": value}).found == value


@pytest.mark.parametrize(
    ("given", "writes", "reads"),
    [
        (["file:/srv/app"], ("file:/srv/app",), ()),
        ("file:/srv/app, package:nginx", ("file:/srv/app", "package:nginx"), ()),
        ({"writes": ["file:/x"], "reads": "file:/y"}, ("file:/x",), ("file:/y",)),
        ({"reads": ["*"]}, (), ("*",)),
        ("none", (), ()),
        ([], (), ()),
        (["world"], ("world:*",), ()),
        (["controller:*"], ("controller:*",), ()),
    ],
)
def test_effects_are_written_in_several_ways(given: object, writes: tuple[str, ...], reads: tuple[str, ...]) -> None:
    assert resolved({"rustle_effects": given}).effects == DeclaredEffects(writes, reads)


# --- what is wrong --------------------------------------------------------------------------------------------------------


def test_a_wrong_word_names_its_place_and_the_nearest_right_one() -> None:
    error = refusal({"rustle_mode": "binry"})
    assert str(error) == "variable rustle_mode: expected auto, binary or ssh, found 'binry'\nhint: did you mean binary?"


def test_the_place_is_that_of_the_value_that_counts() -> None:
    assert refusal(None, {"RUSTLE_ORDERING": "x"}, "ordering = y").where == "environment variable RUSTLE_ORDERING"
    assert refusal(None, None, "mode = ssh\nordering = y").where == "/a/ansible.cfg:3: ordering in [rustle]"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("enabled", "perhaps"),
        ("mode", 3),
        ("ordering", ["linear"]),
        ("scope", "hosts"),
        ("lookahead", 0),
        ("lookahead", "many"),
        ("lookahead", True),
        ("lookahead", 10**9),
        ("cache_dir", " "),
        ("cache_dir", 3),
        ("cache_limit", "64X"),
        ("cache_limit", -1),
        ("agent_cache_limit", "M"),
        ("agent_cache_limit", True),
        ("effects", "/etc/x"),
        ("effects", ["file:x"]),
        ("effects", {"write": []}),
        ("effects", 3),
        ("effects", [{}]),
    ],
)
def test_a_bad_value_is_refused_with_what_was_expected_and_found(name: str, value: object) -> None:
    error = refusal({f"rustle_{name}": value})
    assert error.where == f"variable rustle_{name}"
    assert error.expected and repr(error.found) in str(error)


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"rustle_effects": "/etc/x"}, "write file:/etc/x for a path"),
        ({"rustle_effects": ["file:x"]}, "file:* stands for any path"),
        ({"rustle_effects": {"write": []}}, "did you mean writes?"),
        ({"rustle_scope": "hosts"}, "did you mean host?"),
        ({"rustle_scope": "{{ x }}"}, "the template was not rendered: is a variable in it undefined here?"),
    ],
)
def test_the_hint_is_the_next_step(given: dict[str, Any], hint: str) -> None:
    assert refusal(given).hint == hint


def test_variables_of_users_with_our_prefix_are_their_own() -> None:
    assert resolved({"rustle_favourite_colour": "green"}) == resolved()


def test_names_that_look_like_ours_are_noticed_with_the_nearest_right_one() -> None:
    config = parse_config("[rustle]\nlookahed = 3\n", path="/a/ansible.cfg")
    lines = notices(environ={"RUSTLE_MODES": "x", "RUSTLE_ENABLED": "1", "RUSTLE_AGENT_CACHE": "/x", "HOME": "/"}, config=config)
    assert lines == (
        "environment variable RUSTLE_MODES is no setting of rustle.engine (did you mean RUSTLE_MODE?)",
        "/a/ansible.cfg:2: lookahed in [rustle] is no setting of rustle.engine (did you mean lookahead?)",
    )


@given(st.sampled_from(NAMES), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(max_size=5)))
def test_any_value_gives_settings_or_a_settings_error(name: str, value: object) -> None:
    try:
        resolve(variables={f"rustle_{name}": value}, environ={}, config={})
    except RustleError as ex:
        assert isinstance(ex, SettingsError)


# --- asked for each task ----------------------------------------------------------------------------------------------------


def test_equal_values_give_the_same_object_and_are_validated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = module._settings
    monkeypatch.setattr(module, "_settings", lambda *args, **keywords: calls.append(1) or real(*args, **keywords))
    values = [{"rustle_effects": ["file:/only/here"], "other": number} for number in range(5)]
    assert len({id(resolved(value)) for value in values}) == len(calls) == 1


def test_equal_numbers_of_other_kinds_are_not_confused() -> None:
    assert resolved({"rustle_lookahead": 1}).lookahead == 1
    refusal({"rustle_lookahead": True})


def test_the_memo_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MEMO", {})
    monkeypatch.setattr(module, "_MEMO_LIMIT", 3)
    for number in range(1, 20):
        resolved({"rustle_lookahead": number})
    assert len(module._MEMO) <= 3


# --- the page -----------------------------------------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[5] / "docs" / "settings.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_a_section_for_each_setting_with_its_three_names(name: str) -> None:
    section = PAGE.split(f"### `{name}`", 1)[1].split("\n### ", 1)[0]
    assert f"rustle_{name}" in section and f"RUSTLE_{name.upper()}" in section


@pytest.mark.parametrize("name", NAMES)
def test_the_page_gives_each_default(name: str) -> None:
    default = {"True": "yes", "False": "no", "None": "not set", "": "`~/.cache/rustle`", str(512 * MIB): "`512M`", str(64 * MIB): "`64M`"}
    value = str(getattr(Settings(), name))
    section = PAGE.split(f"### `{name}`", 1)[1].split("\n### ", 1)[0]
    assert f"Default: {default.get(value, f'`{value}`')}" in section.replace("`yes`", "yes")


def test_the_page_has_no_setting_that_is_not_there() -> None:
    assert set(re.findall(r"^### `(\w+)`", PAGE, re.MULTILINE)) == {*NAMES, *FEEDBACK}
    known = {f"RUSTLE_{name.upper()}" for name in (*NAMES, *FEEDBACK)} | FOREIGN_ENVIRONMENT
    assert set(re.findall(r"RUSTLE_[A-Z_]+", PAGE)) <= known
