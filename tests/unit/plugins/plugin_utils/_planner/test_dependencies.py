# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which task comes after which, and what the plan says of it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import CircularDependency, UnknownTask
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import PlaySource, SourceTask
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.dependencies import Finder
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.facts import is_fact
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.graph import TaskGraph
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.resources import conflicts
from hypothesis import given
from hypothesis import strategies as st

from .builders import edges, flush, found, graph, play, plays_at_random, task, touching


def between(one: SourceTask, other: SourceTask, **given: Any) -> list[tuple[str, str]]:
    """(kind, evidence) of what the second has to the first."""
    return [(kind, reason) for before, kind, reason in edges(one, other, **given)[other.task_id] if before == one.task_id]


COPY = {"content": "x", "dest": "/etc/nginx/nginx.conf"}


@pytest.mark.parametrize(
    ("one", "other", "kind", "evidence"),
    [
        (task("1", "stat", {"path": "/a"}, sets=("r",)), task("2", reads=("r",)), "variable", "r is set there and read here"),
        (task("1", "stat", {"path": "/a"}, sets=("r",)), task("2", reads={"r": "conf_path -> base_dir"}), "variable",
         "r is set there and read here (through conf_path -> base_dir)"),
        (task("1", "stat", {"path": "/a"}, sets=("r",)), task("2", "stat", {"path": "/b"}, sets=("r",)), "variable", "r is set there and set here"),
        (task("1", reads=("r",)), task("2", "stat", {"path": "/b"}, sets=("r",)), "variable", "r is read there and set here"),
        (task("1", "set_fact", {"port": 1}), task("2", reads=("port",)), "variable", "port is set there and read here"),
        (task("1", "set_fact", {"port": 1}), task("2", reads_any=True), "variable", "port is set there, any variable may be read here"),
        (task("1", "include_vars", {"file": "x"}, sets_any=True), task("2", reads=("y",)), "variable", "any variable may be set there, y is read here"),
        (task("1", "setup", sets_facts=True), task("2", reads=("ansible_distribution",)), "facts", "facts are gathered there and read here"),
        (task("1", "set_fact", {"a": 1, "cacheable": True}), task("2", reads=("ansible_facts",)), "facts", "facts are gathered there and read here"),
        (task("1", "acme.x.y"), task("2", reads=("ansible_facts",)), "facts", "facts are gathered there and read here"),
        (task("1", "package_facts", sets_facts=True), task("2", reads=("packages",)), "variable", "packages is set there and read here"),
        (task("1", "acme.x.some_facts", sets_facts=True), task("2", reads=("x",)), "variable",
         "any variable may be set there, x is read here"),
        (task("1", "getent", {"database": "passwd"}, sets_facts=True), task("2", reads=("getent_passwd",)), "variable",
         "getent_passwd is set there and read here"),
        (task("1", "group_by", {"key": "x"}), task("2", reads=("port",)), "variable", "any variable may be set there, port is read here"),
        (touching("1", ["file:/a/b"]), touching("2", [], ["file:/a/b"]), "file", "file:/a/b is written there and read here"),
        (touching("1", ["file:/a"]), touching("2", [], ["file:/a/b"]), "file", "file:/a is written there and file:/a/b read here"),
        (touching("1", ["file:/a/b"]), touching("2", ["file:/a"]), "file", "file:/a/b is written there and file:/a written here"),
        (touching("1", ["file:/a"]), touching("2", [], ["file:*"]), "file", "file:/a is written there and file:* read here"),
        (touching("1", ["file:*"]), touching("2", [], ["file:/a"]), "file", "file:* is written there and file:/a read here"),
        (touching("1", ["file:/a"]), touching("2", [], ["*"]), "opaque", "file:/a may be written there, anything on the host may be read here"),
        (touching("1", ["*"]), touching("2", [], ["file:/a"]), "opaque", "anything on the host may be written there, file:/a is read here"),
        (task("1", "file", {"path": "/srv/x/y", "state": "directory"}), task("2", "copy", {"content": "a", "dest": "/srv/x/z"}), "file",
         "folder:/srv/x may be made there and is needed here"),
        (touching("1", ["controller:/a"]), touching("2", [], ["controller:/a"]), "file", "controller:/a is written there and read here"),
        (touching("1", ["service:x"]), touching("2", ["service:x"]), "service", "service:x is written there and written here"),
        (touching("1", ["sysctl:x"]), touching("2", ["sysctl:*"]), "resource", "sysctl:x is written there and sysctl:* written here"),
        (task("1", "package", {"name": "nginx"}), task("2", "service", {"name": "nginx"}), "package", "package:nginx is written there and read here"),
        (task("1", "copy", COPY), task("2", "service", {"name": "nginx"}), "file",
         "file:/etc/nginx/nginx.conf is written there and file:/etc/nginx read here"),
        (task("1", "user", {"name": "app", "home": "/x"}), task("2", "file", {"path": "/s", "owner": "app"}), "account",
         "user:app is written there and read here"),
        (task("1", "group", {"name": "web"}), task("2", "file", {"path": "/s", "group": "web"}), "account", "group:web is written there and read here"),
        (task("1", "user", {"name": "app", "home": "/x"}), touching("2", become="sudo:app"), "account", "user:app is written there and read here"),
        (task("1", "deb822_repository", {"name": "r"}), task("2", "apt", {"name": "x"}), "repository",
         "repository:r is written there and repository:* read here"),
        (task("1", "ansible.posix.mount", {"path": "/data", "src": "/dev/x"}), touching("2", ["file:/data/x"]), "file",
         "file:/data is written there and file:/data/x written here"),
        (task("1", "ansible.posix.mount", {"path": "/data", "src": "/dev/x"}), touching("2", [], ["mount:/data"]), "mount",
         "mount:/data is written there and read here"),
        (task("1", "assert", {"that": "x"}), task("2"), "control", "it decides whether, or what, the host does next"),
        (task("1"), task("2", "pause"), "control", "pause waits for all that comes before it"),
        (task("1", "include_tasks", {"file": "x"}), task("2"), "control", "it decides whether, or what, the host does next"),
    ],
)  # fmt: skip
def test_each_kind_of_dependency_has_its_evidence(one: SourceTask, other: SourceTask, kind: str, evidence: str) -> None:
    assert (kind, evidence) in between(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (task("1", "stat", {"path": "/a"}, sets=("r",)), task("2", reads=("q",))),
        (touching("1", ["file:/a/b"]), touching("2", ["file:/a/c"])),
        (touching("1", [], ["file:/a"]), touching("2", [], ["file:/a"])),
        (touching("1", ["*"]), task("2", reads=("r",))),
        (touching("1", ["*"]), touching("2", [], ["controller:/a"])),
        (touching("1", ["package:a"]), touching("2", ["package:b"])),
        (task("1", "command", {"_raw_params": "id"}), task("2", "command", {"_raw_params": "df"})),
        (task("1", "user", {"name": "app", "home": "/x"}), touching("2", ["file:/y"], become="sudo:other")),
        (task("1"), task("2", "assert", {"that": "x"})),
        (task("1", "assert", when_constant_false=True), task("2")),
        (task("1"), task("2", "meta", {"_raw_params": "noop"})),
        (task("1"), task("2", "meta", {"_raw_params": "end_host"})),
        (task("1", "setup", sets_facts=True), task("2", reads=("ansible_check_mode",))),
    ],
)
def test_what_does_not_meet_has_no_edge(one: SourceTask, other: SourceTask) -> None:
    assert between(one, other) == []


def test_facts_are_known_by_their_names() -> None:
    assert [name for name in ("ansible_distribution", "facter_x", "ansible_host", "my_ansible_x", "ansible_local") if is_fact(name)] == [
        "ansible_distribution", "facter_x", "ansible_local"]  # fmt: skip


# --- plays


def test_a_variable_is_remembered_over_plays_and_the_rest_is_settled_between_them() -> None:
    finder = Finder()
    finder.find(play(touching("1", ["file:/a"], sets=("r",)), touching("2", ["file:/b"])))
    later = finder.find(play(touching("3", ["file:/a"]), touching("4", ["file:/b"], reads=("r",)), play_id="play-1")).edges
    assert [(one.task_id, one.kind.value, one.reason) for one in later["3"]] == [
        ("2", "play", "the play before ends for all hosts before this one begins")]  # fmt: skip
    assert [(one.task_id, one.reason) for one in later["4"]] == [("1", "r is set there and read here (an earlier play)")]


def test_the_first_play_comes_after_nothing_and_an_empty_play_hides_none() -> None:
    finder = Finder()
    assert finder.find(play(task("1"))).edges["1"] == ()
    finder.find(play(play_id="play-1"))
    assert [one.task_id for one in finder.find(play(task("2"), play_id="play-2")).edges["2"]] == ["1"]


def test_on_the_controller_its_files_and_the_hosts_are_the_same() -> None:
    from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import HostClass

    one, other = task("1", "file", {"path": "/srv/a"}), task("2", "copy", {"src": "/srv/a", "dest": "/etc/a"})
    assert between(one, other) == []
    assert between(one, other, classes=(HostClass(class_id="c", hosts=("h0",), connection="local", local=True),)) != []


def test_what_is_delegated_may_be_the_controllers() -> None:
    one, other = task("1", "file", {"path": "/srv/a"}, delegate_to="localhost"), task("2", "copy", {"src": "/srv/a", "dest": "/etc/a"})
    assert [kind for kind, _reason in between(one, other)] == ["file"]


# --- handlers


def handler(task_id: str = "h", **given: Any) -> SourceTask:
    return touching(task_id, ["file:/handled"], name=given.pop("name", "restart"), **given)


def test_a_handler_comes_after_those_that_notify_it_and_the_flush_too() -> None:
    before = edges(touching("1", notify=("restart",)), touching("2"), flush(), handlers=(handler(),))
    assert before["h"] == [("1", "notify", "it notifies the handler")]
    assert before["flush"] == [("1", "flush", "it may notify 'restart', which runs here")]
    assert before["2"] == []


@pytest.mark.parametrize("topic", ["restart", "web : restart", "listened", "{{ any }}"])
def test_a_handler_is_found_by_its_name_with_and_without_its_role_by_its_topics_and_by_a_template(topic: str) -> None:
    one = found(touching("1", notify=(topic,)), flush(), handlers=(handler(name="web : restart", listen=("listened",)),))
    assert one.notified_by == {"h": ("1",)}
    assert one.flushes == {"flush"}


def test_what_an_include_brings_may_notify_any_handler() -> None:
    found = edges(task("i", "include_tasks"), touching("1"), flush(), handlers=(handler(),))
    assert ("i", "notify", "what it includes may notify the handler") in found["h"] and "i" in [before for before, _kind, _why in found["flush"]]
    assert edges(task("i", "include_tasks", opened=True), flush(), handlers=(handler(),))["h"] == []


def test_a_flush_that_nobody_has_notified_runs_nothing() -> None:
    one = found(touching("1", notify=("other",)), flush(), touching("2", [], ["file:/handled"]), handlers=(handler(),))
    assert one.flushes == frozenset()
    assert one.edges["flush"] == one.edges["2"] == ()


def test_a_task_behind_a_handler_comes_after_those_before_its_flush() -> None:
    tasks = (touching("1", notify=("restart",)), flush(), touching("2", [], ["file:/handled"]), touching("3"))
    assert [(before, kind) for before, kind, _reason in edges(*tasks, handlers=(handler(),))["2"]] == [("h", "file")]
    way = graph(*tasks, handlers=(handler(),))
    assert not way.independent("1", "2")
    assert way.independent("1", "3")


@pytest.mark.parametrize("where", ["site.yml:3", ""])
def test_what_a_handler_needs_comes_before_what_needs_the_handler_whoever_wrote_the_flush(where: str) -> None:
    tasks = (touching("0", ["file:/needed"]), touching("1", notify=("restart",)), flush(where=where), touching("2", [], ["file:/handled"]))
    one = touching("h", ["file:/handled"], ["file:/needed"], name="restart")
    assert not graph(*tasks, handlers=(one,)).independent("0", "2")


def test_a_handler_that_runs_twice_makes_no_circle() -> None:
    tasks = (touching("1", notify=("restart",)), flush("f1"), touching("2", [], ["file:/handled"], notify=("restart",)), flush("f2"), touching("3"),
             touching("4", [], ["file:/handled"]))  # fmt: skip
    way = graph(*tasks, handlers=(handler(),))
    assert [len(layer) for layer in way.generations()] == [2, 1, 1, 1, 1]
    assert not way.independent("1", "4")


def test_a_handler_that_is_notified_by_a_handler_before_it_runs_at_the_next_flush() -> None:
    first, second = touching("h1", name="first"), touching("h2", name="second", notify=("first",))
    one = found(touching("1", notify=("second",)), flush("f1"), flush("f2"), handlers=(first, second))
    assert one.flushes == {"f1", "f2"}
    assert one.notified_by["h1"] == ("h2",)
    assert ("f1", "f2") in one.order


# --- blocks


def test_rescue_comes_after_its_block_and_always_after_both() -> None:
    def inside(task_id: str, *sections: Any) -> SourceTask:
        return touching(task_id, blocks=tuple((f"b{number}", section) for number, section in enumerate(sections)))

    before = edges(inside("1", "block"), inside("2", "block", "block"), inside("3", "block", "rescue"), inside("4", "rescue"), inside("5", "always"))
    assert {key: [(other, reason) for other, _kind, reason in value] for key, value in before.items()} == {
        "1": [], "2": [], "3": [("2", "rescue comes after block")], "4": [("1", "rescue comes after block"), ("2", "rescue comes after block"),
        ("3", "rescue comes after block")], "5": [(name, f"always comes after {section}") for name, section in
        (("1", "block"), ("2", "block"), ("3", "block"), ("4", "rescue"))]}  # fmt: skip


def test_the_edges_of_a_large_block_are_as_many_as_its_tasks() -> None:
    tasks = [touching(f"b{n}", blocks=(("b", "block"),)) for n in range(100)] + [touching(f"a{n}", blocks=(("b", "always"),)) for n in range(100)]
    one = found(*tasks, limit=10)
    assert sum(map(len, one.edges.values())) == 100 + 99
    assert all(not graph(*tasks, limit=10).independent("b7", f"a{n}") for n in (0, 1, 99))


# --- what decides


def test_all_tasks_behind_a_fence_come_after_all_before_it_by_a_few_edges() -> None:
    tasks = [*(touching(f"a{n}") for n in range(20)), task("fence", "meta", {"_raw_params": "refresh_inventory"}), *(touching(f"b{n}") for n in range(20))]
    one = found(*tasks)
    assert sum(map(len, one.edges.values())) == 40
    assert not graph(*tasks).independent("a3", "b4")
    assert graph(*tasks).independent("a3", "a4")


def test_an_include_that_is_opened_is_no_fence_but_comes_before_what_it_brings() -> None:
    found = edges(touching("1", ["file:/a"]), task("i", "include_tasks", opened=True), touching("b", ["file:/b"], included_by="i"), touching("2", ["file:/c"]))
    assert found == {"1": [], "i": [], "b": [("i", "control", "it brings this task")], "2": []}


def test_a_handler_that_includes_touches_anything() -> None:
    include = handler(opaque=Reason.INCLUDE_HANDLER)
    found = edges(task("1", notify=("restart",)), flush(), touching("2", (), ["file:/a"]), handlers=(include,))
    assert [(before, kind) for before, kind, _evidence in found["2"]] == [("h", "opaque")]


def test_a_fence_behind_a_flush_that_nobody_wrote_names_none_that_is_not_in_the_plan() -> None:
    tasks = (touching("1", notify=("restart",)), flush(where=""), task("fence", "meta", {"_raw_params": "clear_facts"}))
    one = found(*tasks, handlers=(handler(),))
    assert [edge.task_id for edge in one.edges["fence"]] == ["1"]
    assert ("flush", "fence") in one.order


# --- rustle_after


def test_what_a_user_declares_is_an_edge() -> None:
    assert between(touching("1", name="build"), touching("2", after=("build",))) == [("explicit", "rustle_after says so")]
    assert between(touching("1", name="build"), touching("2", after=("1",))) == [("explicit", "rustle_after says so")]


def test_a_name_of_several_tasks_means_all_of_them() -> None:
    before = edges(touching("1", name="x"), touching("2", name="x"), touching("3", after=("x",)))
    assert [other for other, _kind, _reason in before["3"]] == ["1", "2"]


def test_a_task_that_is_not_there_is_named_with_the_one_that_may_be_meant() -> None:
    with pytest.raises(UnknownTask) as caught:
        edges(touching("1", name="build it"), touching("2", name="use it", after=("build its",)))
    assert str(caught.value) == "rustle_after of 'use it' (site.yml:1): there is no task 'build its'\nhint: did you mean 'build it'?"
    with pytest.raises(UnknownTask, match="write the name of a task of this play"):
        edges(touching("1", after=("zzzzzz",)))


def test_a_circle_is_told_with_its_evidence() -> None:
    with pytest.raises(CircularDependency) as caught:
        edges(touching("1", name="one", after=("two",)), touching("2", name="two"))
    assert caught.value.cycle == ("one", "two")
    assert "'one' comes after 'two': rustle_after says so" in str(caught.value)
    assert "'two' comes after 'one': the playbook has them in this order" in str(caught.value)
    with pytest.raises(CircularDependency, match="'one' -> 'one'"):
        edges(touching("1", name="one", after=("one",)))


def test_a_flush_that_nobody_wrote_has_no_name() -> None:
    with pytest.raises(UnknownTask):
        edges(touching("1"), flush(where="", name="flush_handlers"), touching("2", after=("flush_handlers",)))


# --- junctions


def test_a_junction_says_what_it_is() -> None:
    tasks = [*(touching(f"r{n}", [], ["*"]) for n in range(3)), touching("w", ["file:/w"]), touching("x", ["file:/x"])]
    before = edges(*tasks, limit=2)
    why = "more than 2 tasks touch anything on the host: the task there comes after all of them before it, and all later ones come after it"
    assert before["x"] == [("w", "opaque", why)]
    assert len(before["w"]) == 3


def test_a_cut_says_nothing_of_order() -> None:
    assert between(touching("1", ends=Reason.TIMEOUT), touching("2", cut=Reason.CLOCK)) == []


# --- all at once


def runs(source: PlaySource) -> list[tuple[str, str]]:
    """(task or handler, task or flush that it runs in), in linear's order, each handler wherever it may run."""
    found: list[tuple[str, str]] = []
    pending: set[str] = set()

    def notify(one: SourceTask) -> None:
        pending.update(handler.task_id for handler in source.handlers if handler.name in one.notify or "{{ x }}" in one.notify)

    for one in source.tasks:
        if not one.flush:
            found.append((one.task_id, one.task_id))
            notify(one)
            continue
        for handler in source.handlers:
            if handler.task_id in pending:
                pending.remove(handler.task_id)
                found.append((handler.task_id, one.task_id))
                notify(handler)
    return found


@given(plays_at_random(), st.sampled_from([0, 2, 50]))
def test_every_two_tasks_that_touch_one_thing_have_a_way_between_them_in_every_play(source: PlaySource, limit: int) -> None:
    one = Finder(limit=limit).find(source)
    way = TaskGraph([task.task_id for task in source.tasks], one.order)
    for (first, first_node), (second, second_node) in itertools.combinations(runs(source), 2):
        (writes, reads), (more_writes, more_reads) = one.touched[first], one.touched[second]
        if first_node != second_node and (conflicts(writes, (*more_writes, *more_reads)) or conflicts(more_writes, reads)):
            assert way.comes_after(second_node, first_node), f"{first} {writes} {reads}, {second} {more_writes} {more_reads}"


@given(plays_at_random())
def test_every_edge_leads_back_in_linears_order(source: PlaySource) -> None:
    order = {task.task_id: number for number, task in enumerate(source.tasks)}
    assert all(order[before] < order[after] for before, after in Finder().find(source).order)
