# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When a plan is given again without planning, and when never. The real command: tests/integration/test_plan_cache.py."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._cli import recalling
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.planning import plan_for
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.recalling import Memory
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.request import Request
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.watching import state_of
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionPlan

ROOT = str(Path(recalling.__file__).parents[3])
REQUEST = Request(playbooks=("site.yml",), inventory=("h1,",))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a playbook, and a cache of its own."""
    for name in [name for name in os.environ if name.startswith("RUSTLE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delitem(sys.modules, "ansible.plugins.lookup.env", raising=False)  # another test may have run it
    monkeypatch.chdir(tmp_path)
    Path("site.yml").write_text("- hosts: all\n  gather_facts: false\n  tasks: [{name: one, ping: }]\n")


@pytest.fixture
def plan(place: None) -> ExecutionPlan:
    return plan_for(REQUEST).plan


def kept(plan: Any, request: Request = REQUEST, *, during: Callable[[], object] = lambda: None) -> Memory:
    """Where the plan was made with a look at the playbook."""
    memory = Memory(request, root=ROOT)
    memory.watch.start()
    memory.watch.look("file", "site.yml")
    during()
    memory.keep(plan, root=ROOT)
    return memory


def recalled(request: Request = REQUEST) -> Any:
    return Memory(request, root=ROOT).recall()


def entry() -> Path:
    (path,) = Path("cache").rglob("*.plan")
    return path


def test_a_plan_is_recalled_as_it_was_made_but_for_the_time_of_its_making(plan: ExecutionPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept(plan).why_not is None
    monkeypatch.setattr(recalling, "now", lambda: "2030-01-01T00:00:00Z")
    assert recalled() == dataclasses.replace(plan, metadata=dataclasses.replace(plan.metadata, created_at="2030-01-01T00:00:00Z"))


def test_how_much_is_to_be_said_makes_no_other_plan(plan: ExecutionPlan) -> None:
    kept(plan)
    assert recalled(dataclasses.replace(REQUEST, verbosity=3)) is not None


def test_a_file_that_was_looked_at_and_is_another_now_ends_it(plan: ExecutionPlan) -> None:
    kept(plan)
    before = Path("site.yml").read_text()
    Path("site.yml").write_text(before.replace("one", "two"))
    assert recalled() is None
    Path("site.yml").write_text(before)
    assert recalled() is not None  # by its content, not by its time
    Path("site.yml").unlink()
    assert recalled() is None


@pytest.mark.parametrize("other", [{"check": True}, {"extra_vars": ("a=b",)}, {"inventory": ("h2,",)}, {"forks": 7}])
def test_another_request_is_not_answered_with_it(plan: ExecutionPlan, other: dict[str, Any]) -> None:
    kept(plan)
    assert recalled(dataclasses.replace(REQUEST, **other)) is None


@pytest.mark.parametrize("name", ["ANSIBLE_FORKS", "RUSTLE_LOOKAHEAD", "LC_ALL", "HOME", "TZ", "PYTHONPATH"])
def test_another_environment_is_not_answered_with_it(plan: ExecutionPlan, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    kept(plan)
    monkeypatch.setenv(name, "3")
    assert recalled() is None


def test_the_same_words_in_another_folder_ask_for_something_else(plan: ExecutionPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(plan)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert recalled() is None


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:20], lambda data: data[:-1], lambda data: data.replace(b"ping", b"pong")])
def test_a_damaged_entry_is_none(plan: ExecutionPlan, damage: Callable[[bytes], bytes]) -> None:
    kept(plan)
    entry().write_bytes(damage(entry().read_bytes()))
    assert recalled() is None


def test_an_entry_that_is_whole_makes_nothing_but_what_a_plan_is_made_of(plan: ExecutionPlan) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, ("made",)

    kept(plan)
    head = json.dumps([[], state_of([])]).encode()
    rest = head + pickle.dumps(Evil())
    entry().write_bytes(hashlib.sha256(rest).digest() + len(head).to_bytes(4, "big") + rest)
    assert recalled() is None
    assert not Path("made").exists()


def test_an_entry_where_others_may_write_is_none(plan: ExecutionPlan) -> None:
    kept(plan)
    entry().parent.chmod(0o777)
    assert recalled() is None


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"ask_vault_pass": True}, "a vault password is asked for"), ({"vault_ids": ("dev@prompt",)}, "a vault password is asked for"),
        ({"vault_ids": ("prompt_ask_vault_pass",)}, "a vault password is asked for"), ({"playbooks": ("-",)}, "a document comes from standard input"),
        ({"build": True}, "deployments are built, and the time is measured"),
    ],
)
def test_what_files_alone_do_not_decide_is_neither_kept_nor_recalled(plan: ExecutionPlan, asked: dict[str, Any], why: str) -> None:
    request = dataclasses.replace(REQUEST, **asked)
    assert kept(plan, request).why_not == why
    assert recalled(request) is None
    assert not list(Path().rglob("*.plan"))


def test_whoever_turns_the_cache_off_gets_neither_old_plans_nor_leaves_new_ones(plan: ExecutionPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(plan)
    assert Memory(REQUEST, root=ROOT, off=True).recall() is None
    monkeypatch.setenv("RUSTLE_PLAN_CACHE", "no")
    memory = Memory(REQUEST, root=ROOT)
    assert (memory.recall(), memory.why_not) == (None, "the setting plan_cache is off")


def test_what_has_changed_while_it_was_planned_is_not_kept(plan: ExecutionPlan) -> None:
    stamp = os.stat("site.yml").st_mtime + 60
    memory = kept(plan, during=lambda: os.utime("site.yml", (stamp, stamp)))
    assert memory.why_not == f"{Path('site.yml').resolve()} has changed meanwhile"
    assert recalled() is None


def test_texts_of_ansibles_own_kind_come_back_as_plain_ones_and_what_is_no_plain_value_is_not_kept(plan: ExecutionPlan) -> None:
    class Tagged(str):
        pass

    kept(dataclasses.replace(plan, metadata=dataclasses.replace(plan.metadata, created_at=Tagged("x"), inventory_hash=Tagged("2.19"))))
    assert type(recalled().metadata.inventory_hash) is str
    memory = kept(dataclasses.replace(plan, metadata=dataclasses.replace(plan.metadata, inventory_hash=object())))  # type: ignore[arg-type]
    assert memory.why_not == "a value is a object"


def test_another_collection_that_plans_is_not_remembered_as_this_one(plan: ExecutionPlan, tmp_path: Path) -> None:
    memory = Memory(REQUEST, root=ROOT)
    memory.watch.start()
    memory.keep(plan, root=str(tmp_path))
    assert memory.why_not == f"the collection in {tmp_path} plans, and not the one that is asked first"
    assert recalled() is None
