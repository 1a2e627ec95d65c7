# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command in this process: what it makes of arguments and of everything that is raised. The real command: tests/integration."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ansible import constants, context
from ansible._internal._templating import _jinja_plugins
from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultSecretsContext
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible_collections.rustle.engine.plugins.plugin_utils._cli import plan as command
from ansible_collections.rustle.engine.plugins.plugin_utils._cli import planning
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import PlanError

PLAIN = "- hosts: all\n  gather_facts: false\n  tasks:\n    - {name: one, ansible.builtin.file: {path: /x, state: touch}, tags: [b, a]}\n"


class Said(NamedTuple):
    status: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("RUSTLE_")]:
        monkeypatch.delenv(name)
    (tmp_path / "plain.yml").write_text(PLAIN)

    def run(*arguments: str) -> Said:
        capfd.readouterr()
        return Said(command.main(arguments), *capfd.readouterr())

    yield run


def planned(said: Said) -> Any:
    assert said.status == 0, said.err
    return json.loads(said.out)


def test_a_plan_is_printed(main: Run) -> None:
    said = main("plain.yml", "-i", "h1,")
    assert (said.status, said.err) == (0, "") and said.out.startswith("1 play, 1 task, 1 host")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PlanError("no plan", hint="do this"), "rustle-plan: no plan\nhint: do this\n"),
        (AnsibleError("no play"), "rustle-plan: no play\n"),
        (PermissionError(13, "Permission denied", "/x"), "rustle-plan: /x: Permission denied\n"),
        (KeyboardInterrupt(), "rustle-plan: interrupted\n"),
        (RecursionError("deep"), "rustle-plan: something in the playbooks, their variables or the inventory contains itself\n"),
        (ZeroDivisionError("x"), "rustle-plan: ZeroDivisionError: x\nhint: rustle-plan did not expect this, which is a defect of it; -vvv shows where\n"),
    ],
)
def test_whatever_is_raised_ends_in_one_message_and_status_1(
    main: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, message: str
) -> None:
    def fails(request: object) -> None:
        raise error

    monkeypatch.setattr(planning, "plan_for", fails)
    assert main("plain.yml") == Said(1, "", message)


def test_a_defect_shows_its_traceback_where_it_is_asked_for(main: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "plan_for", lambda request: 1 / 0)
    assert "Traceback" in main("plain.yml", "-vvv").err


def test_tags_stand_in_the_order_of_the_playbook(main: Run) -> None:
    (task,) = planned(main("plain.yml", "-i", "h1,", "-o", "json"))["plays"][0]["batches"][0]["tasks"]
    assert task["tags"] == ["b", "a"] and task["conditions"][0]["Tag"]["tags"] == ["b", "a"]


@pytest.mark.parametrize(("given", "sizes"), [("2", ["2"]), ("30%", ["30%"]), ("1, 5,10%", ["1", "5", "10%"])])
def test_serial_is_one_size_or_several(main: Run, given: str, sizes: list[str]) -> None:
    assert planned(main("plain.yml", "-i", "h1,", "--serial", given, "-o", "json"))["plays"][0]["serial"] == sizes


def test_lookups_are_what_they_were_afterwards(main: Run) -> None:
    original = _jinja_plugins._invoke_lookup
    main("plain.yml", "-i", "h1,")
    main("nothing.yml")
    assert _jinja_plugins._invoke_lookup is original


def test_ansible_is_what_it_was_afterwards(main: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = VaultSecretsContext([])
    monkeypatch.setattr(VaultSecretsContext, "_current", secrets)
    arguments, paths = context.CLIARGS, AnsibleCollectionConfig.playbook_paths
    assert main("plain.yml", "-i", "h1,").status == main("plain.yml", "-i", "h2,").status == 0
    assert main("nothing.yml").status == 1
    assert context.CLIARGS is arguments and VaultSecretsContext.current() is secrets and AnsibleCollectionConfig.playbook_paths == paths


def test_extra_variables_of_a_call_are_not_those_of_the_next(main: Run) -> None:
    Path("named.yml").write_text(PLAIN.replace("/x", "'{{ where }}'"))
    paths = [
        planned(main("named.yml", "-i", "h1,", "-o", "json", *extra))["plays"][0]["batches"][0]["tasks"][0]["args"]["path"]
        for extra in (("-e", "where=/a"), ("-e", "where=/b"))
    ]
    assert paths == ["/a", "/b"]


def test_a_file_keeps_its_mode_and_a_link_stays_one(main: Run, tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "real").chmod(0o600)
    (tmp_path / "link").symlink_to("real")
    assert main("plain.yml", "-i", "h1,", "--dry-run", "--out", "link").status == 0
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text().startswith("1 play")
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "plain.yml", "real"]


WRONG = {
    "empty.yml": "",
    "text.yml": "hello",
    "no_hosts.yml": "- tasks: []\n",
    "undefined_role.yml": "- hosts: all\n  roles: [no_such_role]\n",
    "effects.yml": PLAIN.replace("tags:", "vars: {rustle_effects: {wrote: 3}}, tags:"),
    "after.yml": PLAIN.replace("tags:", "vars: {rustle_after: nowhere}, tags:"),
    "lookup.yml": PLAIN + "- hosts: all\n  vars_files: [\"{{ lookup('pipe', 'touch ran') }}\"]\n  tasks: []\n",
    "imported.yml": "- hosts: all\n  tasks: [{import_tasks: \"{{ lookup('pipe', 'touch ran') }}\"}]\n",
    "folder/.keep": "",
}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("folder", "folder: expected a playbook, found a folder"),
        ("/dev/null", "/dev/null: expected a playbook, found a device"),
        ("empty.yml", "Empty playbook"),
        ("text.yml", "must be a list of plays"),
        ("no_hosts.yml", "no_hosts.yml:1: The field 'hosts' is required"),
        ("undefined_role.yml", "he role 'no_such_role' was not found"),
        ("effects.yml", "rustle_effects of 'one'"),
        ("after.yml", "there is no task 'nowhere'"),
        ("lookup.yml", "planning does not run the lookup pipe"),
        ("imported.yml", "planning does not run the lookup pipe"),
        ("plain.yml -t a,,b", "--tags: 'a,,b' is no list of tags: a tag is empty"),
        ("plain.yml --skip-tags ,", "--skip-tags: ',' is no list of tags"),
        ("plain.yml -l ~(", "--limit: the host pattern '~('"),
        ("plain.yml -l @nowhere", "--limit: the host pattern '@nowhere'"),
        ("plain.yml -e {bad", "YAML parsing failed"),
        ("plain.yml -e [1]", "could not be made into a dictionary"),
        ("plain.yml -e @nowhere.yml", "nowhere.yml"),
        ("plain.yml -s rolling", "--strategy Rolling and the play 'all' without serial exclude each other"),
        ("plain.yml -s BinaryOnly", "the threshold is 5"),
        ("plain.yml --forks many", "argument --forks: invalid int value"),
        ("plain.yml --binary-threshold 0", "--binary-threshold: expected a number from 1 on, found 0"),
        ("plain.yml --latency nan", "--latency: expected a number from 0 on, found nan"),
        ("plain.yml --latency -5", "--latency: expected a number from 0 on, found -5"),
        ("plain.yml --out folder", "folder: cannot be written"),
        ("plain.yml --list-tasks --explain one", "--list-tasks and --explain exclude each other"),
        ("plain.yml -o yaml", "invalid choice: 'yaml'"),
        ("plain.yml --vault-id me@nowhere", "nowhere"),
        ("", "the following arguments are required: PLAYBOOK"),
    ],
)
def test_one_message_says_what_is_wrong(main: Run, arguments: str, said: str) -> None:
    for name, text in WRONG.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
    done = main(*arguments.split(), "-i", "h1,") if arguments else main()
    assert done.status == 1 and not done.out and said in done.err and "did not expect" not in done.err and "Traceback" not in done.err
    assert not Path("ran").exists()


# --- ids and hosts of documents ---------------------------------------------------------------------------------------------------------------


def write(name: str, *plays: dict[str, Any], **rest: Any) -> None:
    Path(name).write_text(json.dumps({"plays": list(plays), **rest}))


def task(id: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"id": id, "name": id or "nameless", "module": "debug", "args": {"msg": "x"}, **fields}


def ids(document: Any) -> list[str]:
    return [one["task_id"] for play in document["plays"] for one in play["batches"][0]["tasks"]] + [
        one["handler_id"] for play in document["plays"] for one in play["handlers"]]


def test_ids_of_documents_are_kept_and_are_unique_over_the_plan(main: Run) -> None:
    write("one.json", {"hosts": "all", "tasks": [task("task_0"), task(), task("task_0")], "handlers": [task("task_0"), task("h")]},
          {"hosts": "all", "tasks": [task("task_0"), task("task_1")], "handlers": [task("h")]})
    found = ids(planned(main("one.json", "-o", "json")))
    assert found == ["task_0", "task_2", "play_0_task_0", "play_1_task_0", "task_1", "handler_0", "h", "handler_0_2"]


def test_a_document_may_be_planned_twice(main: Run) -> None:
    write("one.json", {"hosts": "all", "tasks": [task("a"), task("b", dependencies=["a"])]})
    document = planned(main("one.json", "one.json", "-o", "json"))
    assert len(set(ids(document))) == 4
    for play in document["plays"]:
        first, second = play["batches"][0]["tasks"]
        assert [edge["task_id"] for edge in second["dependencies"] if edge["kind"] == "explicit"] == [first["task_id"]]


@pytest.mark.parametrize(
    ("patterns", "hosts"),
    [
        (["all"], ["localhost"]),
        (["localhost"], ["localhost"]),
        (["web", "all"], ["web"]),
        ([["web", "db"]], ["web", "db"]),
        (["web:db:!old"], ["web", "db"]),
        (["web*"], []),
    ],
)
def test_without_an_inventory_the_plays_name_the_hosts(main: Run, patterns: list[Any], hosts: list[str]) -> None:
    write("one.json", *({"hosts": pattern, "tasks": []} for pattern in patterns))
    assert planned(main("one.json", "-o", "json"))["hosts"] == hosts


def test_a_named_inventory_replaces_that_of_the_document(main: Run) -> None:
    inventory = {"hosts": {"inside": {"address": "192.0.2.7"}}, "groups": {"g": {"hosts": ["inside"]}}}
    write("one.json", {"hosts": "all", "tasks": []}, inventory=inventory)
    assert planned(main("one.json", "-o", "json"))["hosts"] == ["inside"]
    assert planned(main("one.json", "-i", "outside,", "-o", "json"))["hosts"] == ["outside"]


def test_forks_are_50_where_all_playbooks_are_documents(main: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write("one.json", {"hosts": "all", "tasks": []})

    def forks(*arguments: str) -> int:
        return planned(main(*arguments, "-i", "h1,", "-o", "json"))["metadata"]["planning_options"]["forks"]

    assert (forks("one.json"), forks("one.json", "plain.yml"), forks("one.json", "--forks", "3")) == (50, 5, 3)
    monkeypatch.setenv("RUSTLE_DEFAULT_FORKS", "9")
    assert (forks("one.json"), forks("plain.yml"), forks("one.json", "--forks", "3")) == (9, 9, 3)


def test_a_documents_place_counts_below_the_working_folder_only(main: Run, tmp_path: Path) -> None:
    for folder in (tmp_path / "site", tmp_path.parent / f"{tmp_path.name}-outside"):
        (folder / "roles" / "web" / "tasks").mkdir(parents=True)
        (folder / "roles" / "web" / "tasks" / "main.yml").write_text("- ansible.builtin.debug: {msg: of the role}\n")
        (folder / "site.yml").write_text("[]\n")
        write(f"{folder.name}.json", {"hosts": "all", "roles": ["web"]}, metadata={"file_path": str(folder / "site.yml")})
    inside = planned(main("site.json", "-o", "json"))
    assert [one["role"] for one in inside["plays"][0]["batches"][0]["tasks"]] == ["web"] and not inside["warnings"]
    outside = planned(main(f"{tmp_path.name}-outside.json", "-o", "json"))
    assert outside["plays"][0]["batches"][0]["tasks"][0]["module"] == "include_role"
    assert "roles not installed here, planned as unknown: web" in outside["warnings"][0]


def test_facts_are_gathered_where_the_document_says_so(main: Run) -> None:
    def names(**fields: Any) -> list[str]:
        write("one.json", {"hosts": "all", "tasks": [task("a")], **fields.pop("play", {})}, **fields)
        return [one["name"] for one in planned(main("one.json", "-o", "json"))["plays"][0]["batches"][0]["tasks"]]

    assert names() == names(facts_required=False) == names(facts_required=True, play={"gather_facts": False}) == ["a"]
    assert names(facts_required=True) == names(play={"gather_facts": True}) == ["Gathering Facts", "a"]


def test_what_tags_leave_out_is_no_unknown_task(main: Run) -> None:
    write("one.json", {"hosts": "all", "tasks": [task("a", tags="x"), task("b", dependencies=["a"], tags="y")]})
    assert ids(planned(main("one.json", "-t", "y", "-o", "json"))) == ["b"]
    write("one.json", {"hosts": "all", "tasks": [task("b", dependencies=["nowhere"])]})
    assert "there is no task 'nowhere'" in main("one.json").err


def test_a_vaulted_value_of_a_document_stays_masked(main: Run) -> None:
    vaulted = "$ANSIBLE_VAULT;1.1;AES256\n6162\n"
    values = {"a": vaulted, "b": {"__ansible_vault": vaulted}, "c": f"!vault |\n  {vaulted}"}
    write("one.json", {"hosts": "all", "vars": values, "tasks": [task("t", args={"msg": "{{ a }}{{ b }}{{ c }}", "one": vaulted})]})
    document = planned(main("one.json", "-o", "json"))
    assert document["plays"][0]["batches"][0]["tasks"][0]["args"] == {"msg": "********", "one": "********"} and "6162" not in str(document)


def test_free_form_arguments_become_what_ansible_reads(main: Run) -> None:
    raw = {
        "command": True, "file": "path=/x state=touch", "add_host": "name=n groups=g", "no.such.module": "a=b", "setup": None, "meta": "flush_handlers"}
    write("one.json", {"hosts": "all", "tasks": [task(module, module=module, args={"_raw_params": value}) for module, value in raw.items()]})
    found = {one["name"]: one["args"] for one in planned(main("one.json", "-o", "json"))["plays"][0]["batches"][0]["tasks"]}
    assert found == {
        "command": {"_raw_params": "true"}, "file": {"path": "/x", "state": "touch"}, "add_host": {"name": "n", "groups": "g"},
        "no.such.module": {"_raw_params": "a=b"}, "setup": {}, "meta": {"_raw_params": "flush_handlers"}}


def test_where_a_task_stands_is_its_line_in_the_document(main: Run) -> None:
    write("one.json")
    Path("one.json").write_text('{"plays": [{"hosts": "all", "tasks": [\n  {"module": "debug"},\n\n  {"module": "ping"}]}]}')
    found = planned(main("one.json", "-o", "json"))["plays"][0]["batches"][0]["tasks"]
    assert [one["where"] for one in found] == ["one.json:2", "one.json:4"]


def test_a_loop_over_a_lookup_that_is_not_here_is_unknown(main: Run) -> None:
    write("one.json", {"hosts": "all", "tasks": [task("a", with_nowhere=[1]), task("b", with_items=[1])]})
    document = planned(main("one.json", "-o", "json"))
    assert document["warnings"] == ["one.json: lookups not installed here, planned as unknown: nowhere"] and len(ids(document)) == 2


def test_a_vaulted_value_is_decrypted_nowhere_while_a_document_is_read(main: Run) -> None:
    write("one.json", {"hosts": "all", "name": "p", "environment": {"A": "$ANSIBLE_VAULT;1.1;AES256\n6162\n"}, "tasks": [
        task("a", when="$ANSIBLE_VAULT;1.1;AES256\n6162\n")]})
    document = planned(main("one.json", "-o", "json"))
    (found,) = document["plays"][0]["batches"][0]["tasks"]
    assert found["conditions"] == [{"When": {"expression": "********", "decided": None}}] and "6162" not in str(document)


@pytest.mark.parametrize("serial", [["{{ sizes }}"], "{{ sizes }}"])
def test_serial_may_be_a_template(main: Run, serial: Any) -> None:
    write("one.json", {"hosts": ["a", "b"], "serial": serial, "vars": {"sizes": [1, 1]}, "tasks": [task("t")]})
    assert planned(main("one.json", "-o", "json"))["plays"][0]["serial"] == ["1", "1"]


def test_a_size_of_a_batch_that_is_none_is_named(main: Run) -> None:
    Path("bad.yml").write_text(PLAIN.replace("  tasks:", "  serial: [many]\n  tasks:"))
    assert "serial of play 'all': expected numbers of hosts or percentages" in main("bad.yml", "-i", "h1,").err


def test_a_group_that_is_not_there_yet_ends_no_plan_whatever_a_run_says_of_it(main: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HOST_PATTERN_MISMATCH", "error")
    Path("later.yml").write_text(PLAIN + PLAIN.replace("all", "made_in_the_run"))
    said = main("later.yml", "-i", "h1,", "-o", "json")
    assert [len(play["hosts"]) for play in planned(said)["plays"]] == [1, 0] and "no host matches made_in_the_run" in said.err
    assert constants.HOST_PATTERN_MISMATCH == "error"


def test_without_an_inventory_the_implicit_localhost_may_be_the_limit(main: Run) -> None:
    Path("local.yml").write_text(PLAIN.replace("all", "localhost"))
    Path("none").write_text("")
    assert planned(main("local.yml", "-i", "none", "--limit", "localhost,other", "-o", "json"))["plays"][0]["hosts"] == ["localhost"]
