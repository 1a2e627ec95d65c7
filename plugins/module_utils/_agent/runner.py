# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs entries: their temporary directories, their steps one after another, each module in a forked child.

Rule 1: never wait. `start` and `reap` return at once; the server calls `reap` when a child has ended or a deadline has passed.
Rule 2: a step is over when its child has ended, whatever it left running.
Rule 3: what an entry leaves behind is what its modules left behind on purpose: its temporary directory goes with it.
Rule 4: while a module runs, the child for the next one is forked and waits; it is used only if it is what a fork would be now.
Rule 5: a child that is again what it was may run another module (baseline.py). Not where there is a deadline: an entry that is killed takes its
        process group along.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from . import child
from .baseline import is_possible
from .glance import glance
from .outcome import Progress
from .output import Files, Pipes, file_with
from .payload import Archive
from .spare import Spare
from .warm import WARM, Warmth

__all__ = ["Finished", "Runner"]

_MAX_IDLE = 8  # children that have run a module and wait for another


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
        self._idle: List[Spare] = []
        self._reuses: Optional[bool] = None  # known once everything is imported
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
            waiting = process.child
            report = waiting.report() if waiting is not None else None
            if waiting is not None and report is not None:
                job.process = None
                out, err = self._put_aside(waiting)
                job.collect(process, report.rc, out, err, report.usage)
                finished += self._advance(job)
                continue
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                job.process = None
                if waiting is not None:
                    waiting.close()
                out, err = process.output.take()
                rc, err = _exit_of(process, status, err)
                job.collect(process, rc, out, err, usage)
                finished += self._advance(job)
            elif job.deadline is not None and time.monotonic() >= job.deadline:
                self.kill(job.entry["id"])
        return finished

    @property
    def reports(self) -> List[int]:
        """Descriptors to be watched beside signals: when one is readable, `reap` is to be called."""
        return [busy.reports for busy in self._busy]

    @property
    def _busy(self) -> List[Spare]:
        """Children that run a module and may be there for others after it."""
        return [job.process.child for job in self._jobs.values() if job.process is not None and job.process.child is not None]

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
        if step is None or archive is None or not self._warmth.is_ready(archive, step) or self._will_be_free(step):
            return
        try:
            self._spare = Spare(self._begin, self._archives, self._descriptors(), self._warmth.version)
        except OSError:
            pass  # a module's own start will say what is the matter

    def _will_be_free(self, step: Dict[str, Any]) -> bool:
        """Whether there is, or may be by then, a child that has run something and suits this step."""
        return bool(step.get("again")) and any(waiting.suits(step, self._warmth.version) for waiting in (*self._idle, *self._busy))

    def rest(self) -> None:
        """Nothing has been asked for a while: keep no more than is needed."""
        while self._idle:
            self._idle.pop().end()

    def _end_spare(self) -> None:
        if self._spare is not None:
            self._spare.end()
            self._spare = None

    def kill(self, id: int, signum: int = signal.SIGKILL) -> None:
        """Kill what runs of an entry, with everything in its process group; without what modules before it have left there."""
        job = self._jobs.get(id)
        if job is not None and job.process is not None:
            job.killed = True
            job.deadline = None
            if job.process.child is not None and job.process.child.runs > 1:
                _kill_tree(job.process.pid, signum)
                return
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
        self.rest()

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
        if mode == WARM and self._start_waiting(job, index, step):
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
        job.process = _Process(pid, index, start, is_module, output, None)

    def _start_waiting(self, job: _Job, index: int, step: Dict[str, Any]) -> bool:
        """Use a child that waits, if one is as good as a new one."""
        again = bool(step.get("again")) and job.deadline is None and self._can_reuse()
        start = time.time()
        while True:
            waiting = self._taken(step, again)
            if waiting is None:
                return False
            if waiting.run(step, again=again):
                job.process = _Process(waiting.pid, index, start, True, waiting.output, waiting if again else None)
                return True

    def _taken(self, step: Dict[str, Any], again: bool) -> Optional[Spare]:
        """Take a child for this step from those that wait; `again`: make one if there is none."""
        version = self._warmth.version
        for waiting in [waiting for waiting in self._idle if waiting.version != version]:
            self._idle.remove(waiting)
            waiting.end()
        for waiting in reversed(self._idle):
            if again and waiting.suits(step, version):
                self._idle.remove(waiting)
                return waiting
        if self._spare is not None and not self._spare.suits(step, version):
            self._end_spare()
        spare, self._spare = self._spare, None
        if spare is None and again:
            return Spare(self._begin, self._archives, self._descriptors(), version)
        return spare

    def _can_reuse(self) -> bool:
        if self._reuses is None:
            self._reuses = is_possible()
        return self._reuses

    def _put_aside(self, waiting: Spare) -> Tuple[bytes, bytes]:
        """Return what a module has written in a child that waits for another now."""
        written = waiting.output.read()
        if waiting.version == self._warmth.version and len(self._idle) < _MAX_IDLE:
            waiting.output.empty()
            self._idle.append(waiting)
        else:
            waiting.end()
        return written

    def _descriptors(self) -> Set[int]:
        """Everything that a child must not keep."""
        running = [job.process.output.descriptors for job in self._jobs.values() if job.process is not None]
        waiting = [waiting.descriptors for waiting in (*self._idle, *self._busy, self._spare) if waiting is not None]
        return self._ours.union(self.readable, *waiting, *running)


class _Process(NamedTuple):
    pid: int
    step: int
    start: float
    is_module: bool
    output: Any
    child: Optional[Spare]  # one that may be there for others after the step


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

    def collect(self, process: _Process, rc: int, out: bytes, err: bytes, usage: Any) -> None:
        """The current step has ended."""
        self.add(process.step, rc, out, err, process.start, time.time(), usage)
        if self.killed and (rc > 128 or process.step + 1 < len(self.entry["steps"])):
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
                "inblock": usage.ru_inblock if usage else 0,
                "oublock": usage.ru_oublock if usage else 0,
            }
        )
        self.outputs += [out, err]


def _exit_of(process: _Process, status: int, err: bytes) -> Tuple[int, bytes]:
    """Return the exit code and the stderr of a process as they are through the shell that stock puts in between."""
    if not os.WIFSIGNALED(status):
        return os.WEXITSTATUS(status), err
    number = os.WTERMSIG(status)
    if process.is_module and number not in (signal.SIGINT, signal.SIGPIPE):
        err += ("%s\n" % signal.strsignal(number)).encode()
    return 128 + number, err


def _kill_tree(pid: int, signum: int) -> None:
    """Kill a process and its descendants, as far as they are not orphans."""
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), "rb") as file:
            children = [int(word) for word in file.read().split()]
    except OSError:
        children = []
    for process in children:
        _kill_tree(process, signum)
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        pass


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
