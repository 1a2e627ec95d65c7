# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs entries: their temporary directories, their steps one after another, each module in a forked child of its own.

Rule 1: never wait. `start` and `reap` return at once; the server calls `reap` when a child has ended or a deadline has passed.
Rule 2: a step is over when its child has ended, whatever it left running.
Rule 3: what an entry leaves behind is what its modules left behind on purpose: its temporary directory goes with it.
Rule 4: while a module runs, the child for the next one is forked and waits; it is used only if it is what a fork would be now.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from . import child
from .glance import glance
from .outcome import Progress
from .output import Files, Pipes, file_with
from .payload import Archive
from .spare import Spare
from .warm import WARM, Warmth

__all__ = ["Finished", "Runner"]


class Finished(NamedTuple):
    """An entry is over: the fields of the message done, and its blobs."""

    id: int
    steps: List[Dict[str, Any]]
    blobs: Tuple[bytes, ...]
    stop: Optional[str]


class Runner:
    """Runs any number of entries side by side. `ours`: descriptors that no child may keep, shared with the server."""

    def __init__(self, begin: child.Begin, warmth: Warmth, archives: Dict[str, Archive], ours: Set[int]) -> None:
        self._begin = begin
        self._warmth = warmth
        self._archives = archives
        self._ours = ours
        self._jobs: Dict[int, _Job] = {}
        self._spare: Optional[Spare] = None
        self.readable: Dict[int, Pipes] = {}  # to be watched; call `read` of it

    def start(self, entry: Dict[str, Any], blobs: Tuple[bytes, ...]) -> List[Finished]:
        """Begin an entry; it is returned if it is over already."""
        job = _Job(entry, blobs)
        self._jobs[entry["id"]] = job
        try:
            job.make_directory()
        except OSError as exc:
            now = time.time()
            job.add(-1, 1, b"", _words(exc), now, now)
            job.progress.abort("error")
        return self._advance(job)

    def reap(self) -> List[Finished]:
        """Return the entries that are over, after starting the next step of those that are not."""
        finished = []
        for job in list(self._jobs.values()):
            process = job.process
            if process is None:
                continue
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                job.process = None
                job.collect(process, status, usage)
                finished += self._advance(job)
            elif job.deadline is not None and time.monotonic() >= job.deadline:
                self.kill(job.entry["id"])
        return finished

    def prepare(self, upcoming: List[Dict[str, Any]]) -> None:
        """Fork the child of the next module, if there is one. `upcoming`: the entries that start after those that run."""
        if not self._jobs:
            self._end_spare()
        if self._spare is not None:
            return
        here = [step for job in self._jobs.values() if job.process is not None for step in job.entry["steps"][job.process.step + 1 :]]
        steps = (*here, *(step for entry in upcoming for step in entry["steps"]))
        step = next((step for step in steps if step["k"] == "module" and not step.get("stat")), None)
        archive = None if step is None else self._archives.get(step["payload"])
        if step is not None and archive is not None and self._warmth.is_ready(archive, step):
            try:
                self._spare = Spare(self._begin, self._archives, self._descriptors(), self._warmth.version)
            except OSError:
                pass  # a module's own start will say what is the matter

    def _end_spare(self) -> None:
        if self._spare is not None:
            self._spare.end()
            self._spare = None

    def kill(self, id: int, signum: int = signal.SIGKILL) -> None:
        """Kill what runs of an entry, with everything in its process group."""
        job = self._jobs.get(id)
        if job is not None and job.process is not None:
            job.killed = True
            job.deadline = None
            for kill in (os.killpg, os.kill):  # the child may not have come to make its group yet
                try:
                    kill(job.process.pid, signum)
                    return
                except ProcessLookupError:
                    pass

    def abandon(self, grace: float) -> None:
        """Nobody waits for results any more: end what runs, give it `grace` seconds for that, clean up."""
        for signum, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, grace)):
            for id in list(self._jobs):
                self.kill(id, signum)
            until = time.monotonic() + seconds
            while any(job.process is not None for job in self._jobs.values()) and time.monotonic() < until:
                for job in self._jobs.values():
                    if job.process is not None and os.wait4(job.process.pid, os.WNOHANG)[0]:
                        job.process = None
                time.sleep(0.005)
        for job in self._jobs.values():
            job.remove_directory()
        self._end_spare()

    def wait_until(self) -> Optional[float]:
        """Return the (monotonic) time at which `reap` is to be called even if no child has ended."""
        return min((job.deadline for job in self._jobs.values() if job.deadline is not None), default=None)

    @property
    def is_idle(self) -> bool:
        return not self._jobs

    def _advance(self, job: _Job) -> List[Finished]:
        while True:
            index = job.progress.next()
            if index is None:
                del self._jobs[job.entry["id"]]
                job.remove_directory()
                return [Finished(job.entry["id"], job.results, tuple(job.outputs), job.progress.stop)]
            step = job.step(index)
            if step["k"] == "put":
                job.put(index, step)
                continue
            if step.get("stat") and job.glance(index, step["stat"]):
                continue
            try:
                self._start_process(job, index, step)
            except OSError as exc:  # no process, no memory, no descriptor left
                now = time.time()
                job.add(index, 1, b"", _words(exc), now, now)
                job.progress.abort("error")
                continue
            return []

    def _start_process(self, job: _Job, index: int, step: Dict[str, Any]) -> None:
        is_module = step["k"] == "module"
        archive = self._archives[step["payload"]] if is_module else None
        mode = self._warmth.mode(archive, step) if archive else ""
        if mode == WARM and self._start_spare(job, index, step):
            return
        data = b"" if is_module or step.get("stdin") is None else job.blobs[step["stdin"]]
        stdin = file_with(data) if data else os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        try:
            output: Any = Files() if is_module else Pipes(self.readable)
            try:
                descriptors = self._descriptors()  # what is worked out before the fork is not copied by the child
                start = time.time()
                pid = self._begin.fork()
                if pid == 0:
                    streams = child.Streams(stdin, *output.ends)
                    if archive:
                        child.run_module(self._begin, mode, archive, step, streams, descriptors)
                    child.run_command(self._begin, step, streams, descriptors)
            except BaseException:
                output.close()
                raise
        finally:
            os.close(stdin)
        output.forked()
        job.process = _Process(pid, index, start, is_module, output)

    def _start_spare(self, job: _Job, index: int, step: Dict[str, Any]) -> bool:
        """Use the child that waits, if it is as good as a new one."""
        spare = self._spare
        if spare is None:
            return False
        if spare.version != self._warmth.version:
            self._end_spare()
            return False
        self._spare = None
        start = time.time()
        if not spare.run(step):
            return False
        job.process = _Process(spare.pid, index, start, True, spare.output)
        return True

    def _descriptors(self) -> Set[int]:
        """Everything that a child must not keep."""
        running = [job.process.output.descriptors for job in self._jobs.values() if job.process is not None]
        spare = self._spare.descriptors if self._spare is not None else ()
        return self._ours.union(self.readable, spare, *running)


class _Process(NamedTuple):
    pid: int
    step: int
    start: float
    is_module: bool
    output: Any


class _Job:
    """One entry while it runs."""

    def __init__(self, entry: Dict[str, Any], blobs: Tuple[bytes, ...]) -> None:
        self.entry = entry
        self.blobs = blobs
        self.progress = Progress(entry)
        self.results: List[Dict[str, Any]] = []
        self.outputs: List[bytes] = []
        self.process: Optional[_Process] = None
        self.killed = False
        timeout = entry.get("timeout")
        self.deadline = None if timeout is None else time.monotonic() + timeout
        self._directory: Optional[str] = None

    def make_directory(self) -> None:
        tmp = self.entry.get("tmp")
        if tmp is None:
            return
        base = os.path.abspath(os.path.expanduser(tmp["base"]))
        old = os.umask(0o077)  # `mkdir -p` under umask 77, as Ansible's shell plugin says it
        try:
            os.makedirs(base, exist_ok=True)
            os.mkdir(os.path.join(base, tmp["name"]))
        finally:
            os.umask(old)
        self._directory = os.path.join(base, tmp["name"])

    def remove_directory(self) -> None:
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    def step(self, index: int) -> Dict[str, Any]:
        """Return a step with the path of the temporary directory in place of its token."""
        step = self.entry["steps"][index]
        token = self.entry.get("token")
        if not token or self._directory is None:
            return step
        return {key: _replaced(value, token, json.dumps(self._directory)[1:-1] if key == "params" else self._directory) for key, value in step.items()}

    def put(self, index: int, step: Dict[str, Any]) -> None:
        start = time.time()
        try:
            descriptor = os.open(step["path"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, step["mode"] & 0o700)
            with open(descriptor, "wb") as file:
                file.write(self.blobs[step["blob"]])
                os.fchmod(descriptor, step["mode"])
        except OSError as exc:
            self.add(index, 1, b"", _words(exc), start, time.time())
            self.progress.step_ended(1)
        else:
            self.add(index, 0, b"", b"", start, time.time())
            self.progress.step_ended(0)

    def glance(self, index: int, hint: Dict[str, Any]) -> bool:
        """Answer a stat here, if that is possible. Not where there is a deadline: nothing ends this process when a file system hangs."""
        start = time.time()
        out = glance(hint) if self.deadline is None else None
        if out is None:
            return False
        self.add(index, 0, out, b"", start, time.time())
        self.progress.module_ended(index, out)
        return True

    def collect(self, process: _Process, status: int, usage: Any) -> None:
        """The process of the current step has ended."""
        end = time.time()
        out, err = process.output.take()
        # A signal shows as it does through the shell that stock puts in between.
        rc = os.WEXITSTATUS(status)
        if os.WIFSIGNALED(status):
            rc = 128 + os.WTERMSIG(status)
            if process.is_module and os.WTERMSIG(status) not in (signal.SIGINT, signal.SIGPIPE):
                err += ("%s\n" % signal.strsignal(os.WTERMSIG(status))).encode()
        self.add(process.step, rc, out, err, process.start, end, usage)
        if self.killed and (os.WIFSIGNALED(status) or process.step + 1 < len(self.entry["steps"])):
            self.progress.abort("killed")
        elif process.is_module:
            self.progress.module_ended(process.step, out)
        else:
            self.progress.step_ended(rc)

    def add(self, index: int, rc: int, out: bytes, err: bytes, start: float, end: float, usage: Any = None) -> None:
        self.results.append(
            {
                "i": index,
                "rc": rc,
                "out": len(self.outputs),
                "err": len(self.outputs) + 1,
                "start": start,
                "end": end,
                "utime": usage.ru_utime if usage else 0.0,
                "stime": usage.ru_stime if usage else 0.0,
                "maxrss": usage.ru_maxrss if usage else 0,
            }
        )
        self.outputs += [out, err]


def _replaced(value: Any, token: str, path: str) -> Any:
    if isinstance(value, str):
        return value.replace(token, path)
    if isinstance(value, list):
        return [_replaced(item, token, path) for item in value]
    if isinstance(value, dict):
        return {key: _replaced(item, token, path) for key, item in value.items()}
    return value


def _words(exc: OSError) -> bytes:
    return ("%s: %s" % (exc.filename, exc.strerror) if exc.filename else str(exc)).encode("utf-8", "surrogateescape")
