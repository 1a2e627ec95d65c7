# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""rustle-plan as a user calls it: a process of its own, every option, and what it says of everything that cannot be.

Runs with the same arguments are shared: each takes half a second.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import BundleRecord, ExecutionRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore

from tests.lab.play import COLLECTIONS, ROOT

ENTRY = ROOT / "plugins" / "plugin_utils" / "_cli" / "entry.py"
SCHEMA = json.loads((ROOT / "docs" / "plan.schema.json").read_text())
DOCUMENTS = Path(__file__).parent / "documents"

SITE = """
- name: Site
  hosts: all
  gather_facts: false
  vars:
    base: /etc/app
    password: "{{ lookup('pipe', 'touch ran; echo secret') }}"
  tasks:
    - name: folder
      ansible.builtin.file: {path: "{{ base }}", state: directory}
      tags: [files]
    - name: config
      ansible.builtin.copy: {content: "x={{ password }}", dest: "{{ base }}/app.conf"}
      notify: restart
      tags: [files]
    - name: ask
      ansible.builtin.command: id bob
      register: answer
      changed_when: false
      tags: [ask]
    - name: say
      ansible.builtin.debug: {msg: "{{ answer.stdout }}"}
      when: base == "/etc/app"
    - name: motd
      ansible.builtin.copy: {content: hello, dest: /etc/motd}
    - name: greeting
      ansible.builtin.copy: {content: hello, dest: /etc/greeting}
      check_mode: false
    - name: last
      ansible.builtin.file: {path: /srv/last, state: touch}
      vars: {rustle_after: [folder]}
  handlers:
    - name: restart
      ansible.builtin.service: {name: app, state: restarted}
"""
VAULTED = """
- hosts: all
  gather_facts: false
  vars_files: [secret.yml]
  tasks:
    - ansible.builtin.debug: {msg: "{{ token }}"}
"""
PARALLEL = """
- hosts: all
  gather_facts: false
  vars: {second: /srv/2}
  tasks:
    - vars: {rustle_parallel: files}
      block:
        - {name: one, ansible.builtin.copy: {content: "1", dest: /srv/1}}
        - {name: two, ansible.builtin.copy: {content: "2", dest: "{{ second }}"}}
    - {name: more, ansible.builtin.file: {path: /srv/more, state: touch}}
"""
FILES = {
    "site.yml": SITE,
    "vaulted.yml": VAULTED,
    "right": "open sesame\n",
    "wrong": "open barley\n",
    "extra.yml": "base: /etc/other\n",
    "broken.yml": "- hosts: [all\n",
    "broken.json": '{"plays": [}',
    "unknown_module.yml": "- hosts: all\n  tasks:\n    - no_such_module: {}\n",
    "itself.yml": "- import_playbook: itself.yml\n",
    "lookup.yml": "- hosts: \"{{ lookup('pipe', 'touch ran; echo all') }}\"\n  tasks: []\n",
    "skipped.yml": "- import_playbook: site.yml\n  when: false\n",
    "plain.yml": "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.command: id\n",
    "bad.cfg": "[defaults\n",
    "set.cfg": "[rustle]\noptimization_level = 3\nstrategy = linear\n",
    "large.yml": "- hosts: all\n  gather_facts: false\n  tasks:\n    - {name: image, ansible.builtin.copy: {src: image, dest: /srv/image}}\n",
    "parallel.yml": PARALLEL,
    "bundled.yml": "- hosts: all\n  gather_facts: false\n  tasks:\n" + 5 * "    - ansible.builtin.file: {path: /x, state: touch}\n",
    "facts/h1": json.dumps({"ansible_architecture": "riscv64", "ansible_system": "Linux"}),
    "facts/s1_h2": json.dumps({"__payload__": json.dumps({"ansible_architecture": "s390x"})}),
    "bad_field.json": json.dumps({"plays": [{"hosts": "all", "tasks": [{"module": "debug", "when": 3}]}]}),
    "surrogate.json": '{"plays": [{"name": "a\\ud800", "hosts": "all", "tasks": []}]}',
}


class Done(NamedTuple):
    status: int
    out: bytes
    said: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def plan(self) -> Any:
        """Every document that is written fits the published schema."""
        document = json.loads(self.out)
        jsonschema.validate(document, SCHEMA)
        return document


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("plan")
    for name, text in FILES.items():
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_text(text)
    (home / "folder").mkdir()
    with (home / "image").open("wb") as image:
        image.truncate(20 << 20)
    (home / "secret.yml").write_text("token: abc\n")
    subprocess.run(
        [Path(sys.executable).parent / "ansible-vault", "encrypt", "--vault-password-file", "right", "secret.yml"], cwd=home, check=True, capture_output=True)
    return home


@pytest.fixture(scope="module")
def plan(home: Path) -> Any:
    @functools.cache
    def run(*arguments: str, stdin: bytes = b"", env: tuple[tuple[str, str], ...] = ()) -> Done:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE_", "PYTHON", "RUSTLE_"))}
        clean |= {"HOME": str(home), "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_NOCOLOR": "1", "COLUMNS": "120", **dict(env)}
        done = subprocess.run([sys.executable, ENTRY, *arguments], cwd=home, env=clean, input=stdin, capture_output=True, check=False)
        said = done.stderr.decode()
        assert "Traceback" not in said, said
        assert done.returncode in (0, 1), said
        assert not (home / "ran").exists(), "a lookup was run"
        return Done(done.returncode, done.stdout, said)

    def good(*arguments: str, stdin: bytes = b"", **env: str) -> Done:
        done = run(*arguments, stdin=stdin, env=tuple(env.items()))
        assert done.status == 0, done.said
        return done

    good.bad = lambda *arguments, stdin=b"", **env: _failed(run(*arguments, stdin=stdin, env=tuple(env.items())))  # type: ignore[attr-defined]
    return good


def _failed(done: Done) -> str:
    assert done.status == 1 and not done.out, done
    return done.said


def tasks(document: Any) -> dict[str, Any]:
    return {task["name"]: task for play in document["plays"] for batch in play["batches"] for task in batch["tasks"]}


BASIC = ("site.yml", "-i", "h1,h2")


# --- outputs ------------------------------------------------------------------------------------------------------------------------------


def test_json_fits_the_published_schema_and_holds_no_secret(plan: Any) -> None:
    document = plan(*BASIC, "-o", "json").plan
    assert document["hosts"] == ["h1", "h2"] and document["total_tasks"] == 7
    found = tasks(document)
    assert found["folder"]["args"] == {"path": "/etc/app", "state": "directory"}
    assert "secret" not in str(document) and found["config"]["notify"] == ["restart"]
    assert {"task_id": "task_0", "kind": "explicit", "reason": "rustle_after says so"} in found["last"]["dependencies"]
    assert found["say"]["dependencies"] and found["say"]["cut"] == "register"


def test_text_is_the_default(plan: Any) -> None:
    done = plan(*BASIC)
    assert done.text.startswith("1 play, 7 tasks, 2 hosts") and "folder" in done.text and "\x1b" not in done.text
    assert done.out == plan(*BASIC, "--output", "text").out and not done.said


@pytest.mark.parametrize(("output", "start"), [("dot", "digraph"), ("mermaid", "flowchart"), ("html", "<!doctype html>")])
def test_graphs_and_pages_are_whole(plan: Any, output: str, start: str) -> None:
    done = plan(*BASIC, "-o", output)
    assert done.text.lower().startswith(start) and "config" in done.text


def test_visualize_is_the_graph(plan: Any) -> None:
    assert plan(*BASIC, "--visualize").out == plan(*BASIC, "-o", "mermaid").out


def test_out_writes_a_file_and_binary_reads_back(plan: Any, home: Path) -> None:
    from ansible_collections.rustle.engine.plugins.plugin_utils._schema.plan_binary import from_binary
    from ansible_collections.rustle.engine.plugins.plugin_utils._schema.plan_document import to_document

    assert plan(*BASIC, "-o", "binary", "--out", "plan.bin").out == b""
    document = to_document(from_binary((home / "plan.bin").read_bytes(), where="x"))
    expected = plan(*BASIC, "-o", "json").plan
    document["metadata"]["created_at"] = expected["metadata"]["created_at"]
    assert document == expected


def test_out_writes_to_a_device_and_never_replaces_it(plan: Any) -> None:
    assert plan(*BASIC, "--dry-run", "--out", os.devnull).out == b""
    assert not os.path.isfile(os.devnull)


def test_save_writes_the_plan_beside_the_output(plan: Any, home: Path) -> None:
    assert "7 tasks" in plan(*BASIC, "--dry-run", "--save", "saved.rplan").text
    assert (home / "saved.rplan").read_bytes().startswith(b"RUSTLEPLAN")


def test_lists(plan: Any) -> None:
    assert [name for name in ("folder", "config", "ask", "say") if name not in plan(*BASIC, "--list-tasks").text] == []
    hosts = plan(*BASIC, "--list-hosts").text
    assert "h1" in hosts and "h2" in hosts
    assert "7 tasks" in plan(*BASIC, "--dry-run").text and len(plan(*BASIC, "--dry-run").text.splitlines()) == 1
    assert "no history" in plan(*BASIC, "--estimate-time").text


def test_list_binaries_builds_them_for_their_size(plan: Any) -> None:
    listed = plan(*BASIC, "--list-binaries").text
    (deployment,) = plan(*BASIC, "--list-binaries", "-o", "json").plan["binary_deployments"]
    assert deployment["estimated_size"] > 100_000 and len(deployment["checksum"]) == 64
    assert deployment["checksum"] in listed and deployment["estimated_compilation_time"]["count"] == 1
    assert plan(*BASIC, "-o", "json").plan["binary_deployments"][0]["estimated_size"] is None


def test_explain_says_why(plan: Any) -> None:
    assert "answer" in plan(*BASIC, "--explain", "say").text
    assert "no task 'tell'" in plan.bad(*BASIC, "--explain", "tell")


def test_verbose_says_more(plan: Any) -> None:
    assert len(plan(*BASIC, "-v").text) > len(plan(*BASIC).text)


def test_version_and_help(plan: Any) -> None:
    assert plan("-V").text.startswith("rustle-plan ") and plan("--version").out == plan("-V").out
    assert "PLAYBOOK" in plan("--help").text


# --- what is planned ----------------------------------------------------------------------------------------------------------------------


def test_limit(plan: Any) -> None:
    document = plan(*BASIC, "-l", "h1", "-o", "json").plan
    assert document["hosts"] == ["h1"] and document["metadata"]["planning_options"]["limit"] == "h1"
    assert "--limit: the host pattern 'h9': it matches no host" in plan.bad(*BASIC, "--limit", "h9")


def test_tags(plan: Any) -> None:
    assert set(tasks(plan(*BASIC, "-t", "ask", "-o", "json").plan)) == {"ask"}
    assert set(tasks(plan(*BASIC, "--skip-tags", "files,ask", "-o", "json").plan)) == {"say", "motd", "greeting", "last"}


def test_extra_variables(plan: Any) -> None:
    assert tasks(plan(*BASIC, "-e", "base=/srv", "-o", "json").plan)["folder"]["args"]["path"] == "/srv"
    assert tasks(plan(*BASIC, "--extra-vars", "@extra.yml", "-o", "json").plan)["folder"]["args"]["path"] == "/etc/other"
    assert "expected key=value" in plan.bad(*BASIC, "-e", "nonsense")


def test_strategies(plan: Any) -> None:
    assert plan("bundled.yml", "-i", "h,", "-s", "binary-only", "-o", "json").plan["plays"][0]["strategy"] == "BinaryOnly"
    assert "did you mean BinaryHybrid?" in plan.bad(*BASIC, "--strategy", "BinaryHybird")


def test_serial(plan: Any) -> None:
    (play,) = plan(*BASIC, "--serial", "1", "-s", "Rolling", "-o", "json").plan["plays"]
    assert play["serial"] == ["1"] and [batch["hosts"] for batch in play["batches"]] == [["h1"], ["h2"]]
    assert play["batches"][1]["dependencies"] == [play["batches"][0]["batch_id"]]
    assert "--serial: expected" in plan.bad(*BASIC, "--serial", "none")


def test_forks(plan: Any) -> None:
    assert plan(*BASIC, "-o", "json").plan["metadata"]["planning_options"]["forks"] == 5
    assert plan(*BASIC, "--forks", "1", "-o", "json").plan["metadata"]["planning_options"]["forks"] == 1
    assert "--forks" in plan.bad(*BASIC, "--forks", "0")


def test_check_and_diff(plan: Any) -> None:
    options = plan(*BASIC, "-c", "--diff", "-o", "json").plan["metadata"]["planning_options"]
    assert options["check_mode"] and options["diff_mode"]
    conditions = tasks(plan(*BASIC, "--check", "--diff", "-o", "json").plan)["greeting"]["conditions"]
    assert {"CheckMode": {"value": "false", "decided": None}} in conditions


def test_thresholds_and_forces(plan: Any) -> None:
    def deployments(*options: str) -> list[Any]:
        return plan(*BASIC, *options, "-o", "json").plan["binary_deployments"]

    assert len(deployments()) == 1 and not deployments("--binary-threshold", "50") and not deployments("--force-ssh")
    assert len(deployments("--binary-threshold", "50", "--force-binary")) == 1
    assert len(deployments("--latency", "50")) == 1
    assert {task["path"] for task in tasks(plan(*BASIC, "--force-ssh", "-o", "json").plan).values()} == {"stock", "controller"}
    assert "--force-binary and --force-ssh exclude each other" in plan.bad(*BASIC, "--force-binary", "--force-ssh")
    assert "the threshold is 50" in plan.bad("bundled.yml", "-i", "h,", "-s", "BinaryOnly", "--binary-threshold", "50")


def test_earlier_runs_decide_about_deployments_unless_a_threshold_is_asked_for(plan: Any, home: Path) -> None:
    with contextlib.closing(SqliteStore(str(home / "history.db"))) as store:
        store.put([ExecutionRecord(execution="run", started=1.0)])
        store.put(BundleRecord(execution="run", bundle=at, host="h1", host_class="ssh", seconds=1.04, work=1.0) for at in range(5))

    def analysis(*options: str, history: str = "history.db") -> Any:
        (found,) = plan("plain.yml", "-i", "h1,h2", *options, "-o", "json", RUSTLE_FEEDBACK_DB=history).plan["suitability"]
        return found

    known = analysis()
    assert (known["bound_by"], known["suitable"]) == ("cost", True)
    assert known["explanation"].endswith("a round trip takes 40 ms in earlier runs")
    assert [analysis("--binary-threshold", "2")["bound_by"], analysis(history="none.db")["bound_by"]] == ["threshold", "threshold"]
    assert "earlier runs" not in analysis("--latency", "50")["explanation"]


def test_targets(plan: Any) -> None:
    (one,) = plan(*BASIC, "--target-arch", "aarch64", "--target-os", "linux", "-o", "json").plan["binary_deployments"]
    assert (one["requirements"]["arch"], one["requirements"]["os"]) == ("aarch64", "linux")
    assert "no agent runs on windows" in plan.bad(*BASIC, "--target-os", "windows")


def test_a_fact_cache_tells_of_hosts(plan: Any, home: Path) -> None:
    document = plan(*BASIC, "--fact-cache", "facts", "-o", "json").plan
    assert {one["profile"]["arch"]: one["hosts"] for one in document["plays"][0]["host_classes"]} == {"riscv64": ["h1"], "s390x": ["h2"]}
    assert "expected a folder of facts" in plan.bad(*BASIC, "--fact-cache", "nowhere") and not (home / "nowhere").exists()


def test_vaults(plan: Any) -> None:
    for option in (("--vault-password-file", "right"), ("--vault-id", "me@right")):
        assert "abc" not in str(plan("vaulted.yml", "-i", "h1,", *option, "-o", "json").plan)
    for option in (("--vault-password-file", "wrong"), ("--vault-pass-file", "nothing")):
        assert "rustle-plan: " in plan.bad("vaulted.yml", "-i", "h1,", *option)
    assert "Vault password" in plan.bad("vaulted.yml", "-i", "h1,", "-J")


def test_levels_of_optimization(plan: Any) -> None:
    levels = {"0": plan(*BASIC, "-o", "json", RUSTLE_OPTIMIZATION_LEVEL="0"), "2": plan(*BASIC, "--optimize", "-o", "json")}
    levels |= {"3": plan(*BASIC, "-o", "json", RUSTLE_OPTIMIZATION_LEVEL="3")}
    bundles = {level: sum(len(batch["bundles"]) for batch in done.plan["plays"][0]["batches"]) for level, done in levels.items()}
    assert bundles["0"] == 0 and bundles["2"] == bundles["3"] > 0
    assert "warning" not in levels["2"].said and levels["3"].said.count("warning") == 1
    assert "the sizes of its" in plan(*BASIC, "--optimize", "--serial", "1").said
    groups = [group for batch in levels["3"].plan["plays"][0]["batches"] for group in batch["parallel_groups"]]
    assert groups and {group["status"] for group in groups} == {"possible, not used"}


def test_groups_that_tasks_declare_count_from_level_3_on(plan: Any) -> None:
    arguments = ("parallel.yml", "-i", "h1,h2,")
    lower = plan(*arguments, "-o", "json").plan["plays"][0]["batches"][0]["parallel_groups"]
    assert {group["declared"] for group in lower} == {""}
    found = plan(*arguments, "-o", "json", RUSTLE_OPTIMIZATION_LEVEL="3").plan["plays"][0]["batches"][0]["parallel_groups"]
    assert [(group["declared"], group["tasks"], group["status"]) for group in found if group["declared"]] == [
        ("files", ["task_0", "task_1"], "possible, not used")]  # fmt: skip
    assert "possible, not used (rustle_parallel: files), with task_1" in plan(*arguments, "--explain", "one", RUSTLE_OPTIMIZATION_LEVEL="3").text
    assert plan(*arguments, "-e", "second=/srv/1").status == 0
    said = plan.bad(*arguments, "-e", "second=/srv/1", RUSTLE_OPTIMIZATION_LEVEL="3")
    assert "rustle_parallel 'files': 'one' and 'two' cannot run side by side: file:/srv/1 is written there and written here" in said


def test_a_file_larger_than_an_agent_takes_is_planned_on_the_stock_path(plan: Any) -> None:
    arguments = ("large.yml", "-i", "h1,")
    (image,) = tasks(plan(*arguments, "-o", "json").plan).values()
    assert (image["path"], image["path_reason"], image["path_detail"]) == ("stock", "large-file", "image")
    said = plan.bad(*arguments, "-s", "BinaryOnly")
    assert "task 'image': image: the plan needs 20 MiB in one message to the agent, there is room for 16 MiB" in said
    assert "hint: plan with --strategy BinaryHybrid" in said


def test_settings(plan: Any) -> None:
    assert plan(*BASIC, "-o", "json", RUSTLE_DEFAULT_FORKS="7").plan["metadata"]["planning_options"]["forks"] == 7
    assert plan(*BASIC, "-o", "json", ANSIBLE_CONFIG="set.cfg").plan["plays"][0]["strategy"] == "Linear"
    assert plan(*BASIC, "-o", "json", ANSIBLE_CONFIG="set.cfg", RUSTLE_STRATEGY="free").plan["plays"][0]["strategy"] == "Free"
    assert "RUSTLE_STRATEGY" in plan.bad(*BASIC, RUSTLE_STRATEGY="x")
    assert "planning took longer than 1e-06 s" in plan.bad(*BASIC, RUSTLE_PLANNING_TIMEOUT="0.000001")


# --- documents of rustle-parse ------------------------------------------------------------------------------------------------------------


def test_a_document_is_planned_like_a_playbook(plan: Any) -> None:
    document = plan(str(DOCUMENTS / "simple.json"), "-o", "json").plan
    assert document["hosts"] == ["localhost"] and document["metadata"]["planning_options"]["forks"] == 50
    assert [task["task_id"] for task in tasks(document).values()] == ["task_0", "task_1", "task_2"]
    assert tasks(document)["Notify handler"]["conditions"] == [{"When": {"expression": "test_var is defined", "decided": True}}]
    (handler,) = document["plays"][0]["handlers"]
    assert handler["notified_by"] == ["task_2"] and handler["handler_id"] == "handler_0"


def test_a_document_comes_from_standard_input_too(plan: Any) -> None:
    data = (DOCUMENTS / "simple.json").read_bytes()
    piped, read = plan("-", "-o", "json", stdin=data).plan, plan(str(DOCUMENTS / "simple.json"), "-o", "json").plan
    assert [play["batches"][0]["tasks"][0]["where"] for play in piped["plays"]] == ["<stdin>:17"]
    for document in (piped, read):
        del document["metadata"]
        for one in [*tasks(document).values(), *document["plays"][0]["handlers"]]:
            del one["where"]
    assert piped == read
    assert "expected JSON" in plan.bad("-", stdin=b"- hosts: all\n")


def test_what_a_document_needs_and_is_not_here_is_opaque(plan: Any) -> None:
    done = plan(str(DOCUMENTS / "everything.json"), "-o", "json")
    found = tasks(done.plan)
    for what in ("modules not installed here, planned as unknown: acme.tools.thing", "roles not installed here, planned as unknown: nginx"):
        assert what in done.said
    assert done.said.count("colour is not known") == 1
    assert found["thing"]["path"] == "stock" and found["role nginx"]["module"] == "include_role"
    assert [edge["task_id"] for edge in found["thing"]["dependencies"] if edge["kind"] == "explicit"] == ["include"]
    assert found["in rescue"]["section"] == "rescue" and found["in block"]["task_id"] == "b1"
    assert found["secret"]["args"] == {"msg": "********", "password": "********"}
    assert found["loop"]["path_reason"] == "async" and "hunter2" not in str(done.plan)
    one, two = done.plan["plays"]
    assert [batch["hosts"] for batch in one["batches"]] == [["web"], ["db"]] and one["serial"] == ["1", "50%"]
    assert {handler["name"]: handler["listen"] for handler in one["handlers"]} == {"restart": ["changed"]}
    ids = [task["task_id"] for play in done.plan["plays"] for task in play["batches"][0]["tasks"]]
    ids += [handler["handler_id"] for play in done.plan["plays"] for handler in play["handlers"]]
    assert len(ids) == len(set(ids)) and two["batches"][0]["tasks"][0]["task_id"] == "play_1_first"


def test_the_inventory_of_a_document_gives_hosts_and_profiles(plan: Any) -> None:
    document = plan(str(DOCUMENTS / "with_facts.json"), "--force-binary", "-o", "json").plan
    (one,) = document["plays"][0]["host_classes"]
    assert (one["hosts"], one["connection"], one["profile"]["arch"], one["profile"]["os"]) == (["localhost"], "local", "aarch64", "darwin")
    assert document["binary_deployments"][0]["requirements"]["arch"] == "aarch64"


def test_an_inventory_of_rustle_parse_is_one_for_playbooks(plan: Any) -> None:
    document = plan("plain.yml", "-i", str(DOCUMENTS / "inventory.json"), "-l", "web", "-o", "json").plan
    assert document["hosts"] == ["w1"] and document["plays"][0]["host_classes"][0]["profile"]["arch"] == "x86_64"


def test_documents_that_cannot_be_are_named_by_field_or_line(plan: Any) -> None:
    assert "broken.json: line 1, column 12: expected JSON" in plan.bad("broken.json")
    assert "bad_field.json: plays[0].tasks[0].when: expected an expression" in plan.bad("bad_field.json")
    assert plan("surrogate.json", "-o", "json").plan["plays"][0]["name"] == "a\ud800"


# --- what cannot be -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing.yml",), "nothing.yml: expected a playbook, found nothing there"),
        (("broken.yml", "-i", "h,"), "broken.yml:"),
        (("unknown_module.yml", "-i", "h,"), "unknown_module.yml:3: couldn't resolve module/action 'no_such_module'"),
        (("itself.yml", "-i", "h,"), "contains itself"),
        (("lookup.yml", "-i", "h,"), "planning does not run the lookup pipe"),
        ((*BASIC, "--out", "nowhere/plan.json"), "nowhere/plan.json: cannot be written"),
        ((*BASIC, "--nonsense"), "unrecognized arguments: --nonsense"),
    ],
)
def test_one_message_says_what_is_wrong(plan: Any, arguments: tuple[str, ...], said: str) -> None:
    """More of them, in one process: tests/unit/plugins/plugin_utils/_cli."""
    assert said in plan.bad(*arguments)


def test_an_empty_inventory_gives_an_empty_plan_and_a_warning(plan: Any, home: Path) -> None:
    done = plan("site.yml", "-i", "folder", "-o", "json")
    assert done.plan["hosts"] == [] and "no host matches all" in done.said


def test_an_ansible_cfg_that_cannot_be_read_is_no_traceback(plan: Any) -> None:
    assert "ansible-core cannot start" in plan.bad(*BASIC, ANSIBLE_CONFIG="bad.cfg")


def test_a_plan_that_is_made_anew_says_what_a_remembered_one_does(plan: Any) -> None:
    assert plan(*BASIC, "--dry-run", "--no-cache").text == plan(*BASIC, "--dry-run").text


def test_what_ansible_prints_does_not_get_into_the_output(plan: Any) -> None:
    document = plan("skipped.yml", "-i", "h,", "-o", "json", ANSIBLE_VERBOSITY="3").plan
    assert {condition["When"]["decided"] for task in tasks(document).values() for condition in task["conditions"] if "When" in condition} >= {False}


def test_every_option_has_a_test_here() -> None:
    from ansible_collections.rustle.engine.plugins.plugin_utils._cli.plan import parser

    here = Path(__file__).read_text()
    options = [action.option_strings for action in parser()._actions if action.option_strings]
    assert not [names for names in options if not any(f'"{name}"' in here for name in names)]
    assert not [names for names in options for name in names if name.startswith("--") and f"`{name}" not in (ROOT / "docs" / "planning.md").read_text()]
