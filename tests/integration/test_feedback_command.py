# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""rustle-feedback as a user calls it: a process of its own, every command and option, and what it says of everything that cannot be."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore

from tests.lab.history import BEGIN, a_run, run_id, runs
from tests.lab.play import COLLECTIONS, ROOT

ENTRY = COLLECTIONS / "ansible_collections" / "rustle" / "engine" / "plugins" / "plugin_utils" / "_cli" / "entry.py"
MODULE = "ansible_collections.rustle.engine.plugins.plugin_utils._cli.feedback"
SCHEMA = json.loads((ROOT / "docs" / "feedback.schema.json").read_text())
IDS = [run_id(number) for number in range(10)]


class Said(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The document, which is as its schema says."""
        assert (self.status, self.err) == (0, "")
        document = json.loads(self.out)
        jsonschema.validate(document, SCHEMA)
        return document

    @property
    def lines(self) -> list[str]:
        assert (self.status, self.err) == (0, "")
        return self.out.splitlines()


Command = Callable[..., Said]


def filled(path: Path, *made: Any) -> None:
    store = SqliteStore(str(path))
    for one in made:
        store.put(one.records)
    store.close()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight runs of site.yml, and one of other.yml before them."""
    path = tmp_path_factory.mktemp("kept") / "feedback.db"
    filled(path, a_run(0, playbook="other.yml", execution="f" * 32, started=BEGIN - 86400), *runs(8, hosts=8))
    return path


@pytest.fixture
def command(kept: Path, tmp_path: Path) -> Command:
    """Run the command on a copy of the history, in an empty folder."""
    shutil.copy(kept, tmp_path / "feedback.db")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE_", "RUSTLE_", "PYTHON"))}
    clean |= {"RUSTLE_FEEDBACK_DB": str(tmp_path / "feedback.db"), "COLUMNS": "120", "HOME": str(tmp_path), "TZ": "UTC", "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*arguments: str, **env: str) -> Said:
        words = [sys.executable, str(ENTRY), "--feedback", *arguments]
        done = subprocess.run(words, cwd=tmp_path, env=clean | env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60)
        return Said(done.returncode, done.stdout, done.stderr)

    return run


# --- the commands -------------------------------------------------------------------------------------------------------------


def test_runs_are_listed_newest_first(command: Command) -> None:
    lines = command("runs").lines
    assert [line.split()[0] for line in lines[1:]] == [one[:8] for one in reversed(IDS[:8])] + ["f" * 8]
    assert re.search(r"2026-09-28 14:13  site.yml   failed ", lines[1])
    assert [line.split()[0] for line in command("runs", "--playbook", "other.yml").lines[1:]] == ["f" * 8]
    assert len(command("runs", "--limit", "2").lines) == 3
    assert [one["execution"] for one in command("runs", "--playbook", "/srv/site.yml", "--limit", "2", "--json").json["runs"]] == [IDS[7], IDS[6]]


@pytest.mark.parametrize(("word", "number"), [("last", 7), ("-1", 7), ("-2", 6), (IDS[3], 3), (IDS[3][:5].upper(), 3), (None, 7)])
def test_a_run_is_found_by_what_people_call_it(command: Command, word: str | None, number: int) -> None:
    assert command("show", *([] if word is None else [word]), "--json").json["run"]["execution"] == IDS[number]


def test_a_run_is_shown(command: Command) -> None:
    said = command("show", "-1")
    assert said.lines[0] == "site.yml: failed" and "usually" in said.out and "in 7 earlier runs" in said.out
    assert "failed: check users on web01 (timeout)\n  Timeout when waiting for 10.0.0.7:8080" in said.out
    assert "install nginx" not in said.out.partition("ADAPTATION")[0] and "install nginx" in command("show", "-1", "--tasks").out
    document = command("show", "last", "--json").json
    assert len(document["tasks"]) == 12 and {one["status"] for one in document["results"]} == {"ok", "changed", "failed", "skipped"}
    assert document["plan"]["tasks"] == 12 and len(document["adaptations"]) == 3 and document["report"]["lines"]


def test_two_runs_are_compared(command: Command) -> None:
    said = command("compare", "-2", "-1")
    row = next(line for line in said.lines if line.startswith("configure nginx"))
    assert "slower" in row and re.search(r"took \d+ s, then \d+ s \(\+\d+ %\)", said.out)
    document = command("compare", IDS[6][:6], "last", "--json").json
    by_name = {one["name"]: one for one in document["compared"]}
    assert (document["before"]["execution"], document["after"]["execution"]) == (IDS[6], IDS[7])
    assert by_name["configure nginx"]["significant"] is True and by_name["install nginx"]["significant"] is False
    assert "more tasks that differ (--limit)" in command("compare", "-2", "-1", "--limit", "1").out


def test_hosts_are_compared_with_each_other(command: Command) -> None:
    assert command("hosts").lines[1].split()[:2] == ["web02", "9"]
    found = command("hosts", "--playbook", "site.yml", "--limit", "3", "--json").json["host_histories"]
    assert found[0]["host"] == "web02" and found[0]["pace"] > 1.5 and found[0]["runs"] == 3


def test_tasks_are_told_over_runs(command: Command) -> None:
    found = command("tasks", "--playbook", "site.yml", "--json").json["task_histories"]
    failing = next(one for one in found if one["name"] == "check users")
    assert failing["counts"]["failed"] == 3 and len(failing["medians"]) == 8
    assert command("tasks").lines[0].startswith("TASK")


def test_trends_are_told_and_chance_is_not(command: Command, tmp_path: Path) -> None:
    slowing = [a_run(number, hosts=4, faults=False, slower=1 + number / 4) for number in range(10)]
    filled(tmp_path / "slow.db", *slowing)
    found = command("trends", "--db", "slow.db", "--json").json["trends"]
    directions = {one["name"]: one["direction"] for one in found if one["kind"] == "task"}
    assert directions["configure nginx"] == "degrading" and directions["write backups"] == "stable"
    assert {one["subject"] for one in found if one["kind"] == "host"} == {"web01", "web02", "web03", "web04"}
    said = command("trends", "--db", "slow.db")
    row = next(line for line in said.lines if "configure nginx" in line)
    assert row.startswith("task") and "degrading" in row and row.rstrip()[-1] == "█" and " stable, in 10 runs" in said.out
    assert "playbook  site.yml" in said.out
    assert command("trends", "--limit", "2").out == "nothing has been in five runs yet: 2 runs looked at\n"
    assert command("trends", "--playbook", "site.yml").status == 0


def test_recommendations_come_with_their_change(command: Command) -> None:
    said = command("recommend")
    assert "critical: Turn host key checking on" in said.lines and "    host_key_checking = True" in said.lines
    assert "  install nginx: setup takes" in said.out
    assert {one["code"] for one in command("recommend", "--json", "--playbook", "site.yml", "--limit", "1").json["recommendations"]} == {
        "gather-subset", "host-key-checking",
    }  # fmt: skip


def test_recommendations_are_worked_out_where_none_were_kept(command: Command, tmp_path: Path) -> None:
    made = [a_run(number, hosts=4, faults=False) for number in range(10)]
    for one in made:
        one.recommendations.clear()
    filled(tmp_path / "bare.db", *made)
    found = command("recommend", "--db", "bare.db", "--json").json["recommendations"]
    assert found and {one["execution"] for one in found} == {IDS[9]}
    assert found == command("show", "last", "--db", "bare.db", "--json").json["recommendations"]
    assert "web02 takes" in command("recommend", "--db", "bare.db").out
    assert "web02 takes" in command("report", "--db", "bare.db").out


def test_runs_go_out_as_json_csv_and_a_page(command: Command, tmp_path: Path) -> None:
    document = command("export", "json", "--limit", "2").json
    assert [one["run"]["execution"] for one in document["exported"]] == [IDS[6], IDS[7]]
    rows = list(csv.DictReader(io.StringIO(command("export", "csv", "--playbook", "site.yml", "--limit", "1").out)))
    assert len(rows) == len(document["exported"][1]["results"]) and {row["playbook"] for row in rows} == {"/srv/site.yml"}
    said = command("export", "html", "--out", str(tmp_path / "runs.html"))
    assert (said.status, said.out) == (0, "") and "9 runs of other.yml, site.yml" in (tmp_path / "runs.html").read_text()


def test_a_report_is_a_page_or_text(command: Command, tmp_path: Path) -> None:
    assert command("report", "-1").out.startswith("<!DOCTYPE html>")
    said = command("report", IDS[7], "-o", "html", "--out", "run.html")
    assert (said.status, said.out, said.err) == (0, "", "")
    page = (tmp_path / "run.html").read_text()
    assert "Timeout when waiting" in page and "usually" in page
    assert command("report", "last", "--output", "text").lines[0] == "site.yml: failed"
    document = command("report", "last", "--out", str(tmp_path / "again.html"), "--json").json
    assert document["written"] == str(tmp_path / "again.html") and (tmp_path / "again.html").exists()


def test_a_rating_is_kept(command: Command) -> None:
    assert "****" in command("rate", "last", "4", "--note", "slow again").out
    document = command("rate", "-2", "1", "--json").json
    assert (document["run"]["execution"], document["run"]["rating"]) == (IDS[6], 1)
    assert "rated 4 of 5: slow again" in command("show").out


def test_old_runs_are_removed(command: Command) -> None:
    days = int((time.time() - BEGIN) / 86400) - 3  # runs 0 to 3 are older, if this is not within seconds of their time of the day
    trial = command("prune", "--days", str(days), "--dry-run", "--json").json["pruned"]
    assert trial["dry_run"] and "f" * 32 in {one["execution"] for one in trial["runs"]} and len(command("runs").lines) == 10
    said = command("prune", "--days", str(days))
    assert f"{len(trial['runs'])} runs removed" in said.out and len(command("runs").lines) == 10 - len(trial["runs"])
    assert "would be removed" in command("prune", "--size", "1K", "--dry-run").out
    assert command("prune", "--size", "100M").out == "nothing to remove\n"
    assert command("prune").status == 0  # as the settings say


def test_adaptations_show_what_has_helped_until_it_is_forgotten(command: Command) -> None:
    (rate,) = command("adaptations", "--json").json["rates"]
    assert rate == {"policy": "retry", "error_class": "package-lock", "host_class": "ssh/linux/x86_64/3.11", "successes": 4, "trials": 4}
    assert "4 of 4" in command("adaptations").out
    assert command("adaptations", "--reset").out == "no adaptation has shown yet whether it helps\n"
    assert command("adaptations", "--json").json["rates"] == []
    assert len(command("show", "--json").json["adaptations"]) == 3


def test_the_status_of_a_run_that_goes_on_and_of_one_that_has_ended(command: Command, tmp_path: Path) -> None:
    assert command("status").lines[0] == "site.yml: failed" and command("status", "-2", "--json").json["progress"]["total"] == 96
    going = a_run(9, hosts=8, controller="elsewhere")
    until = going.execution.started + 10
    going.execution = dataclasses.replace(going.execution, status="running", ended=None, seen=until)
    going.results = [one if (one.ended or 0) < until else dataclasses.replace(one, status="running", ended=None, duration=None)
                     for one in going.results if (one.began or 0) < until]  # fmt: skip
    filled(tmp_path / "feedback.db", going)
    said = command("status")
    assert re.fullmatch(r"site.yml: running, \d+ %, play Web servers", said.lines[0]) and re.search(r"\d+ of 96 results · .* to .* left", said.out)
    document = command("status", "last", "--json").json
    assert 0 < document["progress"]["done"] < document["progress"]["total"] == 96 and document["progress"]["active"]
    assert document["progress"]["low"] < document["progress"]["high"]


def test_watching_ends_with_the_run(command: Command, tmp_path: Path) -> None:
    going = a_run(9, hosts=8, status="running", ended=None, controller=os.uname().nodename, pid=2**22 + 1)  # a process that cannot be
    filled(tmp_path / "feedback.db", going)
    assert command("status", "--watch").out.startswith("site.yml: interrupted")
    assert "interrupted" in command("runs").out


LIVE = """
- hosts: all
  gather_facts: false
  strategy: rustle.engine.rustle_binary_hybrid
  tasks:
    - name: first
      ansible.builtin.shell: until [ -e "{{ playbook_dir }}/go" ]; do sleep 0.1; done
      changed_when: false
    - {name: second, ansible.builtin.command: "true", changed_when: false}
    - {name: third, ansible.builtin.command: "false", ignore_errors: true}
"""


def test_a_real_run_is_watched_from_another_process_and_shown(command: Command, tmp_path: Path) -> None:
    (tmp_path / "live.yml").write_text(LIVE)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE_", "RUSTLE_"))} | {
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_CALLBACKS_ENABLED": "rustle.engine.feedback", "RUSTLE_FEEDBACK_DB": str(tmp_path / "live.db"),
    }  # fmt: skip
    playbook = [sys.executable, "-m", "ansible", "playbook", "-i", "h1,h2,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}", "live.yml"]
    watch = [sys.executable, str(ENTRY), "--feedback", "status", "--watch", "--db", "live.db"]
    quiet: dict[str, Any] = {"cwd": tmp_path, "env": env, "stdin": subprocess.DEVNULL}
    with subprocess.Popen(playbook, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **quiet) as running:
        try:
            while running.poll() is None and "running" not in command("runs", "--db", "live.db").out:
                time.sleep(0.2)
            with subprocess.Popen(watch, stdout=subprocess.PIPE, text=True, **quiet) as watching:
                assert watching.stdout is not None and watching.stdout.readline().startswith("live.yml: running")
                (tmp_path / "go").touch()
                assert watching.stdout.read().splitlines()[-1].startswith("live.yml: success · 6 results")
                assert watching.wait(60) == 0
        finally:  # or it would wait for ever
            (tmp_path / "go").touch()
        assert running.wait(60) == 0
    document = command("show", "--db", "live.db", "--json").json
    assert [one["name"] for one in document["tasks"]] == ["first", "second", "third"]
    assert sorted((one["host"], one["status"]) for one in document["results"] if one["task_id"] == document["tasks"][2]["task_id"]) == [
        ("h1", "ignored"), ("h2", "ignored"),
    ]  # fmt: skip
    assert {one["path"] for one in document["results"]} == {"agent"} and all(one["duration"] > 0 for one in document["results"])
    assert "<canvas" in command("report", "--db", "live.db").out


AGAIN = """
- hosts: all
  gather_facts: false
  strategy: rustle.engine.rustle_binary_hybrid
  handlers:
    - {name: restart, ansible.builtin.command: "true"}
  tasks:
    - {name: first, ansible.builtin.command: "true", notify: restart}
    - ansible.builtin.meta: flush_handlers
    - {name: include, ansible.builtin.include_tasks: included.yml, loop: [1, 2]}
"""


def test_what_runs_several_times_on_a_host_is_kept_each_time(command: Command, tmp_path: Path) -> None:
    """A handler is the same task each time; what is included again is another one."""
    (tmp_path / "again.yml").write_text(AGAIN)
    (tmp_path / "included.yml").write_text('- {name: inside, ansible.builtin.command: "true", notify: restart}\n')
    env = {k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE_", "RUSTLE_"))} | {
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_CALLBACKS_ENABLED": "rustle.engine.feedback", "RUSTLE_FEEDBACK_DB": str(tmp_path / "again.db"),
    }  # fmt: skip
    playbook = [sys.executable, "-m", "ansible", "playbook", "-i", "h1,h2,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}", "again.yml"]
    subprocess.run(playbook, cwd=tmp_path, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, timeout=120)
    document = command("show", "--db", "again.db", "--json").json
    names = {one["task_id"]: one["name"] for one in document["tasks"]}
    found = sorted((names[one["task_id"]], one["occurrence"]) for one in document["results"] if one["host"] == "h1")
    assert found == [("first", 1), ("include", 1), ("inside", 1), ("inside", 1), ("restart", 1), ("restart", 2)]
    assert len(document["results"]) == 12
    progress = command("status", "--db", "again.db", "--json").json["progress"]
    assert (progress["done"], progress["share"], progress["round_trips"]) == (12, 1.0, document["run"]["round_trips"])


# --- what cannot be ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["show", "zzzz"], "there is no run 'zzzz'", f"the last ones are {IDS[7][:8]} (site.yml, 2026-09-28 14:13), {IDS[6][:8]}"),
        (["show", IDS[7][:5] + "0"], f"there is no run '{IDS[7][:5]}0'", f"did you mean {IDS[7][:8]} (site.yml, 2026-09-28 14:13)"),
        (["show", "-99"], "there is no run -99", "there are 9 of them"),
        (["show", ""], "there is no run ''", "the last ones"),
        (["runs", "--playbook", "none.yml"], "there is no run of 'none.yml'", "there are runs of other.yml, site.yml"),
        (["runs", "--limit", "0"], "expected a number from 1 on, found '0'", "--help"),
        (["prune", "--size", "many"], "expected a size like 500K, 100M or 1G, found 'many'", "--help"),
        (["rate", "last", "6"], "invalid choice: 6", "--help"),
        (["frobnicate"], "invalid choice: 'frobnicate'", "--help"),
        ([], "which command?", "--help"),
        (["report", "--out", "/no/such/folder/x.html"], "/no/such/folder/x.html: cannot be written", ""),
    ],
)
def test_what_cannot_be_is_one_line_and_a_hint(command: Command, arguments: list[str], message: str, hint: str) -> None:
    said = command(*arguments)
    assert (said.status, said.out) == (1, "")
    first, *rest = said.err.splitlines()
    assert first.startswith("rustle-feedback") and message in first
    assert not hint or (len(rest) == 1 and rest[0].startswith("hint: ") and hint in rest[0])


def test_an_id_that_many_begin_with_is_refused_with_candidates(tmp_path: Path, command: Command) -> None:
    filled(tmp_path / "two.db", a_run(0, execution="ab" + "0" * 30), a_run(1, execution="ab" + "1" * 30))
    said = command("show", "ab", "--db", "two.db")
    assert said.status == 1 and "2 runs begin with 'ab'" in said.err and "hint: one of ab111111 (site.yml" in said.err


def test_a_history_that_is_not_there_is_told_and_not_made(command: Command, tmp_path: Path) -> None:
    said = command("runs", "--db", "none.db")
    assert said.status == 1 and "there is no history of runs yet" in said.err and "hint: enable the callback" in said.err
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_history_is_left_alone(command: Command, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database, and long enough to be sure of it" * 50)
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE mine (x)")
    other.commit()
    other.close()
    for name in ("text.db", "other.db"):
        said = command("runs", "--db", name)
        assert said.status == 1 and name in said.err and "Traceback" not in said.err
    assert sqlite3.connect(tmp_path / "other.db").execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)


def test_the_database_is_found_in_the_ansible_cfg_that_ansible_would_take(command: Command, tmp_path: Path) -> None:
    (tmp_path / "ansible.cfg").write_text("[rustle]\nfeedback_db = feedback.db\n")
    assert len(command("runs", RUSTLE_FEEDBACK_DB="").lines) == 10
    (tmp_path / "elsewhere.cfg").write_text("[rustle]\nfeedback_db = none.db\n")
    assert "none.db" in command("runs", RUSTLE_FEEDBACK_DB="", ANSIBLE_CONFIG="elsewhere.cfg").err


def test_a_bad_setting_is_told(command: Command) -> None:
    assert "RUSTLE_FEEDBACK_DAYS" in command("prune", RUSTLE_FEEDBACK_DAYS="many").err


def test_hostile_names_do_not_reach_the_terminal(command: Command, tmp_path: Path) -> None:
    made = a_run(0, execution="c" * 32, playbook="\x1b[2J<script>\u202e.yml", hosts=["h\x1b]0;x\x07", "\udcff"])
    filled(tmp_path / "hostile.db", made)
    texts = (["runs"], ["show"], ["hosts"], ["tasks"], ["report", "-o", "text"])
    for arguments in (*texts, ["report"], ["export", "html"], ["show", "--json"], ["export", "csv"]):
        said = command(*arguments, "--db", "hostile.db")
        assert said.status == 0, said.err
        if arguments[0] != "export" or "csv" not in arguments:
            assert "\x1b" not in said.out, arguments
        if arguments in (["report"], ["export", "html"]):
            assert "<script>\u202e" not in said.out and "&lt;script&gt;" in said.out
    for arguments in (["show", "none"], ["runs", "--playbook", "none.yml"]):
        said = command(*arguments, "--db", "hostile.db")
        assert said.status == 1 and "script" in said.err and "\x1b" not in said.err


def test_a_broken_pipe_is_quiet(tmp_path: Path, kept: Path) -> None:
    line = f"{sys.executable} {ENTRY} --feedback export json --db {kept} | head -c 12"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ('{\n  "format"', "")


def test_colour_is_for_terminals(command: Command) -> None:
    assert "\x1b" not in command("runs").out


# --- the door -----------------------------------------------------------------------------------------------------------------


def test_it_runs_as_a_module_and_needs_no_ansible(kept: Path, tmp_path: Path) -> None:
    code = f"import runpy, sys; sys.argv[1:] = ['runs', '--db', {str(kept)!r}]; sys.exit = lambda code: print(code, 'ansible' in sys.modules);"
    code += f"runpy.run_module({MODULE!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(COLLECTIONS)}, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "0 False", done.stderr


def test_its_version_is_that_of_the_collection(command: Command) -> None:
    version = re.search(r"^version: (\S+)$", (ROOT / "galaxy.yml").read_text(), re.MULTILINE)
    assert version and command("--version").out.startswith(f"rustle-feedback {version[1]} (Python ")
    assert command("-V").status == 0


def test_the_schema_is_that_of_the_records() -> None:
    from tests.tools import feedback_schema

    def bare(schema: Any) -> Any:
        """Without texts, which follow docstrings when the file is written anew."""
        if isinstance(schema, dict):
            return {key: bare(value) for key, value in schema.items() if not (key == "description" and isinstance(value, str))}
        return list(map(bare, schema)) if isinstance(schema, list) else schema

    assert bare(SCHEMA) == bare(feedback_schema.schema()), "python tests/tools/feedback_schema.py writes it anew"


def test_every_command_and_option_has_a_test_here_and_is_documented() -> None:
    from ansible_collections.rustle.engine.plugins.plugin_utils._cli.feedback import parser

    here, page = Path(__file__).read_text(), (ROOT / "docs" / "feedback.md").read_text()
    commands = next(action for action in parser()._actions if action.dest == "command").choices
    assert isinstance(commands, dict)
    missing = [name for name in commands if f'"{name}"' not in here or f"`rustle-feedback {name}" not in page]
    for one in commands.values():
        for action in one._actions:
            names = [name for name in action.option_strings if name.startswith("--")]
            missing += [name for name in names if name != "--help" and (f'"{name}"' not in here or f"`{name}" not in page)]
    assert not missing
