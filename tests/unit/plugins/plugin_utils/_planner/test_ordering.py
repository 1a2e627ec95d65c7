"""Where hosts wait for each other, by DESIGN section 3 and docs/ordering.md."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Effects, Scope, TaskNode
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import effects_of
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.ordering import Mode, barrier_for, order_matters
from hypothesis import given
from hypothesis import strategies as st

ALWAYS: list[tuple[dict[str, Any], bool, Reason]] = [
    ({"run_once": True}, False, Reason.RUN_ONCE),
    ({"delegate_to": "db"}, False, Reason.DELEGATED),
    ({"delegate_to": "localhost"}, False, Reason.DELEGATED),
    ({"delegate_to": "{{ x }}"}, False, Reason.DELEGATED),
    ({"throttle": 1}, False, Reason.THROTTLED),
    ({"any_errors_fatal": True}, False, Reason.ANY_ERRORS_FATAL),
    ({}, True, Reason.MAX_FAIL_PERCENTAGE),
    ({"reads_other_hosts": True}, False, Reason.OTHER_HOSTS),
    ({"action": "add_host"}, False, Reason.ADD_HOST),
    ({"action": "ansible.builtin.group_by"}, False, Reason.GROUP_BY),
    ({"action": "pause"}, False, Reason.PAUSE),
    ({"action": "meta", "args": {"_raw_params": "flush_handlers"}}, False, Reason.FLUSH_HANDLERS),
    ({"action": "meta", "args": {"_raw_params": "end_play"}}, False, Reason.META_TASK),
    ({"action": "meta", "args": {"_raw_params": "end_host"}}, False, Reason.META_TASK),
    ({"action": "meta", "args": {"_raw_params": "clear_facts"}}, False, Reason.META_TASK),
    ({"action": "meta", "args": {"_raw_params": "refresh_inventory"}}, False, Reason.META_TASK),
    ({"action": "meta", "args": {"_raw_params": "reset_connection"}}, False, Reason.META_TASK),
    ({"action": "meta", "args": {"_raw_params": "{{ x }}"}}, False, Reason.META_TASK),
]
FREE = [
    {"action": "meta", "args": {"_raw_params": "noop"}},
    {"action": "meta", "args": {"_raw_params": "role_complete"}},
    {"action": "ansible.builtin.meta", "args": {"_raw_params": "flush_handlers"}, "idle_flush": True},
]

NODES = st.builds(
    TaskNode,
    action=st.sampled_from(["debug", "copy", "shell", "stat", "fetch", "add_host", "pause", "meta", "my.own.thing"]),
    args=st.sampled_from([{}, {"dest": "/x"}, {"_raw_params": "noop"}, {"_raw_params": "flush_handlers"}, {"_raw_params": "end_play"}]),
    run_once=st.booleans(),
    delegate_to=st.sampled_from([None, "db"]),
    throttle=st.integers(0, 2),
    any_errors_fatal=st.booleans(),
    rescope=st.sampled_from([None, Scope.PRIVATE, Scope.WORLDLY]),
    when_constant_false=st.booleans(),
    on_controller=st.booleans(),
    idle_flush=st.booleans(),
    reads_other_hosts=st.booleans(),
)
PLACES = st.fixed_dictionaries(
    {"hosts": st.integers(2, 5), "forks": st.integers(1, 9), "same_machine": st.booleans(), "play_max_fail": st.booleans()}
)


def barrier(
    node: TaskNode | None = None,
    *,
    mode: Mode = "causal",
    hosts: int = 2,
    forks: int = 5,
    same_machine: bool = False,
    play_max_fail: bool = False,
    **keywords: Any,
) -> Reason | None:
    node = node or TaskNode(**{"action": "debug", **keywords})
    return barrier_for(node, effects_of(node), mode=mode, hosts=hosts, forks=forks, same_machine=same_machine, play_max_fail=play_max_fail)


@pytest.mark.parametrize("mode", ["causal", "linear", "host"])
@pytest.mark.parametrize(("keywords", "play_max_fail", "reason"), ALWAYS)
def test_these_stop_all_hosts_in_every_mode(keywords: dict[str, Any], play_max_fail: bool, reason: Reason, mode: Mode) -> None:
    assert barrier(mode=mode, play_max_fail=play_max_fail, **keywords) is reason


@pytest.mark.parametrize("mode", ["causal", "linear", "host"])
@pytest.mark.parametrize("keywords", FREE)
def test_these_stop_nobody_in_any_mode(keywords: dict[str, Any], mode: Mode) -> None:
    assert barrier(mode=mode, play_max_fail=True, any_errors_fatal=True, **keywords) is None


@pytest.mark.parametrize("mode", ["causal", "linear", "host"])
@given(node=NODES, place=PLACES)
def test_one_host_has_nobody_to_wait_for(mode: Mode, node: TaskNode, place: dict[str, Any]) -> None:
    assert barrier(node, mode=mode, **{**place, "hosts": 1}) is None


@pytest.mark.parametrize(
    ("action", "args", "reason"),
    [
        ("shell", {"_raw_params": "x"}, Reason.WORLDLY),
        ("uri", {"url": "x"}, Reason.WORLDLY),
        ("my.own.thing", {}, Reason.WORLDLY),
        ("fetch", {"src": "/a", "dest": "/b"}, Reason.WORLDLY),
        ("copy", {"dest": "/x"}, None),
        ("stat", {"path": "/x"}, None),
        ("debug", {}, None),
        ("set_fact", {"x": 1}, None),
        ("command", {"_raw_params": "id"}, None),
    ],
)
def test_in_causal_mode_the_effects_decide(action: str, args: dict[str, Any], reason: Reason | None) -> None:
    assert barrier(action=action, args=args) is reason
    assert barrier(action=action, args=args, mode="host") is None
    assert barrier(action=action, args=args, mode="linear") is Reason.ORDERING_LINEAR


@pytest.mark.parametrize("mode", ["causal", "host"])
def test_one_fork_is_a_mutex_and_means_linear(mode: Mode) -> None:
    assert barrier(mode=mode, forks=1) is Reason.FORKS_ONE


@pytest.mark.parametrize(
    ("action", "reason"), [("copy", Reason.SAME_MACHINE), ("stat", Reason.SAME_MACHINE), ("debug", None), ("shell", Reason.WORLDLY)]
)
def test_names_of_one_machine_wait_for_each_other_where_there_are_effects(action: str, reason: Reason | None) -> None:
    assert barrier(action=action, args={"dest": "/x", "path": "/x"}, same_machine=True) is reason


def test_a_private_task_on_one_machine_waits_even_when_it_was_declared_private() -> None:
    assert barrier(action="shell", rescope=Scope.PRIVATE, same_machine=True) is Reason.SAME_MACHINE
    assert barrier(action="shell", rescope=Scope.PRIVATE) is None


def test_a_host_that_is_the_controller_waits_where_it_writes() -> None:
    assert barrier(action="copy", args={"dest": "/x"}, on_controller=True) is Reason.CONTROLLER_WRITES
    assert barrier(action="stat", args={"path": "/x"}, on_controller=True) is None


def test_a_task_that_is_always_skipped_stops_nobody_by_its_effects() -> None:
    assert barrier(action="shell", when_constant_false=True) is None


@given(node=NODES, place=PLACES)
def test_modes_are_ordered_linear_causal_host(node: TaskNode, place: dict[str, Any]) -> None:
    """What stops hosts in a freer mode stops them in a stricter one."""
    if barrier(node, mode="host", **place):
        assert barrier(node, mode="causal", **place)
    if barrier(node, mode="causal", **place):
        assert barrier(node, mode="linear", **place)


@given(node=NODES, place=PLACES, mode=st.sampled_from(["causal", "linear", "host"]))
def test_what_stands_in_host_mode_has_the_same_reason_everywhere(node: TaskNode, place: dict[str, Any], mode: Mode) -> None:
    reason = barrier(node, mode="host", **place)
    if reason not in (None, Reason.FORKS_ONE):
        assert barrier(node, mode=mode, **place) is reason


@given(node=NODES, place=PLACES, mode=st.sampled_from(["causal", "linear", "host"]))
def test_every_reason_is_a_barrier(node: TaskNode, place: dict[str, Any], mode: Mode) -> None:
    reason = barrier(node, mode=mode, **place)
    assert reason is None or reason.kind == "barrier"


@given(node=NODES, place=PLACES)
def test_wider_effects_never_lift_a_barrier(node: TaskNode, place: dict[str, Any]) -> None:
    for narrow, wide in ((Scope.NONE, Scope.PRIVATE), (Scope.PRIVATE, Scope.WORLDLY)):
        if barrier_for(node, Effects(narrow), mode="causal", **place):
            assert barrier_for(node, Effects(wide), mode="causal", **place)


# --- what a checker of finished runs asks -----------------------------------------------------------------------------------

TASKS = st.builds(
    TaskNode,
    action=st.sampled_from(["copy", "stat", "file", "debug", "shell", "fetch", "set_fact", "user", "template", "include_vars"]),
    args=st.sampled_from([{}, {"dest": "/x", "src": "/x", "path": "/x"}, {"dest": "/y", "src": "/x"}, {"path": "{{ y }}"}]),
    on_controller=st.booleans(),
    rescope=st.sampled_from([None, Scope.PRIVATE, Scope.WORLDLY]),
)


@given(one=TASKS, other=TASKS, same_machine=st.booleans())
def test_where_the_order_matters_a_barrier_is_between_the_two(one: TaskNode, other: TaskNode, same_machine: bool) -> None:
    if order_matters(effects_of(one), effects_of(other), same_machine=same_machine):
        assert barrier(one, same_machine=same_machine) or barrier(other, same_machine=same_machine)


@given(one=TASKS, other=TASKS, same_machine=st.booleans())
def test_whether_the_order_matters_is_symmetric(one: TaskNode, other: TaskNode, same_machine: bool) -> None:
    first, second = effects_of(one), effects_of(other)
    assert order_matters(first, second, same_machine=same_machine) == order_matters(second, first, same_machine=same_machine)


def test_the_order_of_private_tasks_of_two_hosts_does_not_matter() -> None:
    copy = effects_of(TaskNode(action="copy", args={"dest": "/x", "content": "x"}))
    assert not order_matters(copy, copy, same_machine=False)
    assert order_matters(copy, copy, same_machine=True)


def test_what_is_fetched_and_what_is_read_meet_on_the_controller() -> None:
    fetch = effects_of(TaskNode(action="fetch", args={"src": "/a", "dest": "/srv/a"}, rescope=Scope.PRIVATE))
    copy = effects_of(TaskNode(action="copy", args={"src": "/srv/a", "dest": "/b"}))
    assert order_matters(fetch, copy, same_machine=False)
