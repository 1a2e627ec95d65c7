"""The language of the effects tables: each word, and what stands for an argument that is missing, a list, or not literal."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.entry import Pattern, parse_pattern
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Effects, Scope
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.arguments import Arguments
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.entries import row_of
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.named_rules import NAMED_RULES

NONE, PRIVATE, WORLDLY = Scope.NONE, Scope.PRIVATE, Scope.WORLDLY
T = "{{ x }}"
HIDDEN = {"_variable_params": T}


def of(entry: dict[str, Any], args: dict[str, Any] | None = None) -> Effects:
    return row_of(entry, NAMED_RULES)(Arguments(args or {}))


def named(pattern: str, args: dict[str, Any] | None = None) -> tuple[str, ...]:
    return of({"scope": "none", "writes": [pattern]}, args).writes


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("*", Pattern("*")),
        ("file:/etc/x", Pattern("file", "/etc/x")),
        ("file:*", Pattern("file", "*")),
        ("apt-keys:*", Pattern("apt-keys", "*")),
        ("file:<dest>", Pattern("file", "", ("dest",))),
        ("package:<name|pkg|*>", Pattern("package", "", ("name", "pkg"), "*")),
        ("file:<fstab|=/etc/fstab>", Pattern("file", "", ("fstab",), "/etc/fstab")),
        ("file:/etc/cron.d/<cron_file>", Pattern("file", "/etc/cron.d/", ("cron_file",))),
        ("file:/a/<name>.conf", Pattern("file", "/a/", ("name",), None, ".conf")),
        ("network:<networks.name>", Pattern("network", "", ("networks.name",))),
        ("x:<update-cache>", Pattern("x", "", ("update-cache",))),
    ],
)
def test_a_pattern_is_read(text: str, pattern: Pattern) -> None:
    assert parse_pattern(text) == pattern


@pytest.mark.parametrize(
    "text", ["", "file", "file:", "/etc/x", "file:x", "File:/x", "file:<>", "file:<*>", "file:<a|>", "file:<*|a>", "file:<a b>", "file:<a><b>", "file:<a"]
)
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_pattern(text)


@pytest.mark.parametrize(
    ("pattern", "args", "names"),
    [
        ("package:<name>", {"name": "nginx"}, ("package:nginx",)),
        ("package:<name>", {"name": "nginx, curl"}, ("package:nginx", "package:curl")),
        ("package:<name>", {"name": ["nginx", "curl"]}, ("package:nginx", "package:curl")),
        ("package:<name>", {"name": T}, ("package:*",)),
        ("package:<name>", {"name": ["nginx", T]}, ("package:*",)),
        ("package:<name>", {}, ()),
        ("package:<name>", {"name": None}, ()),
        ("package:<name>", HIDDEN, ("package:*",)),
        ("package:<name|*>", {}, ("package:*",)),
        ("package:<name|*>", {"name": []}, ("package:*",)),
        ("user:<user|=root>", {}, ("user:root",)),
        ("user:<user|=root>", {"user": "bob"}, ("user:bob",)),
        ("package:<name|pkg>", {"pkg": "b"}, ("package:b",)),
        ("package:<name|pkg>", {"pkg": "b", "name": "a"}, ("package:a",)),
        ("file:<path>", {"path": "/a/../b"}, ("file:*",)),
        ("file:<path>", {"path": "rel"}, ("file:*",)),
        ("file:<path>", {"path": ["/a", "/b/"]}, ("file:/a", "file:/b")),
        ("file:<fstab|=/etc/fstab>", {}, ("file:/etc/fstab",)),
        ("file:/etc/cron.d/<cron_file>", {"cron_file": "x"}, ("file:/etc/cron.d/x",)),
        ("file:/etc/cron.d/<cron_file>", {"cron_file": "/etc/crontab"}, ("file:/etc/crontab",)),
        ("file:/etc/cron.d/<cron_file>", {"cron_file": "../x"}, ("file:*",)),
        ("file:/etc/cron.d/<cron_file>", {"cron_file": T}, ("file:*",)),
        ("file:/etc/cron.d/<cron_file>", {}, ()),
        ("file:/etc/cron.d/<cron_file>", HIDDEN, ("file:*",)),
        ("file:/a/<name>.conf", {"name": ["x", "y"]}, ("file:/a/x.conf", "file:/a/y.conf")),
        ("unit:<name>.service", {"name": "x"}, ("unit:x.service",)),
        ("net:<networks.name>", {"networks": [{"name": "a"}, {"name": "b"}, {"other": 1}]}, ("net:a", "net:b")),
        ("net:<networks.name>", {"networks": {"name": "a"}}, ("net:a",)),
        ("net:<networks.name>", {"networks": ["a"]}, ("net:a",)),
        ("net:<networks.name>", {"networks": [{"name": T}]}, ("net:*",)),
        ("net:<networks.name>", {"networks": T}, ("net:*",)),
        ("net:<networks.name>", {"networks": [{"name": {}}]}, ("net:*",)),
        ("net:<networks.name>", {"networks": []}, ()),
        ("net:<networks.name|*>", {}, ("net:*",)),
        ("net:<networks.name>", HIDDEN, ("net:*",)),
        ("file:<build.path>", {"build": {"path": "/src"}}, ("file:/src",)),
    ],
)
def test_a_pattern_names(pattern: str, args: dict[str, Any], names: tuple[str, ...]) -> None:
    assert named(pattern, args) == names


def test_a_private_entry_without_reads_reads_anything_and_one_with_reads_only_those() -> None:
    assert of({"scope": "host", "writes": ["file:/x"]}) == Effects(PRIVATE, writes=("file:/x",), reads=("*",))
    assert of({"scope": "host", "edits": ["file:/x"]}).reads == ("file:/x", "*")
    assert of({"scope": "host", "edits": ["file:/x"], "reads": ["user:bob"]}) == Effects(PRIVATE, ("file:/x",), ("file:/x", "user:bob"))


def test_a_worldly_entry_touches_anything_beside_what_it_names_unless_it_is_exact() -> None:
    assert of({"scope": "world", "writes": ["x:y"]}) == Effects(WORLDLY, writes=("x:y", "*"), reads=("*",))
    assert of({"scope": "world", "writes": ["x:y"], "exact": True}) == Effects(WORLDLY, writes=("x:y",))


def test_an_entry_of_no_scope_touches_what_it_names() -> None:
    assert of({"scope": "none"}) == Effects(NONE)


def test_resources_of_the_controller_are_flagged() -> None:
    effects = of({"scope": "none", "reads": ["controller:<a>"], "writes": ["controller:<b>"]}, {"a": "/x"})
    assert effects.controller_reads and not effects.controller_writes
    assert of({"scope": "world", "exact": True, "writes": ["controller:<b|*>"]}).controller_writes


def test_an_entry_may_say_that_logins_are_different_afterwards() -> None:
    assert of({"scope": "world", "restarts_agent": True}).restarts_agent and not of({"scope": "world"}).restarts_agent


@pytest.mark.parametrize(
    ("default", "given", "read", "flag"),
    [
        (False, {}, ("controller:/s",), True),
        (False, {"remote_src": "yes"}, ("file:/s",), False),
        (False, {"remote_src": T}, ("controller:/s", "file:/s"), True),
        (True, {}, ("file:/s",), False),
        (True, {"remote_src": False}, ("controller:/s",), True),
    ],
)
def test_a_source_is_on_the_controller_or_with_remote_src_on_the_host(default: bool, given: dict[str, Any], read: tuple[str, ...], flag: bool) -> None:
    effects = of({"scope": "host", "reads": [], "source": "src", "remote_src": default}, {"src": "/s", **given})
    assert effects.reads == read and effects.controller_reads is flag
    assert not of({"scope": "host", "reads": [], "source": "src"}).controller_reads


@pytest.mark.parametrize(
    ("conditions", "args", "scope"),
    [
        ({"not_given": ["url", "a|b"]}, {}, PRIVATE),
        ({"not_given": ["url", "a|b"]}, {"b": 1}, WORLDLY),
        ({"not_given": ["url"]}, {"url": None}, PRIVATE),
        ({"not_given": ["url"]}, HIDDEN, WORLDLY),
        ({"one_of": {"p": ["x", "y"]}}, {"p": "y"}, PRIVATE),
        ({"one_of": {"p": ["x", "y"]}}, {"p": "z"}, WORLDLY),
        ({"one_of": {"p": ["x", "y"]}}, {"p": T}, WORLDLY),
        ({"one_of": {"p": ["x", "y"]}}, {}, WORLDLY),
        ({"one_of": {"p": [None, "y"]}}, {}, PRIVATE),
        ({"one_of": {"p": [None, "y"]}}, HIDDEN, WORLDLY),
        ({"one_of": {"p|q": [False]}}, {"q": "no"}, PRIVATE),
        ({"one_of": {"p": [False]}}, {"p": 0}, PRIVATE),
        ({"one_of": {"p": [False]}}, {"p": "yes"}, WORLDLY),
        ({"one_of": {"p": [False]}}, {"p": "maybe"}, WORLDLY),
        ({"one_of": {"p": [False]}}, {}, WORLDLY),
        ({"one_of": {"p": [False]}}, {"p": T}, WORLDLY),
        ({"one_of": {"p": [3]}}, {"p": "3"}, PRIVATE),
        ({"not_like": {"src": "*://*"}}, {"src": "/x"}, PRIVATE),
        ({"not_like": {"src": "*://*"}}, {"src": "http://x"}, WORLDLY),
        ({"not_like": {"src": "*://*"}}, {"src": T}, WORLDLY),
        ({"not_like": {"src": "*://*"}}, {}, PRIVATE),
        ({"not_like": {"src": "*://*"}}, HIDDEN, WORLDLY),
        ({"not_like": {"src": ["a*", "b*"]}}, {"src": "bc"}, WORLDLY),
        ({"not_given": ["a"], "one_of": {"b": [True]}}, {"b": True}, PRIVATE),
        ({"not_given": ["a"], "one_of": {"b": [True]}}, {"b": True, "a": 1}, WORLDLY),
        ([{"not_given": ["a"]}, {"not_given": ["b"]}], {"a": 1}, PRIVATE),
        ([{"not_given": ["a"]}, {"not_given": ["b"]}], {"a": 1, "b": 1}, WORLDLY),
    ],
)
def test_a_task_is_private_only_if_the_conditions_are_certain(conditions: Any, args: dict[str, Any], scope: Scope) -> None:
    assert of({"scope": "host", "host_if": conditions, "writes": ["x:y"]}, args).scope is scope


def test_a_task_that_is_not_certainly_private_touches_anything_and_keeps_its_names() -> None:
    effects = of({"scope": "host", "host_if": {"not_given": ["url"]}, "writes": ["x:y"], "reads": ["a:b"]}, {"url": "x"})
    assert effects == Effects(WORLDLY, writes=("x:y", "*"), reads=("a:b", "*"))


def test_a_rule_has_the_last_word() -> None:
    entry = {"scope": "world", "reads": ["file:<chdir>"], "rule": "command"}
    assert of(entry, {"_raw_params": "id", "chdir": "/x"}) == Effects(PRIVATE, reads=("*",))
    assert of(entry, {"_raw_params": "rm /y", "chdir": "/x"}) == Effects(WORLDLY, writes=("*",), reads=("file:/x", "*"))
