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
from typing import Any, Dict, Iterator, List

from .framing import Decoder, ProtocolError, encode
from .messages import STEPS, VERSION, check, message

__all__ = ["FORMAT", "run"]

FORMAT = 1
_TASK = {"id": str, "module": str, "args": {}, "environment": STEPS["module"]["env"], "ignore_errors": STEPS["module"]["again"]}


def run(archive: str, words: List[str]) -> int:
    """Run a bundle (`-`: out of stdin). Return the exit status: 0, 1 (a task failed) or 2 (a bad bundle)."""
    try:
        entries = list(_entries(archive, words))
    except (OSError, ProtocolError) as exc:
        print("rustle: %s" % str(exc).partition(", found")[0], file=sys.stderr)
        return 2
    counts = dict.fromkeys(("ok", "changed", "ignored", "failed"), 0)
    start = time.time()
    with subprocess.Popen([sys.executable, archive], bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as agent:
        for line in _lines(agent, entries):
            counts[line["status"]] += 1
            print(json.dumps(line), flush=True)
    counts["not_run"] = len(entries) - sum(counts.values())
    print(json.dumps({"summary": dict(counts, start=start, end=time.time())}))
    return min(1, counts["failed"])


def _lines(agent: Any, entries: List[Any]) -> Iterator[Dict[str, Any]]:
    decoder = Decoder()
    agent.stdin.write(encode(message("hello", v=VERSION, cache_limit=1 << 40)))
    for task, entry in entries:
        line = {"id": task["id"], "module": task["module"], "status": "failed"}
        done = None
        try:
            agent.stdin.write(encode(message("run", entries=[entry])))
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
            if not done.header.get("stop") or done.header["stop"] == "facts":
                line["status"] = "changed" if result.get("changed") else "ok"
        except ValueError:
            result = {"msg": "expected one JSON object on stdout", "module_stdout": out}
        if line["status"] == "failed" and task.get("ignore_errors"):
            line["status"] = "ignored"
        rusage = {name: step[name] for name in ("utime", "stime", "maxrss")}
        yield dict(line, rc=step["rc"], result=result, stderr=err, start=step["start"], end=step["end"], rusage=rusage)
        if line["status"] == "failed":
            return


def _entries(archive: str, words: List[str]) -> Iterator[Any]:
    """Yield each task and the agent's entry for it."""
    bundle = "".join(words)
    if len(words) != 1:
        raise ProtocolError("expected --run BUNDLE.json, or - for stdin")
    with open(0 if bundle == "-" else bundle, "rb") as file:
        try:
            content = json.loads(file.read())
        except ValueError:
            raise ProtocolError("%s: expected JSON" % bundle) from None
    with open(archive, "rb") as file:
        data = file.read()
    manifest = json.loads(zipfile.ZipFile(archive).read("manifest.json"))
    check(content, {"format": int, "tasks": [{}]}, bundle)
    if content["format"] != FORMAT:
        raise ProtocolError("%s: expected format %d" % (bundle, FORMAT))
    for number, task in enumerate(content["tasks"]):
        where = "%s: tasks[%d]" % (bundle, number)
        check(task, _TASK, where)
        env = task.get("environment") or {}
        if set(task) - set(_TASK) or any(name.startswith(("PYTHON", "LD_")) for name in env):
            raise ProtocolError("%s: expected no keys but %s, and no PYTHON* or LD_* in environment" % (where, ", ".join(_TASK)))
        parts = task["module"].split(".", 2)
        found = {task["module"], "ansible_collections.%s.plugins.modules.%s" % (".".join(parts[:2]), parts[-1])}
        if len(parts) == 1 or parts[:2] in (["ansible", "builtin"], ["ansible", "legacy"]):
            found = {"ansible.modules." + parts[-1], "ansible.legacy." + parts[-1]}
        fqn = next(iter(found & set(manifest["modules"])), None)
        if fqn is None:
            raise ProtocolError("%s: expected a module of this archive (see --info)" % where)
        args = {"_ansible_version": manifest["ansible"], "_ansible_remote_tmp": "~/.ansible/tmp", **task["args"]}
        step = {"k": "module", "fqn": fqn, "name": parts[-1], "payload": hashlib.sha256(data).hexdigest(), "profile": "legacy", "env": env}
        step.update(params=json.dumps({"ANSIBLE_MODULE_ARGS": args}), utils=manifest["modules"][fqn])
        yield task, {"id": number, "lane": "", "epoch": number, "steps": [step], "facts_expected": True}
