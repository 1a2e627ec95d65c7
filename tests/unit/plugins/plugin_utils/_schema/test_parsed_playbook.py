# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documents of rustle-parse: what is known, what is passed over with a notice, what is refused with its path."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import DocumentError
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.parsed_playbook import (
    ParsedPlay,
    ParsedTask,
    is_inventory,
    parse_inventory,
    parse_playbook,
)
from hypothesis import given
from hypothesis import strategies as st


def play(**fields: Any) -> ParsedPlay:
    return parse_playbook({"plays": [{"hosts": "all", **fields}]}, where="x.json")[0].plays[0]


def task(**fields: Any) -> ParsedTask:
    return play(tasks=[{"module": "debug", **fields}]).tasks[0]


def refusal(**fields: Any) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        play(**fields)
    return caught.value


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ({"when": "a"}, {"when": ["a"]}),
        ({"when": ["a", True, "false"]}, {"when": ["a", True, False]}),
        ({"changed_when": False}, {"changed_when": [False]}),
        ({"changed_when": "False"}, {"changed_when": [False]}),
        ({"notify": "h"}, {"notify": ["h"]}),
        ({"tags": ["a", 1]}, {"tags": ["a", "1"]}),
        ({"tags": None, "notify": None}, {"tags": [], "notify": []}),
        ({"loop": [1]}, {"loop_items": [1]}),
        ({"loop_items": "{{ x }}", "loop": None}, {"loop_items": "{{ x }}"}),
        ({"register": "r"}, {"registered": "r"}),
        ({"async": 10, "poll": "0"}, {"async_seconds": 10, "poll": "0"}),
        ({"ignore_errors": "yes", "become": "{{ b }}"}, {"ignore_errors": True, "become": "{{ b }}"}),
        ({"args": "a=b"}, {"args": {"_raw_params": "a=b"}}),
        ({"args": None, "vars": None, "environment": None}, {"args": {}, "vars": {}, "environment": None}),
        ({"id": 3, "name": 4}, {"id": "3", "name": "4"}),
    ],
)
def test_what_is_written_in_several_forms_has_one(given: dict[str, Any], held: dict[str, Any]) -> None:
    made = task(**given)
    assert {name: getattr(made, name) for name in held} == held


def test_a_task_may_stand_as_in_a_playbook() -> None:
    one, two, three = play(tasks=[{"copy": {"src": "a"}}, {"command": "id", "args": {"chdir": "/"}}, {"no.such.module": None, "with_items": [1]}]).tasks
    assert (one.module, one.args) == ("copy", {"src": "a"})
    assert (two.module, two.args) == ("command", {"chdir": "/", "_raw_params": "id"})
    assert (three.module, three.args, three.model_extra) == ("no.such.module", {}, {"with_items": [1]})


def test_a_block_is_one_in_both_forms() -> None:
    inner = {"module": "debug", "args": {}}
    for block in ({"block": [inner], "rescue": [inner], "always": None}, {"module": "block", "args": {"_raw_params": [inner]}, "rescue": [inner]}):
        made = play(tasks=[block]).tasks[0]
        assert (len(made.block), len(made.rescue), made.always) == (1, 1, [])


def test_roles_are_names_or_objects() -> None:
    assert [role.name for role in play(roles=["a", {"name": "b", "src": None}, {"role": "c"}]).roles] == ["a", "b", "c"]


@pytest.mark.parametrize(("serial", "sizes"), [(None, []), (2, [2]), ("30%", ["30%"]), ([1, "50%"], [1, "50%"]), (0, [])])
def test_serial_is_a_size_or_a_list_of_sizes(serial: Any, sizes: list[Any]) -> None:
    assert play(serial=serial).serial == sizes


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"hosts": 3}, "plays[0].hosts"),
        ({"hosts": []}, "plays[0].hosts"),
        ({"serial": -1}, "plays[0].serial"),
        ({"serial": True}, "plays[0].serial"),
        ({"tasks": {}}, "plays[0].tasks"),
        ({"tasks": ["debug"]}, "plays[0].tasks[0]"),
        ({"tasks": [{"name": "nothing"}]}, "plays[0].tasks[0]"),
        ({"tasks": [{"module": "a b"}]}, "plays[0].tasks[0]"),
        ({"tasks": [{"module": "debug", "when": 3}]}, "plays[0].tasks[0].when"),
        ({"tasks": [{"module": "debug", "delegate_to": ["a"]}]}, "plays[0].tasks[0].delegate_to"),
        ({"tasks": [{"module": "debug", "loop_items": 3}]}, "plays[0].tasks[0].loop_items"),
        ({"tasks": [{"module": "debug", "notify": {}}]}, "plays[0].tasks[0].notify"),
        ({"tasks": [{"block": [{"module": "debug", "retries": "many"}]}]}, "plays[0].tasks[0].block[0].retries"),
        ({"handlers": [{"module": "debug", "ignore_errors": "perhaps"}]}, "plays[0].handlers[0].ignore_errors"),
        ({"roles": [{}]}, "plays[0].roles[0]"),
        ({"vars": []}, "plays[0].vars"),
        ({"max_fail_percentage": "x"}, "plays[0].max_fail_percentage"),
    ],
)
def test_a_bad_field_is_named_by_its_path(fields: dict[str, Any], path: str) -> None:
    error = refusal(**fields)
    assert error.path == path and error.expected and str(error).startswith(f"x.json: {path}: expected ")


@pytest.mark.parametrize("data", [[], "x", 3, None, {}, {"plays": None}, {"plays": 3}])
def test_what_is_no_document_is_refused(data: Any) -> None:
    with pytest.raises(DocumentError):
        parse_playbook(data, where="x.json")


def test_unknown_fields_give_one_notice_for_each_place() -> None:
    tasks = [{"module": "debug", "colour": number} for number in range(5)]
    document = {"plays": [{"hosts": "all", "tasks": tasks, "mood": 1}], "metadata": {"weather": 1}, "inventory": {"hosts": {"h": {"size": 1}}, "groups": {}}}
    _made, notices = parse_playbook(document, where="x.json")
    assert notices == (
        "x.json: metadata.weather is not known and passed over",
        "x.json: plays[0].mood is not known and passed over",
        "x.json: plays[0].tasks[0].colour is not known and passed over, there and in 4 other places",
        "x.json: inventory.hosts[h].size is not known and passed over",
    )


def test_an_inventory_is_told_from_ansibles_own() -> None:
    ours = {"hosts": {"h": None}, "groups": {"g": {"hosts": ["h"]}}}
    assert is_inventory(ours) and is_inventory({"plays": [], "inventory": ours})
    assert not is_inventory({"all": {"hosts": {"h": None}}}) and not is_inventory({"_meta": {}, "g": {"hosts": ["h"]}}) and not is_inventory([])
    assert parse_inventory({"inventory": ours}, where="x")[0] == parse_inventory(ours, where="x")[0]


def test_an_inventory_for_a_playbook_is_refused_with_a_hint() -> None:
    with pytest.raises(DocumentError) as caught:
        parse_playbook({"hosts": {}, "groups": {}}, where="x.json")
    assert caught.value.hint == "give an inventory with -i"


FIELDS = sorted(ParsedTask.model_fields) + ["register", "async", "loop", "with_items"]
ANY = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.text(max_size=3) | st.integers(), max_size=3)
ANY |= st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)


@given(st.dictionaries(st.sampled_from(FIELDS), ANY, max_size=4))
def test_any_task_is_read_or_refused(fields: dict[str, Any]) -> None:
    try:
        play(tasks=[{"module": "debug", **fields}])
    except DocumentError as ex:
        assert ex.path.startswith("plays[0].tasks[0]")
