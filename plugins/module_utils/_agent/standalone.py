# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`python <payload> --run BUNDLE`: a small controller in front of an agent of its own (docs/deployments.md).

Rule 1: a bundle is checked as a whole before its first task runs. What is said of a bad one never repeats what it holds.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import zipfile
from typing import Any, Dict, Iterator, List, Tuple

from .framing import Decoder, ProtocolError, encode
from .messages import STEPS, VERSION, check, message

__all__ = ["FORMAT", "run"]

FORMAT = 1
_TASK = {"id": str, "module": str, "args": {}, "environment": STEPS["module"]["env"], "ignore_errors": STEPS["module"]["again"]}
_INTERRUPTED = 130


def run(archive: str, words: List[str]) -> int:
    """Run a bundle (`-`: out of stdin). Return the exit status: 0, 1 (a task failed), 2 (a bad bundle) or 130 (Ctrl-C)."""
    try:
        tasks = list(_tasks(archive, words))
    except (OSError, ProtocolError) as exc:
        sys.stderr.write("rustle: %s\n" % str(exc).partition(", found")[0])
        return 2
    counts = dict.fromkeys(("ok", "changed", "ignored", "failed"), 0)
    start = time.time()
    status = 0
    try:
        with subprocess.Popen([sys.executable, archive], bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as agent:
            for line in _lines(agent, tasks):
                counts[line["status"]] += 1
                _say(line)
        status = min(1, counts["failed"])
    except KeyboardInterrupt:  # the agent has had it too, and ends
        status = _INTERRUPTED
    counts["not_run"] = len(tasks) - sum(counts.values())
    _say({"summary": dict(counts, start=start, end=time.time())})
    return status


def _say(line: Dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _lines(agent: Any, tasks: List[Tuple[Dict[str, Any], bytes]]) -> Iterator[Dict[str, Any]]:
    """Run one task after the other, up to the first that fails; yield a line for each."""
    decoder = Decoder()
    agent.stdin.write(encode(message("hello", v=VERSION, cache_limit=1 << 40)))  # it prunes no cache
    for task, request in tasks:
        line = {"id": task["id"], "module": task["module"], "status": "failed"}
        done = None
        try:
            agent.stdin.write(request)
            while done is None:
                data = os.read(agent.stdout.fileno(), 1 << 18)
                if not data:
                    raise OSError
                done = next((frame for frame in decoder.feed(data) if frame.header["t"] == "done"), None)
        except OSError:
            yield dict(line, rc=None, result={"msg": "the agent is gone; nobody knows whether the task ran to its end"})
            return
        step = done.header["steps"][-1]
        out, err = (done.blobs[step[name]].decode("utf-8", "replace") for name in ("out", "err"))
        try:
            result = json.loads(out)
            if isinstance(result, dict):
                result.pop("invocation", None)  # the arguments: Ansible shows them with -vvv only
            if done.header.get("stop") in (None, "facts"):
                line["status"] = "changed" if result.get("changed") else "ok"
        except ValueError:
            result = {"msg": "expected one JSON object on stdout", "module_stdout": out}
        if line["status"] == "failed" and task.get("ignore_errors"):
            line["status"] = "ignored"
        rusage = {name: step[name] for name in ("utime", "stime", "maxrss", "inblock", "oublock")}
        yield dict(line, rc=step["rc"], result=result, stderr=err, start=step["start"], end=step["end"], rusage=rusage)
        if line["status"] == "failed":
            return


def _tasks(archive: str, words: List[str]) -> Iterator[Tuple[Dict[str, Any], bytes]]:
    """Yield each task with the message that has the agent run it. OSError or ProtocolError for a bundle that is none."""
    if len(words) != 1:
        raise ProtocolError("expected --run BUNDLE.json, or - for stdin")
    bundle = "stdin" if words[0] == "-" else words[0]
    with open(0 if words[0] == "-" else bundle, "rb") as file:
        try:
            content = json.loads(file.read())
        except (ValueError, RecursionError):
            raise ProtocolError("%s: expected JSON" % bundle) from None
    with open(archive, "rb") as file:
        sha = hashlib.sha256(file.read()).hexdigest()
    with zipfile.ZipFile(archive) as opened:
        manifest = json.loads(opened.read("manifest.json"))
    check(content, {"format": int, "tasks": [{}]}, bundle)
    if content["format"] != FORMAT:
        raise ProtocolError("%s: expected format %d" % (bundle, FORMAT))
    for number, task in enumerate(content["tasks"]):
        where = "%s: tasks[%d]" % (bundle, number)
        check(task, _TASK, where)
        env = task.get("environment") or {}
        if set(task) - set(_TASK):
            raise ProtocolError("%s: expected no keys but %s" % (where, ", ".join(_TASK)))
        if any(name.startswith(("PYTHON", "LD_")) for name in env):
            raise ProtocolError("%s.environment: expected no PYTHON* or LD_*, which have to be there before Python starts" % where)
        fqn = next((name for name in _meant(task["module"]) if name in manifest["modules"]), None)
        if fqn is None:
            raise ProtocolError("%s: expected a module of this archive (see --info)" % where)
        name = fqn.rpartition(".")[2]
        internal = {"_ansible_version": manifest["ansible"], "_ansible_module_name": task["module"], "_ansible_remote_tmp": "~/.ansible/tmp"}
        step = {"k": "module", "fqn": fqn, "name": name, "payload": sha, "profile": "legacy", "env": env, "utils": manifest["modules"][fqn]}
        step["params"] = json.dumps({"ANSIBLE_MODULE_ARGS": dict(internal, **task["args"])})
        entry = {"id": number, "lane": "", "epoch": number, "steps": [step], "facts_expected": True}
        yield task, encode(message("run", entries=[entry]))


def _meant(name: str) -> List[str]:
    """What a name may stand for among the modules of an archive, first choice first."""
    parts = name.split(".", 2)
    if parts[:2] == ["ansible", "builtin"]:
        return ["ansible.modules." + parts[-1]]
    if len(parts) == 1 or parts[:2] == ["ansible", "legacy"]:
        return ["ansible.legacy." + parts[-1], "ansible.modules." + parts[-1]]
    return [name, "ansible_collections.%s.plugins.modules.%s" % (".".join(parts[:2]), parts[-1])]
