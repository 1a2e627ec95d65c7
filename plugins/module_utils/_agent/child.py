# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What happens in a forked child before, during and after the code of a step: nothing here returns.

Rule 1: to a module it is as if /bin/sh had started `python` with the AnsiballZ script on its stdin. What the interpreter does
        when it starts and ends, and what the script's wrapper does (ansible/_internal/_ansiballz/_wrapper.py), is done here.
Rule 2: nothing of the agent is left in the child: descriptors, signal handlers, session, arguments, path.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import gc
import importlib
import json
import os
import signal
import struct
import sys
import time
from types import ModuleType
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, NoReturn, Optional, Tuple

from .baseline import Baseline
from .hooks import Hooks
from .output import file_with
from .payload import Archive, Mount, is_payload_module
from .warm import FRESH, LOADER, PURGED, WARM

__all__ = ["Begin", "Streams", "Usage", "await_modules", "order_of", "run_command", "run_module"]

# Python ignores these; programs expect to find them as they are by default (subprocess's restore_signals).
_IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFZ", "SIGXFSZ")

_ORDER = struct.Struct(">I?")

_SCRIPT = """\
import sys
sys.path = [p for p in sys.path if p not in ('', '.')]
sys.path.insert(0, {path!r})
from ansible.module_utils._internal._ansiballz import _loader
_loader.run_module(json_params={params!r}, profile={profile!r}, module_fqn={fqn!r}, modlib_path={path!r}, extensions={{}})
"""


class Streams(NamedTuple):
    """Descriptors that become a child's stdin, stdout and stderr."""

    stdin: int
    stdout: int
    stderr: int


class Usage(NamedTuple):
    """What a module has used: the fields of resource.getrusage that results tell of."""

    ru_utime: float
    ru_stime: float
    ru_maxrss: int
    ru_inblock: int
    ru_oublock: int


class Begin:
    """How the agent found its process when it started: that is how each child finds its own.

    Signals go through _signal: signal makes an enum of each one, and a child copies the memory of each that it touches.
    """

    def __init__(self, path: List[str], hooks: Hooks) -> None:
        self.path = path
        self._hooks = hooks
        self.cwd = _cwd()
        self._handlers: Dict[int, Any] = {}
        self._all_signals = {int(number) for number in signal.valid_signals()}
        self._mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, ())
        self.main = ModuleType("__main__")
        self.main.__dict__["__builtins__"] = __builtins__
        self.main.__dict__["_ANSIBALLZ_WRAPPER"] = True

    def handle(self, number: int, handler: Callable[..., Any]) -> None:
        """Set a signal handler of the agent's. (What imports set is undone at once: traces.py.)"""
        self._handlers[number] = _signal.signal(number, handler)

    def fork(self) -> int:
        """fork, with all signals blocked in the child: it unblocks them when the agent's handlers are gone."""
        old = _signal.pthread_sigmask(_signal.SIG_SETMASK, self._all_signals)
        pid = self._hooks.fork()
        if pid:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, old)
        return pid

    def restore_signals(self) -> None:
        """In a child: handle signals as the agent's process did before it was an agent."""
        signal.set_wakeup_fd(-1)
        for number, handler in self._handlers.items():
            if handler is not None:
                _signal.signal(number, handler)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, self._mask)


def run_module(begin: Begin, mode: str, archive: Archive, step: Dict[str, Any], streams: Streams, ours: Iterable[int]) -> NoReturn:
    """Run a module step and exit as the interpreter would. Signals are blocked when this is called."""
    with _LastResort():
        _detach(begin, streams, ours)
        _module(begin, mode, archive, step)


def await_modules(
    begin: Begin, archives: Dict[str, Archive], orders: int, reports: int, streams: Streams, ours: Iterable[int]
) -> NoReturn:
    """Read module steps from the descriptor `orders`, up to its end, and run each as `run_module` would.

    Behind a step after which others may come, how it ended is told on `reports`, if nothing is left of it; otherwise the child ends with it.
    """
    with _LastResort():
        _detach(begin, streams, ours)
        baseline: Optional[Baseline] = None
        while True:
            step, again = _order(orders)
            if step is None:
                os._exit(0)
            archive = archives[step["payload"]]
            if not again:
                os.close(orders)
                os.close(reports)
                _module(begin, WARM, archive, step)
            before = _used()
            _settle(begin, step)
            if baseline is None:
                _get_ready(begin, archive, step)
                baseline = Baseline()
            code = _exit_code_of(archive, step)
            if not baseline.is_alone():
                os._exit(_end_as_the_interpreter(code))
            _run_exit_functions()
            gc.collect()
            if not _flush() or not baseline.put_back():
                os._exit(code)
            os.write(reports, json.dumps([code, *_since(before)]).encode())


def order_of(step: Dict[str, Any], again: bool) -> bytes:
    """Return what `await_modules` reads for a step; `again`: others may come behind it."""
    data = json.dumps(step).encode()
    return _ORDER.pack(len(data), again) + data


def _order(orders: int) -> Tuple[Optional[Dict[str, Any]], bool]:
    with open(orders, "rb", closefd=False) as file:
        head = file.read(_ORDER.size)
        if not head:
            return None, False
        size, again = _ORDER.unpack(head)
        return json.loads(file.read(size)), again


def _used() -> Usage:
    import resource

    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return Usage(
        own.ru_utime + children.ru_utime,
        own.ru_stime + children.ru_stime,
        max(own.ru_maxrss, children.ru_maxrss),
        own.ru_inblock + children.ru_inblock,
        own.ru_oublock + children.ru_oublock,
    )


def _since(before: Usage) -> Usage:
    """Return what was used after `before`; of memory, the most that there ever was."""
    now = _used()
    return now._replace(
        ru_utime=now.ru_utime - before.ru_utime,
        ru_stime=now.ru_stime - before.ru_stime,
        ru_inblock=now.ru_inblock - before.ru_inblock,
        ru_oublock=now.ru_oublock - before.ru_oublock,
    )


def run_command(begin: Begin, step: Dict[str, Any], streams: Streams, ours: Iterable[int]) -> NoReturn:
    """Run an exec step. Signals are blocked when this is called."""
    with _LastResort():
        _detach(begin, streams, ours)
        _settle(begin, step)
        _exec(step["argv"])


def _module(begin: Begin, mode: str, archive: Archive, step: Dict[str, Any]) -> NoReturn:
    _settle(begin, step)
    if mode == FRESH:
        _set_open_files(step.get("rlimit") or 0)
        script = _SCRIPT.format(path=archive.path, params=step["params"].encode(), profile=step["profile"], fqn=step["fqn"])
        os.dup2(file_with(script.encode("utf-8", "surrogateescape")), 0)
        _exec([sys.executable, *_flags()])
    _get_ready(begin, archive, step)
    if mode == PURGED:
        for name in [name for name in sys.modules if is_payload_module(name)]:
            del sys.modules[name]
        Mount().add(archive)
    os._exit(_end_as_the_interpreter(_exit_code_of(archive, step)))


def _get_ready(begin: Begin, archive: Archive, step: Dict[str, Any]) -> None:
    """Be a process that modules start in."""
    _set_open_files(step.get("rlimit") or 0)
    sys.argv[:] = [""]
    sys.path[:] = [archive.path, *begin.path]
    gc.enable()


def _detach(begin: Begin, streams: Streams, ours: Iterable[int]) -> None:
    """Leave everything of the agent's behind."""
    begin.restore_signals()
    os.setsid()
    for descriptor, stream in enumerate(streams):
        os.dup2(stream, descriptor)
    for descriptor in {*streams, *ours} - {0, 1, 2}:
        os.close(descriptor)


def _settle(begin: Begin, step: Dict[str, Any]) -> None:
    """Be where the step shall run, with its environment."""
    os.environ.update(step.get("env") or {})
    time.tzset()
    _enter(step.get("cwd"), begin.cwd)


def _enter(wanted: Optional[str], start: Optional[str]) -> None:
    """Go where the step shall run; like stock's wrapper, to the home or to / rather than nowhere."""
    try:
        os.chdir(wanted or start or "")
    except OSError:
        # Where the agent was started one may stay, even if one could not go there again.
        if wanted or _cwd() is None:
            try:
                os.chdir(os.path.expanduser("~"))
            except OSError:
                os.chdir("/")


def _set_open_files(wanted: int) -> None:
    if not wanted:
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if wanted != soft:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except ValueError:
            pass  # some platforms lie about their hard limit


def _flags() -> List[str]:
    """The options that the agent's own interpreter was started with."""
    import subprocess

    return subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]


def _exec(argv: List[str]) -> NoReturn:
    for name in _IGNORED_BY_PYTHON:
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(argv[0], argv)
    except OSError as exc:
        os.write(2, ("%s: %s\n" % (argv[0], exc.strerror)).encode("utf-8", "surrogateescape"))
        os._exit(127 if isinstance(exc, FileNotFoundError) else 126)


def _exit_code_of(archive: Archive, step: Dict[str, Any]) -> int:
    """Run a module as Python runs its main program; return the exit code."""
    code = 0
    try:
        importlib.import_module(LOADER).run_module(
            json_params=step["params"].encode(), profile=step["profile"], module_fqn=step["fqn"], modlib_path=archive.path, extensions={}
        )
    except SystemExit as exc:
        code = _exit_code(exc.code)
    except KeyboardInterrupt:
        sys.excepthook(*sys.exc_info())
        code = 128 + signal.SIGINT
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    return code


def _end_as_the_interpreter(code: int) -> int:
    """Do what Python does when its main program is over; return the exit code."""
    _wait_for_threads()
    _run_exit_functions()
    # What is left of the module goes now: files that nobody closed are written, objects with __del__ clean up.
    gc.collect()
    return code if _flush() else 120


def _exit_code(code: Any) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    sys.stdout.flush()
    print(code, file=sys.stderr)
    return 1


def _wait_for_threads() -> None:
    threading = sys.modules.get("threading")
    if threading is not None:
        try:
            threading._shutdown()
        except BaseException:
            sys.excepthook(*sys.exc_info())


def _run_exit_functions() -> None:
    import atexit

    try:
        atexit._run_exitfuncs()
    except BaseException:
        pass  # it has printed what went wrong


def _flush() -> bool:
    flushed = True
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except BaseException:
            flushed = False
    return flushed


class _LastResort:
    """Whatever happens, no child ever returns into the agent's code."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, value: Any, trace: Any) -> NoReturn:
        try:
            if kind is not None:
                sys.excepthook(kind, value, trace)
                _flush()
        finally:
            os._exit(1)


def _cwd() -> Optional[str]:
    try:
        return os.getcwd()
    except OSError:
        return None
