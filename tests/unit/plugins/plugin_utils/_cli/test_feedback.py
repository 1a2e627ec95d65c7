# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command in this process: what it makes of everything that is raised. The real command: tests/integration."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._cli import feedback as command
from ansible_collections.rustle.engine.plugins.plugin_utils._cli import feedback_views as views
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.feedback_json import PAYLOADS, plain
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore

from tests.lab.history import a_run


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = str(tmp_path / "feedback.db")
    store = SqliteStore(path)
    store.put(a_run().records)
    store.close()
    return path


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RustleError("no", hint="do this"), "rustle-feedback: no\nhint: do this\n"),
        (PermissionError(13, "Permission denied", "/x"), "rustle-feedback: /x: Permission denied\n"),
        (KeyboardInterrupt(), "rustle-feedback: interrupted\n"),
        (
            ZeroDivisionError("x"),
            "rustle-feedback: ZeroDivisionError: x\nhint: rustle-feedback did not expect this, which is a defect of it; RUSTLE_DEBUG=1 shows where\n",
        ),
    ],
)
def test_whatever_is_raised_ends_in_one_message_and_status_1(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, message: str
) -> None:
    def fails(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(views, "runs", fails)
    assert command.main(["runs", "--db", database]) == 1
    assert tuple(capsys.readouterr()) == ("", message)


def test_a_defect_shows_its_traceback_where_it_is_asked_for(database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("RUSTLE_DEBUG", "1")
    monkeypatch.setattr(views, "runs", lambda *_arguments: 1 / 0)
    assert command.main(["runs", "--db", database]) == 1 and "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("500K", 512000), ("100M", 104857600), ("1.5 GiB", 1610612736), ("2kb", 2048)])
def test_sizes_are_read(text: str, number: int) -> None:
    assert command.parser().parse_args(["prune", "--size", text]).size == number


def test_every_command_has_its_function_and_its_payload() -> None:
    commands = next(action for action in command.parser()._actions if action.dest == "command").choices
    assert isinstance(commands, dict) and set(commands) == set(PAYLOADS) and all(callable(getattr(views, name)) for name in commands)


def test_numbers_that_json_has_not_are_null() -> None:
    assert plain({"a": (float("nan"), float("inf"), 1.5)}) == {"a": [None, None, 1.5]}
    assert plain(ExecutionRecord(execution="e", traits=("a",)))["traits"] == ["a"]
