# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`python <archive>.pyz --run BUNDLE`: literal tasks without a controller, on every Python that targets may have."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest
from ansible_collections.rustle.engine.plugins.module_utils._agent.standalone import FORMAT
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.payload import PayloadBuilder
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import ModuleRef

from .conftest import PATIENCE, PYTHONS, gone

NAMES = ("ping", "command", "stat")


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> pathlib.Path:
    import ansible.modules

    folder = tmp_path_factory.mktemp("archive")
    modules = pathlib.Path(ansible.modules.__file__).parent
    refs = [ModuleRef(name, f"ansible.modules.{name}", str(modules / f"{name}.py")) for name in NAMES]
    (payload,) = PayloadBuilder(str(folder / "cache")).build(refs)
    path = folder / "named.pyz"
    path.write_bytes(payload.read())
    return path


def task(module: str, *, id: str = "it", **fields) -> dict:
    return {"id": id, "module": module, "args": {}, **fields}


def command(line: str, **fields) -> dict:
    return task("ansible.builtin.command", args={"_raw_params": line, "_uses_shell": True}, **fields)


def start(python: str, archive: pathlib.Path, bundle: pathlib.Path | str, **popen) -> subprocess.Popen[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.Popen(
        [python, str(archive), "--run", str(bundle)], env=environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **popen)


class Run:
    """A bundle that was run: exit status, lines of the tasks, summary, stderr."""

    def __init__(self, python: str, archive: pathlib.Path, content: object) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        process = start(python, archive, "-")
        out, self.err = process.communicate(text, PATIENCE)
        self.rc = process.returncode
        *self.lines, last = [json.loads(line) for line in out.splitlines()] or [{}]
        self.summary = last.get("summary")


def bundle(*tasks: dict) -> dict:
    return {"format": FORMAT, "tasks": list(tasks)}


def test_results_do_not_repeat_the_arguments(python, archive):
    run = Run(python, archive, bundle(command("echo hi # hidden", id="one"), task("ping", id="two", args={"data": "shown"})))
    assert [line["status"] for line in run.lines] == ["changed", "ok"]
    assert run.lines[1]["result"] == {"ping": "shown"}
    assert "invocation" not in run.lines[0]["result"]


def test_tasks_run_in_order_and_each_has_a_line(python, archive, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(bundle(
        task("ping", id="one"), command(f"echo $WORD > {tmp_path}/word", id="two", environment={"WORD": "said"}),
        task("ansible.modules.stat", id="three", args={"path": f"{tmp_path}/word"}))))
    process = start(python, archive, path)
    out, err = process.communicate(timeout=PATIENCE)
    lines = [json.loads(line) for line in out.splitlines()]
    assert (process.returncode, err) == (0, "")
    assert [(line["id"], line["module"], line["status"], line["rc"]) for line in lines[:-1]] == [
        ("one", "ping", "ok", 0), ("two", "ansible.builtin.command", "changed", 0), ("three", "ansible.modules.stat", "ok", 0)]
    assert lines[0]["result"]["ping"] == "pong"
    assert lines[2]["result"]["stat"]["size"] == len("said\n")
    assert all(line["start"] <= line["end"] and set(line["rusage"]) == {"utime", "stime", "maxrss", "inblock", "oublock"} for line in lines[:-1])
    counts = {name: lines[-1]["summary"][name] for name in ("ok", "changed", "ignored", "failed", "not_run")}
    assert counts == {"ok": 2, "changed": 1, "ignored": 0, "failed": 0, "not_run": 0}


def test_the_first_failure_ends_it_unless_it_is_ignored(python, archive):
    run = Run(python, archive, bundle(command("exit 3", ignore_errors=True), command("exit 4"), task("ping")))
    assert run.rc == 1
    assert [(line["status"], line["result"]["rc"]) for line in run.lines] == [("ignored", 3), ("failed", 4)]
    assert (run.summary["ignored"], run.summary["failed"], run.summary["not_run"]) == (1, 1, 1)


def test_an_agent_that_is_killed_leaves_its_task_unknown(python, archive):
    kill = "import os; os.kill(int(open('/proc/%d/stat' % os.getppid()).read().rpartition(')')[2].split()[1]), 9)"
    run = Run(python, archive, bundle(task("ping"), command(f'exec {python} -c "{kill}"'), task("ping")))
    assert run.rc == 1
    assert [(line["status"], line["rc"]) for line in run.lines] == [("ok", 0), ("failed", None)]
    assert "the agent is gone" in run.lines[-1]["result"]["msg"]
    assert run.summary["not_run"] == 1


def test_ctrl_c_ends_it_with_a_summary_and_no_traceback(python, archive, tmp_path):
    # whoever runs the tests in the background has made SIGINT ignored for all of them
    process = start(python, archive, "-", start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    process.stdin.write(json.dumps(bundle(command(f"echo $$ > {tmp_path}/pid; exec sleep 600"))))
    process.stdin.close()
    process.stdin = None
    until = time.monotonic() + PATIENCE
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip()) and time.monotonic() < until:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (130, "")
    assert json.loads(out.splitlines()[-1])["summary"]["not_run"] == 1
    assert gone(int((tmp_path / "pid").read_text()))


SECRET = "tiger"
BAD = {
    "no JSON": ('{"format"', "expected JSON"),
    "not UTF-8": ('"\udcff"', "expected JSON"),
    "too deep": ("[" * 200_000, "expected JSON"),
    "a list": ([SECRET], "expected an object"),
    "no format": ({"tasks": []}, "'format'"),
    "another format": ({"format": 2, "tasks": []}, "expected format 1"),
    "no tasks": ({"format": 1}, "'tasks'"),
    "a task that is a word": ({"format": 1, "tasks": [SECRET]}, "expected an object"),
    "no module": (bundle({"id": "x", "args": {}}), "'module'"),
    "args that are a text": (bundle({"id": "x", "module": "ping", "args": SECRET}), "tasks[0].args"),
    "an unknown key": (bundle(task("ping", become=SECRET)), "expected no keys but id, module"),
    "a module that is not in it": (bundle(task("ping"), task(f"{SECRET}.copy.copy")), "tasks[1]: expected a module of this archive"),
    "a module of two words": (bundle(task("a.ping")), "tasks[0]: expected a module of this archive"),
    "a variable for Python": (bundle(task("ping", environment={"PYTHONPATH": SECRET})), "no PYTHON* or LD_*"),
    "a variable that is a number": (bundle(task("ping", environment={"A": 1})), "environment"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_bundle_runs_nothing_and_is_refused_in_one_line_without_its_content(archive, bad):
    content, words = BAD[bad]
    text = content if isinstance(content, str) else json.dumps(content)
    process = subprocess.run(
        [PYTHONS[0], str(archive), "--run", "-"], input=text.encode("utf-8", "surrogateescape"), capture_output=True, check=False)
    assert (process.returncode, process.stdout) == (2, b"")
    err = process.stderr.decode()
    assert words in err and err.count("\n") == 1 and err.startswith("rustle: ") and "stdin" in err
    assert SECRET not in err


def test_other_words_are_refused(archive, tmp_path):
    for words in ([], ["a", "b"], [str(tmp_path / "nothing.json")]):
        done = subprocess.run([PYTHONS[0], str(archive), "--run", *words], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
