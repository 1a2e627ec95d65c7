"""A user's table of effects: what is taken, and a refusal that names line, place, what was expected and the next step."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import SettingsError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Effects, Scope, TaskNode
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import effects_of, is_known
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import Tables
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.effects_file import parse_effects_file, read_effects_file
from hypothesis import given
from hypothesis import strategies as st

PAGE = (Path(__file__).parents[5] / "docs" / "ordering.md").read_text()


def parsed(text: str) -> dict[str, Any]:
    return parse_effects_file(text, path="e.yml", known=is_known)


def refusal(text: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        parsed(text)
    return caught.value


def test_entries_come_back_as_they_are_written_with_short_names_for_builtins() -> None:
    text = "ansible.builtin.copy: {scope: world}\nacme.tools.x:\n  scope: host\n  edits: [file:<path>]\nmine: {like: community.general.xml}\n"
    assert parsed(text) == {
        "copy": {"scope": "world"},
        "acme.tools.x": {"scope": "host", "edits": ["file:<path>"]},
        "mine": {"like": "community.general.xml"},
    }


@pytest.mark.parametrize("text", ["", "---\n", "# nothing yet\n", "--- null\n"])
def test_an_empty_file_declares_nothing(text: str) -> None:
    assert parsed(text) == {}


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"effects_file .*/none\.yml: expected a readable text file, found .*No such file"):
        read_effects_file(str(tmp_path / "none.yml"), known=is_known)


def test_a_refusal_names_file_line_place_and_the_nearest_right_word() -> None:
    error = refusal("copy: {scope: none}\nacme.tools.x:\n  edits: [file:/x]\n  scope: hosts\n")
    assert str(error) == "e.yml:4: acme.tools.x.scope: expected none, host or world, found 'hosts'\nhint: did you mean host?"


@pytest.mark.parametrize(
    ("text", "where", "expected", "hint"),
    [
        ("a: [", "e.yml:2", "YAML", ""),
        ("a: !!python/object:os.system {}", "e.yml:1", "YAML", ""),
        ("a: !!int x", "e.yml", "YAML", ""),
        ("a: {scope: none, writes: [2024-13-45]}", "e.yml", "YAML", ""),
        ("a: {scope: none}\n--- \nb: {scope: none}", "e.yml:2", "YAML", ""),
        ("- copy", "e.yml:1", "modules, each with what it touches", "copy: {scope: host"),
        ("3: {scope: none}", "e.yml:1: 3", "the name of a module", ""),
        ("a.b: {scope: none}", "e.yml:1: a.b", "the name of a module", ""),
        ("copy: {scope: none}\ncopy: {scope: host}", "e.yml:2: copy", "each key once", "merge the two"),
        ("copy: {scope: none, scope: host}", "e.yml:1: copy.scope", "each key once", "merge the two"),
        ("copy: {scope: none}\nansible.builtin.copy: {scope: none}", "e.yml:2: ansible.builtin.copy", "each module once", "the same module"),
        ("copy: host", "e.yml:1: copy", "a mapping with scope, or with like", "{scope: host"),
        ("copy:", "e.yml:1: copy", "a mapping with scope, or with like", "{scope: host"),
        ("copy: {writes: []}", "e.yml:1: copy.scope", "none, host or world", ""),
        ("copy: {scope: host, write: []}", "e.yml:1: copy.write", "one of scope, host_if, writes", "did you mean writes?"),
        ("copy: {scope: host, writes: file:<dest>}", "e.yml:1: copy.writes", "a list of resources", "write [file:<dest>]"),
        ("copy: {scope: host, writes: [/etc/x]}", "e.yml:1: copy.writes[0]", "a resource like", "write file:/etc/x for a path"),
        ("copy: {scope: host, writes: [file: x]}", "e.yml:1: copy.writes[0]", "a resource like", "leave no blank behind the colon"),
        ("copy:\n  scope: host\n  writes:\n    - file:/x\n    - file:x", "e.yml:5: copy.writes[1]", "an absolute path after file:", ""),
        ("copy: {scope: host, reads: ['file:<a b>']}", "e.yml:1: copy.reads[0]", "names of arguments between < and >", ""),
        ("copy: {scope: host, reads: [world:dns]}", "e.yml:1: copy.reads[0]", "scope: world for what touches something beyond", ""),
        ("copy: {scope: none, writes: [file:/x]}", "e.yml:1: copy.writes[0]", "var: and controller: only, with scope: none", "scope: host"),
        ("copy: {like: stat, writes: []}", "e.yml:1: copy.writes", "like alone", "write the whole entry"),
        ("copy: {like: no_such}", "e.yml:1: copy.like", "a module of the tables that come with rustle.engine", ""),
        ("copy: {like: [stat]}", "e.yml:1: copy.like", "a module of the tables", ""),
        ("copy: {scope: host, exact: true}", "e.yml:1: copy.exact", "exact with scope: world only", ""),
        ("copy: {scope: world, host_if: {not_given: [a]}}", "e.yml:1: copy.host_if", "host_if with scope: host only", ""),
        ("copy: {scope: world, restarts_agent: 3}", "e.yml:1: copy.restarts_agent", "yes or no", ""),
        ("copy: {scope: host, rule: comand}", "e.yml:1: copy.rule", "one of command,", "did you mean command?"),
        ("copy: {scope: host, rule: [command]}", "e.yml:1: copy.rule", "one of command,", ""),
        ("copy: {scope: host, source: [src]}", "e.yml:1: copy.source", "the name of an argument", ""),
        ("copy: {scope: host, remote_src: true}", "e.yml:1: copy.remote_src", "source beside remote_src", ""),
        ("copy: {scope: host, host_if: []}", "e.yml:1: copy.host_if", "a condition", ""),
        ("copy: {scope: host, host_if: {}}", "e.yml:1: copy.host_if", "a mapping with not_given", ""),
        ("copy: {scope: host, host_if: {given: [a]}}", "e.yml:1: copy.host_if.given", "one of not_given", "did you mean not_given?"),
        ("copy: {scope: host, host_if: {not_given: a}}", "e.yml:1: copy.host_if.not_given", "a list of arguments", ""),
        ("copy: {scope: host, host_if: [{one_of: [a]}]}", "e.yml:1: copy.host_if[0].one_of", "arguments, each with values", ""),
        ("copy: {scope: host, host_if: {one_of: {a: b}}}", "e.yml:1: copy.host_if.one_of.a", "a list of values", "null stands for"),
        ("copy: {scope: host, host_if: {one_of: {a: [{}]}}}", "e.yml:1: copy.host_if.one_of.a", "a list of values", "null stands for"),
        ("copy: {scope: host, host_if: {one_of: {'a b': [c]}}}", "e.yml:1: copy.host_if.one_of.a b", "the name of an argument", ""),
        ("copy: {scope: host, host_if: {not_like: {a: 3}}}", "e.yml:1: copy.host_if.not_like.a", "a pattern like *://*", ""),
    ],
)
def test_what_cannot_be_followed_is_refused(text: str, where: str, expected: str, hint: str) -> None:
    error = refusal(text)
    assert error.where == where
    assert expected in error.expected
    assert hint in error.hint and bool(hint) == bool(error.hint)


def test_anchors_are_yaml_as_ever_and_a_circle_of_them_is_refused() -> None:
    assert parsed("a: &one {scope: none}\nb: *one\nc: {<<: *one, restarts_agent: true}")["c"] == {"scope": "none", "restarts_agent": True}
    refusal("a: &one {scope: host, writes: [*one]}")
    refusal("a: &one [*one]")


SCALARS = st.none() | st.booleans() | st.integers() | st.sampled_from(["host", "world", "file:<a>", "src", "command", "copy", "*", "a|b"])
WORDS = st.sampled_from(["scope", "host_if", "writes", "reads", "edits", "source", "remote_src", "exact", "rule", "like", "one_of", "not_given", "not_like"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | SCALARS, inner, max_size=3), max_leaves=6)


@given(st.dictionaries(st.sampled_from(["copy", "acme.tools.x"]), st.dictionaries(WORDS, VALUES, max_size=4)), st.dictionaries(WORDS, VALUES))
def test_whatever_is_not_refused_can_be_followed(data: dict[str, Any], args: dict[str, Any]) -> None:
    import yaml

    try:
        entries = parsed(yaml.safe_dump(data))
    except SettingsError:
        return
    for name in entries:
        assert isinstance(effects_of(TaskNode(action=name, args=args), Tables(entries)), Effects)


@given(st.text())
def test_any_text_gives_entries_or_a_refusal(text: str) -> None:
    try:
        parsed(text)
    except SettingsError as ex:
        assert ex.where.startswith("e.yml")


# --- the page


def test_the_example_of_the_page_does_what_its_comments_say() -> None:
    text = re.search(r"```yml\n(# effects\.yml\n.*?)```", PAGE, re.DOTALL).group(1)  # type: ignore[union-attr]
    mine = Tables(parsed(text))

    def of(action: str, **args: Any) -> Effects:
        return effects_of(TaskNode(action=action, args=args), mine)

    assert of("acme.tools.banner", dest="/etc/motd", owner="bob") == Effects(Scope.PRIVATE, ("file:/etc/motd",), ("file:/etc/motd", "user:bob"))
    assert of("acme.tools.banner").writes == ("file:*",)
    assert of("acme.tools.mirror", refresh="no", url="/cdrom").scope is Scope.PRIVATE
    for more in ({"proxy": "x"}, {"refresh": True}, {"url": "https://x"}, {"url": "{{ u }}"}):
        assert of("acme.tools.mirror", **more).scope is Scope.WORLDLY
    assert "service:haproxy" in of("acme.tools.route").writes and of("acme.tools.route").scope is Scope.WORLDLY
    assert of("push_config", src="/s", dest="/d") == of("copy", src="/s", dest="/d")
    assert of("package", name="x") != effects_of(TaskNode(action="package", args={"name": "x"}))


def test_the_refusal_on_the_page_is_the_one_that_is_given() -> None:
    shown = re.search(r"```text\n(effects\.yml:3: .*?)\n```", PAGE, re.DOTALL).group(1)  # type: ignore[union-attr]
    with pytest.raises(SettingsError) as caught:
        parse_effects_file("# effects.yml\nacme.tools.banner:\n  scope: hosts\n", path="effects.yml", known=is_known)
    assert str(caught.value) == shown


def test_the_page_explains_every_word() -> None:
    from ansible_collections.rustle.engine.plugins.plugin_utils._model.entry import CONDITIONS, KEYS, RULES, SCOPES

    section = PAGE.split("## Entries of your own", 1)[1].split("\n## ", 1)[0]
    words = set(re.findall(r"`(\w+)[:`]", section))
    assert {*KEYS, *CONDITIONS, *RULES, *SCOPES} <= words
