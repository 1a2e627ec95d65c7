"""Policies of the user's: found in files, with clear refusals; the example of the docs does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.config import EngineConfig
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.engine import Engine
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policies import DEFAULT
from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.policies import load_policies
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import SettingsError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import TaskFailed, TaskRef

PAGE = (Path(__file__).parents[5] / "docs" / "adaptation.md").read_text()
IMPORT = "from ansible_collections.rustle.engine.plugins.plugin_utils.adaptation import Policy\n"


def refusal(*paths: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        load_policies(map(str, paths))
    return str(caught.value)


def test_the_example_of_the_page_works(tmp_path: Path) -> None:
    example = re.search(r"```python\n(# night_backup\.py.*?)```", PAGE, re.DOTALL)
    assert example
    (tmp_path / "night_backup.py").write_text(example[1])
    engine = Engine(EngineConfig(), policies=load_policies([str(tmp_path)]))
    task = TaskRef(task_id="t", identity="t", name="Make a user", module="community.postgresql.postgresql_user")
    failed = TaskFailed(task=task, host="db1", final=False, idempotent=True, message="connection refused: the database system is shutting down")
    (instruction,) = engine.handle(failed, 0)
    assert (instruction.policy, instruction.decision.kind, instruction.decision.changes) == ("night-backup", "retry", {"after": 45.0})
    assert [one.reason for one in engine.news() if one.kind == "adaptation_rejected"] == ["conflict"]
    assert engine.troubles() == ()


def test_without_files_there_are_ours() -> None:
    assert load_policies([]) == DEFAULT


def test_one_with_the_name_of_ours_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(f"{IMPORT}class Mine(Policy):\n    name = 'transient-retry'\n    priority = 1\n")
    policies = load_policies([str(tmp_path / "mine.py")])
    assert [policy.priority for policy in policies if policy.name == "transient-retry"] == [1]
    assert len(policies) == len(DEFAULT)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected a class that is a Policy, found 'none'"),
        ("class Mine(:\n", "mine.py:1: expected Python, found 'invalid syntax'"),
        ("import rustle_nothing\n", "found \"ModuleNotFoundError: No module named 'rustle_nothing'\""),
        ("class Mine(Policy):\n    pass\n", "Mine.name: expected a name, found ''"),
        ("class Mine(Policy):\n    name = 'm'\n    events = ('task_failed',)\n", "Mine.events: expected a tuple of kinds of events, found ('task_failed',)"),
        ("class Mine(Policy):\n    name = 'm'\n    priority = 'high'\n", "Mine.priority: expected a number, found 'high'"),
        ("class Mine(Policy):\n    name = 'm'\n    kind = 'pray'\n", "Mine.kind: expected one of retry, wait,"),
        ("class Mine(Policy):\n    name = 'm'\n    def __init__(self, x): pass\n", "Mine: expected a class that takes no arguments"),
        ("class A(Policy):\n    name = 'm'\nclass B(Policy):\n    name = 'm'\n", "expected each policy once, found 'm'"),
    ],
)
def test_what_is_no_policy_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "mine.py").write_text((IMPORT if text.startswith("class") else "") + text if "(:" not in text else text)
    assert says in refusal(tmp_path / "mine.py")


def test_paths_where_there_is_nothing_are_refused(tmp_path: Path) -> None:
    assert "expected a folder with Python files, found 'none'" in refusal(tmp_path)
    assert "FileNotFoundError" in refusal(tmp_path / "none.py")
    (tmp_path / "x.txt").touch()
    assert "expected a Python file, found 'x.txt'" in refusal(tmp_path / "x.txt")
