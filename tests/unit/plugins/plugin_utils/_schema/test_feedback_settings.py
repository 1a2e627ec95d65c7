"""Settings of feedback: two places, one order, errors that name the place, and secrets that nothing shows."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError, SettingsError
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.config_file import parse_config
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.feedback_checks import FeedbackValues
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.feedback_settings import FeedbackSettings, resolve_feedback
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.settings import FEEDBACK, NAMES, notices
from hypothesis import given
from hypothesis import strategies as st

MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/bob")


def resolved(environ: Mapping[str, str] | None = None, config: str = "") -> FeedbackSettings:
    return resolve_feedback(environ=environ or {}, config=parse_config(f"[rustle]\n{config}", path="/a/ansible.cfg"))


def refusal(environ: Mapping[str, str] | None = None, config: str = "") -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        resolved(environ, config)
    return caught.value


def test_nothing_given_means_the_defaults() -> None:
    assert dataclasses.asdict(resolved()) == {
        "feedback": True,
        "feedback_db": "/home/bob/.local/share/rustle/feedback.db",
        "feedback_days": 90,
        "feedback_size": 256 * MIB,
        "feedback_report": True,
        "progress_interval": 10,
        "adaptation_learning": True,
        "adaptation_timeout": 30,
        "max_adaptations_per_execution": 10,
        "adaptations": (),
        "policies": (),
        "error_classes": None,
        "wait_limit": 300,
        "halt_failures": None,
        "exploration": 0,
        "events_file": None,
        "events_url": None,
        "events_token": None,
        "events_secret": None,
    }


def test_the_names_are_the_fields_and_none_is_a_setting_of_tasks() -> None:
    fields = tuple(field.name for field in dataclasses.fields(FeedbackSettings))
    assert fields == tuple(name for name in FEEDBACK if name not in ("events_token_file", "events_secret_file"))
    assert tuple(FeedbackValues.model_fields) == FEEDBACK
    assert not set(FEEDBACK) & set(NAMES)


def test_every_field_says_what_it_expects() -> None:
    assert all(field.description for field in FeedbackValues.model_fields.values())


def test_the_environment_comes_before_the_file() -> None:
    assert resolved({"RUSTLE_FEEDBACK_DAYS": "7"}, "feedback_days = 8\nfeedback = no") == dataclasses.replace(resolved(), feedback_days=7, feedback=False)
    assert resolved({"RUSTLE_FEEDBACK_DAYS": ""}, "feedback_days = 8").feedback_days == 8


def test_values_come_in_the_types_of_the_settings() -> None:
    settings = resolved(
        {"RUSTLE_FEEDBACK_SIZE": "1.5G", "RUSTLE_HALT_FAILURES": "25%", "RUSTLE_EXPLORATION": "0.05", "RUSTLE_WAIT_LIMIT": "0"},
        "feedback_report = off\nadaptation_learning = 0\nmax_adaptations_per_execution = 3\nadaptation_timeout = 1.5\nprogress_interval = 60",
    )
    assert (settings.feedback_size, settings.halt_failures, settings.exploration, settings.wait_limit) == (1536 * MIB, 0.25, 0.05, 0)
    assert (settings.feedback_report, settings.adaptation_learning) == (False, False)
    assert (settings.max_adaptations_per_execution, settings.adaptation_timeout, settings.progress_interval) == (3, 1.5, 60)


def test_the_database_follows_the_users_data_folder_unless_named() -> None:
    assert resolved({"XDG_DATA_HOME": "/d"}).feedback_db == "/d/rustle/feedback.db"
    assert resolved({"XDG_DATA_HOME": "/d", "RUSTLE_FEEDBACK_DB": " ~/f.db "}).feedback_db == "/home/bob/f.db"


def test_paths_in_the_file_are_relative_to_that_file() -> None:
    settings = resolved(None, "feedback_db = f.db\nevents_file = e.json\npolicies = p.py:~/q:/r")
    assert (settings.feedback_db, settings.events_file, settings.policies) == ("/a/f.db", "/a/e.json", ("/a/p.py", "/home/bob/q", "/r"))
    assert resolved({"RUSTLE_EVENTS_FILE": "e.json"}).events_file == "e.json"
    assert resolved(None, "events_file = fd:5").events_file == "fd:5"


def test_a_path_alone_needs_no_pydantic() -> None:
    code = (
        "import sys\n"
        "from ansible_collections.rustle.engine.plugins.plugin_utils._schema.feedback_settings import resolve_feedback\n"
        "resolve_feedback(environ={'RUSTLE_FEEDBACK_DB': '/f.db'}, config={})\n"
        "sys.exit('pydantic' in sys.modules)"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=env, check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("feedback", "perhaps"),
        ("feedback_db", " "),
        ("feedback_days", "-1"),
        ("feedback_days", "1.5"),
        ("feedback_size", "64X"),
        ("progress_interval", "0"),
        ("adaptation_timeout", "0"),
        ("adaptation_timeout", "nan"),
        ("max_adaptations_per_execution", "-1"),
        ("wait_limit", "inf"),
        ("halt_failures", "0"),
        ("halt_failures", "101%"),
        ("exploration", "0.3"),
        ("exploration", "1.2.3%"),
        ("events_file", "-"),
        ("events_file", "fd:x"),
    ],
)
def test_a_bad_value_is_refused_with_what_was_expected_found_and_where(name: str, value: str) -> None:
    error = refusal({f"RUSTLE_{name.upper()}": value})
    assert (error.where, error.found) == (f"environment variable RUSTLE_{name.upper()}", value)
    assert error.expected == FeedbackValues.model_fields[name].description


def test_a_bad_value_in_the_file_names_its_line() -> None:
    assert refusal(None, "feedback = yes\nexploration = 1").where == "/a/ansible.cfg:3: exploration in [rustle]"


# --- secrets ------------------------------------------------------------------------------------------------------------------


def test_secrets_are_read_from_their_files(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken\n")
    (tmp_path / "secret").write_text(" two words \n")
    settings = resolved({"RUSTLE_EVENTS_TOKEN_FILE": str(tmp_path / "token"), "RUSTLE_EVENTS_SECRET_FILE": str(tmp_path / "secret")})
    assert (settings.events_token, settings.events_secret) == ("t0ken", "two words")


@pytest.mark.parametrize("address", ["https://h/x?k=1", "https://h:8443", "http://localhost:1/x", "http://127.0.0.1:8000/"])
def test_events_go_out_encrypted_or_not_at_all(address: str) -> None:
    assert resolved({"RUSTLE_EVENTS_URL": address}).events_url == address


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("events_url", "http://hush.example/"),
        ("events_url", "https://me:hush@h/"),
        ("events_url", "https://[hush"),
        ("events_url", "hush"),
        ("events_token", "hush hush"),
        ("events_token", "hush\nX-Header: 1"),
        ("events_token", "hüsh-hush"),
    ],
)
def test_no_error_shows_a_secret(name: str, value: str) -> None:
    error = refusal({f"RUSTLE_{name.upper()}": value})
    assert "hush" not in f"{error}{error.__cause__}{error.found}" and error.__suppress_context__


def test_no_error_shows_what_is_in_a_secret_file(tmp_path: Path) -> None:
    for content in (b"hush hush", b"hush\xff", b""):
        (tmp_path / "token").write_bytes(content)
        error = refusal({"RUSTLE_EVENTS_TOKEN_FILE": str(tmp_path / "token")})
        assert str(tmp_path / "token") in str(error) and "hush" not in str(error)


def test_a_secret_file_that_is_not_there_is_named_with_its_setting(tmp_path: Path) -> None:
    error = refusal({"RUSTLE_EVENTS_SECRET_FILE": str(tmp_path / "none")})
    assert (error.where, error.found) == ("environment variable RUSTLE_EVENTS_SECRET_FILE", str(tmp_path / "none"))
    assert error.hint == "No such file or directory"


def test_a_secret_is_given_once(tmp_path: Path) -> None:
    error = refusal({"RUSTLE_EVENTS_TOKEN": "hush"}, f"events_token_file = {tmp_path}/token")
    assert error.expected == "either events_token or events_token_file" and "hush" not in str(error)


def test_no_repr_shows_a_secret() -> None:
    settings = resolved({"RUSTLE_EVENTS_URL": "https://h/hush", "RUSTLE_EVENTS_TOKEN": "hush", "RUSTLE_EVENTS_SECRET": "hush"})
    assert settings.events_token == "hush" and "hush" not in repr(settings)


@given(st.sampled_from([name for name in FEEDBACK if not name.endswith("_file")]), st.text(min_size=1))
def test_any_value_gives_settings_or_a_settings_error(name: str, value: str) -> None:
    try:
        resolve_feedback(environ={f"RUSTLE_{name.upper()}": value}, config={})
    except RustleError as ex:
        assert isinstance(ex, SettingsError)


# --- names --------------------------------------------------------------------------------------------------------------------


def test_the_names_are_no_strangers_and_near_ones_are_hinted_at() -> None:
    config = parse_config("[rustle]\nfeedback_day = 3\nwait_limit = 1", path="/a/ansible.cfg")
    assert notices(environ={f"RUSTLE_{name.upper()}": "x" for name in FEEDBACK}, config=config) == (
        "/a/ansible.cfg:2: feedback_day in [rustle] is no setting of rustle.engine (did you mean feedback_days?)",
    )


PAGE = (Path(__file__).parents[5] / "docs" / "settings.md").read_text()


@pytest.mark.parametrize("name", FEEDBACK)
def test_the_page_has_a_section_for_each_setting_with_its_names_and_default(name: str) -> None:
    section = PAGE.split(f"### `{name}`", 1)[1].split("\n### ", 1)[0]
    value = str(getattr(FeedbackSettings(), name, None))
    words = {"True": "yes", "None": "not set", "()": "not set", "": "`~/.local/share/rustle/feedback.db`", str(256 * MIB): "`256M`"}
    assert f"rustle_{name}`" in section and f"`RUSTLE_{name.upper()}`" in section
    assert f"Default: {words.get(value, f'`{value}`')}" in section.replace("\n", " ")
