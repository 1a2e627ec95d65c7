"""The effects tables as data: each entry is sound, stands alone, and says what the code before it said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rustle.engine.plugins.plugin_utils._model.entry import CONDITIONS, KEYS, RULES
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import RiskLevel
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import PlaySource, SourceTask
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Effects, Scope, TaskNode
from ansible_collections.rustle.engine.plugins.plugin_utils._planner import tables
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.arguments import Arguments
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.dependencies import Finder
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import effects_of, is_known
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.named_rules import NAMED_RULES
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.resources import overlap
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.risk import risk_of
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import COLLECTIONS, OURS, Tables, names_in, text_of
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.effects_file import parse_effects_file

FOLDER = Path(tables.__file__).with_name("effects_tables")
BEFORE = json.loads(Path(__file__).with_name("effects_before.json").read_text())
ENTRIES: dict[str, dict[str, Any]] = {collection: yaml.safe_load(text_of(collection)) for collection in COLLECTIONS}
EVERY = [name for collection in COLLECTIONS for name in names_in(collection)]


def of(entry: dict[str, Any], args: dict[str, Any] | None = None) -> Effects:
    return effects_of(TaskNode(action="acme.tools.x", args=args or {}), Tables({"acme.tools.x": entry}))


# --- the files


def test_every_file_is_the_table_of_a_collection() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(COLLECTIONS)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_a_table_of_ours_passes_the_check_for_tables_of_users(collection: str) -> None:
    assert len(parse_effects_file(text_of(collection), path=f"{collection}.yml", known=is_known)) == len(names_in(collection))


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_an_entry_read_alone_is_the_entry_of_the_whole_file(collection: str) -> None:
    alone = {name: yaml.safe_load(text)[name] for name, text in tables._texts(collection).items()}
    assert alone == ENTRIES[collection]


def test_like_leads_to_an_entry_of_ours_that_is_no_like() -> None:
    likes = {entry["like"] for entries in ENTRIES.values() for entry in entries.values() if "like" in entry}
    assert likes and likes <= {name for name, entry in ENTRIES["ansible.builtin"].items() if "like" not in entry}


def test_every_word_of_the_language_is_used_and_every_rule_has_its_code() -> None:
    entries = [entry for by_name in ENTRIES.values() for entry in by_name.values()]
    assert {key for entry in entries for key in entry} == set(KEYS)
    assert {entry["rule"] for entry in entries if "rule" in entry} == set(RULES) == set(NAMED_RULES)
    alternatives = [entry["host_if"] for entry in entries if "host_if" in entry]
    assert {name for each in alternatives for one in (each if isinstance(each, list) else [each]) for name in one} == set(CONDITIONS)


def test_the_tables_hold_what_is_much_used() -> None:
    assert {collection: len(names_in(collection)) >= least for collection, least in
            zip(COLLECTIONS, (70, 14, 20, 38, 120), strict=True)} == dict.fromkeys(COLLECTIONS, True)


def test_a_run_reads_only_the_tables_and_entries_that_it_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = tables.text_of
    monkeypatch.setattr(tables, "text_of", lambda collection: asked.append(collection) or real(collection))
    tables._texts.cache_clear()
    tables._ours.cache_clear()
    for action in ("ansible.builtin.copy", "copy", "ansible.posix.acl", "my.own.module", "ansible.posix.acl"):
        Tables().row(action)
    assert asked == ["ansible.builtin", "ansible.posix"]
    assert tables._ours.cache_info().currsize == 3


@pytest.fixture
def forgetful() -> Iterator[None]:
    """Tables are read anew, in this test and after it."""
    remembered = (tables._ours, tables._texts)
    for one in remembered:
        one.cache_clear()
    yield
    for one in remembered:
        one.cache_clear()


@pytest.mark.parametrize("content", [PermissionError(13, "Permission denied"), b"copy: {scope: \xff}\n", b"copy: {scope: [}\n"])
def test_a_table_that_cannot_be_read_is_named_in_a_line(monkeypatch: pytest.MonkeyPatch, forgetful: None, content: Any) -> None:
    def read(package: str, name: str) -> Any:
        if isinstance(content, Exception):
            raise content
        return content

    monkeypatch.setattr(tables.pkgutil, "get_data", read)
    with pytest.raises(RustleError) as caught:
        Tables().row("copy")
    assert caught.value.message.startswith("effects_tables/ansible.builtin.yml of rustle.engine: it cannot be read: ") and "\n" not in caught.value.message


def test_private_entries_of_docker_are_those_that_reach_no_daemon() -> None:
    private = {name for name, entry in ENTRIES["community.docker"].items() if entry["scope"] != "world"}
    assert private == {"current_container_facts"}


def test_no_entry_is_private_that_was_not_before_but_those_named_here() -> None:
    new = {name for name in EVERY if name not in BEFORE["rows"] and OURS.row(name)(Arguments({})).scope is not Scope.WORLDLY}  # type: ignore[misc]
    assert new == {"community.docker.current_container_facts"}


# --- what was said before the tables were data


NARROWED = frozenset({"deb822_repository", "debconf", "dpkg_selections"})
"""Entries that have been made more precise since: where they looked at anything, they name what."""


def recorded() -> list[tuple[str, str, str]]:
    found = []
    for action, answers in BEFORE["rows"].items():
        for cases, answer in answers.items():
            found += [(action, case, answer) for case in (BEFORE["corpus"] if cases == "all" else cases.split())]
    return found


def test_every_entry_says_what_the_code_before_it_said_and_only_names_more() -> None:
    """``effects_before.json`` was recorded from the code that the tables replaced: scope and flags, > writes, < reads."""
    assert len(recorded()) == len(BEFORE["corpus"]) * len(BEFORE["rows"])
    wrong = []
    for action, case, answer in recorded():
        effects = OURS.row(action)(Arguments(BEFORE["corpus"][case]))  # type: ignore[misc]
        flags = "".join(
            flag for flag, on in (("r", effects.controller_reads), ("w", effects.controller_writes), ("a", effects.restarts_agent)) if on
        )
        head, *names = answer.split()
        now = {f">{name}".replace(" ", "_") for name in effects.writes} | {f"<{name}".replace(" ", "_") for name in effects.reads}
        if head != effects.scope.value + (f"+{flags}" if flags else "") or not set(names) <= now | (set(names) if action in NARROWED else set()):
            wrong.append((action, case, answer, effects))
    assert not wrong, wrong[:5]


# --- what people expect of names


@pytest.mark.parametrize(
    ("writer", "reader", "name"),
    [
        (("apt_repository", {"repo": "deb x"}), ("apt", {"name": "nginx"}), "repository:deb x"),
        (("deb822_repository", {"name": "docker"}), ("package", {"name": "x"}), "repository:docker"),
        (("yum_repository", {"name": "epel"}), ("dnf", {"name": "x"}), "repository:epel"),
        (("community.general.zypper_repository", {"repo": "x"}), ("community.general.zypper", {"name": "x"}), "repository:x"),
        (("apt", {"name": "nginx"}), ("service", {"name": "nginx"}), "package:nginx"),
        (("template", {"src": "x", "dest": "/etc/nginx/nginx.conf"}), ("systemd", {"name": "nginx"}), "file:/etc/nginx/nginx.conf"),
        (("user", {"name": "app"}), ("file", {"path": "/srv", "owner": "app"}), "user:app"),
        (("group", {"name": "app"}), ("user", {"name": "bob", "groups": ["app", "adm"]}), "group:app"),
        (("ansible.posix.mount", {"path": "/srv", "src": "/dev/sdb"}), ("copy", {"content": "x", "dest": "/srv/x"}), "file:/srv"),
        (("community.general.filesystem", {"dev": "/dev/sdb"}), ("ansible.posix.mount", {"path": "/x", "src": "/dev/sdb"}), "file:/dev/sdb"),
        (("community.docker.docker_image", {"name": "web"}), ("community.docker.docker_container", {"name": "w", "image": "web"}), "image:web"),
        (("community.docker.docker_network", {"name": "n"}), ("community.docker.docker_container", {"networks": [{"name": "n"}]}), "network:n"),
        (("community.docker.docker_volume", {"name": "v"}), ("community.docker.docker_container", {"volumes": ["v:/x"]}), "volume:v"),
        (("community.docker.docker_login", {"registry": "r.io"}), ("community.docker.docker_image_pull", {"name": "x"}), "login:r.io"),
        (("systemd", {"name": "docker"}), ("community.docker.docker_container", {"name": "x"}), "service:docker"),
        (("community.crypto.openssl_privatekey", {"path": "/k"}), ("community.crypto.openssl_csr", {"path": "/c", "privatekey_path": "/k"}), "file:/k"),
    ],
)
def test_what_comes_first_is_read_by_what_comes_after_it(writer: tuple[str, Any], reader: tuple[str, Any], name: str) -> None:
    written, read = (effects_of(TaskNode(action=action, args=args)) for action, args in (writer, reader))
    assert name in written.writes
    assert any(overlap(name, one) for one in read.reads if one != "*")


def test_a_container_reads_its_volumes_and_mounted_paths() -> None:
    volumes = ["data:/var", "/srv/x:/x:ro", "{{ v }}:/y", "/anonymous"]
    effects = effects_of(TaskNode(action="community.docker.docker_container", args={"name": "x", "volumes": volumes}))
    assert {"volume:data", "file:/srv/x", "volume:*", "file:*"} <= set(effects.reads) and "volume:/anonymous" not in effects.reads


@pytest.mark.parametrize(
    ("mode", "writes", "reads"),
    [
        ({}, "file:/d", "controller:/s"),
        ({"mode": "pull"}, "controller:/d", "file:/s"),
        ({"mode": "{{ x }}"}, "controller:/d", "controller:/s"),
    ],
)
def test_synchronize_touches_the_controller_at_the_end_that_is_its(mode: dict[str, str], writes: str, reads: str) -> None:
    effects = effects_of(TaskNode(action="ansible.posix.synchronize", args={"src": "/s", "dest": "/d", **mode}))
    assert effects.scope is Scope.WORLDLY and writes in effects.writes and reads in effects.reads
    assert effects.controller_writes is (writes == "controller:/d") and effects.controller_reads is (reads == "controller:/s")


# --- the user's entries


def test_an_entry_of_the_users_overrules_ours_as_a_whole() -> None:
    mine = Tables({"copy": {"scope": "world", "writes": ["file:/only"]}})
    effects = effects_of(TaskNode(action="ansible.legacy.copy", args={"src": "/s", "dest": "/d"}), mine)
    assert effects == Effects(Scope.WORLDLY, writes=("file:/only", "*"), reads=("*",))
    assert effects_of(TaskNode(action="stat", args={"path": "/x"}), mine).scope is Scope.PRIVATE


def test_an_entry_like_ours_is_ours_even_where_ours_is_overruled() -> None:
    mine = Tables({"copy": {"scope": "world"}, "acme.tools.put": {"like": "ansible.builtin.copy"}, "blockinfile": {"like": "replace"}})
    args = {"src": "/s", "dest": "/d"}
    assert effects_of(TaskNode(action="acme.tools.put", args=args), mine) == effects_of(TaskNode(action="copy", args=args))
    assert effects_of(TaskNode(action="blockinfile", args={"path": "/x"}), mine).writes == ("file:/x",)


def test_a_module_in_library_is_worldly_unless_the_user_says_what_it_does() -> None:
    node = TaskNode(action="stat", args={"path": "/x"}, own_module=True)
    assert effects_of(node).scope is Scope.WORLDLY
    assert effects_of(node, Tables({"stat": {"scope": "host", "reads": ["file:<path>"]}})).reads == ("file:/x",)


def test_what_the_user_declares_for_a_module_is_known() -> None:
    assert not is_known("acme.tools.x") and is_known("acme.tools.x", Tables({"acme.tools.x": {"scope": "none"}}))


def test_a_private_entry_that_touches_a_place_beyond_the_host_is_worldly() -> None:
    assert of({"scope": "host", "edits": ["file:<path>"]}, {"path": "/sys/x"}).scope is Scope.WORLDLY


# --- plans


def task(number: int, action: str, **args: Any) -> SourceTask:
    return SourceTask(task_id=f"t{number}", name=action, module=action, node=TaskNode(action=action, args=args))


def edges(tables: Tables, *tasks: SourceTask) -> dict[str, set[tuple[str, str]]]:
    play = PlaySource(play_id="p", name="p", hosts=("a",), classes=(), batches=(("a",),), tasks=tasks)
    found = Finder(tables).find(play).edges
    return {task_id: {(before.task_id, before.kind.value) for before in befores} for task_id, befores in found.items()}


def test_a_plan_takes_what_the_user_says_of_a_module() -> None:
    tasks = (task(1, "acme.tools.x", path="/a"), task(2, "stat", path="/a"), task(3, "stat", path="/b"))
    mine = Tables({"acme.tools.x": {"scope": "host", "edits": ["file:<path>"], "reads": []}})
    assert edges(OURS, *tasks) == {"t1": set(), "t2": {("t1", "opaque")}, "t3": {("t1", "opaque")}}
    assert edges(mine, *tasks) == {"t1": set(), "t2": {("t1", "file")}, "t3": set()}


@pytest.mark.parametrize(("tables", "risk"), [(OURS, RiskLevel.CRITICAL), (Tables({"acme.tools.x": {"scope": "host", "writes": ["x:y"]}}), RiskLevel.MEDIUM)])
def test_what_the_user_declares_is_less_of_a_risk_than_what_nobody_knows(tables: Tables, risk: RiskLevel) -> None:
    one = task(1, "acme.tools.x")
    assert risk_of(one, effects_of(one.node, tables), tables) is risk
