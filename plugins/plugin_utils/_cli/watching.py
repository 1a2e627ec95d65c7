# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a process looks at in the file system while it plans: files, folders, and paths of which it asks whether they are there.

Rule 1: whoever looks is seen, be it Ansible, a plugin or we: Python's audit events tell of files and folders, and os.stat and os.lstat are wrapped.
Rule 2: what cannot be looked at again (a program, the network, a pipe) is a reason against remembering, and so is anything that Ansible says.
Rule 3: installed code is left out, since its versions count (recalling.py). Python's own library only: it starts before Ansible is there.
"""
from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import stat
import sys
import time
import typing as t

__all__ = ['Look', 'Watch', 'state_of']

Look = tuple[str, str]
"""(kind, absolute path). Kinds: ``file`` its content, ``stamp`` a file by its times, ``stat``, ``link`` (lstat), ``list`` the names in a folder."""

_OUTSIDE: t.Final = {
    **dict.fromkeys(('subprocess.Popen', 'os.posix_spawn', 'os.exec', 'os.fork', 'os.forkpty', 'os.system', 'pty.spawn'), 'a program was run'),
    **dict.fromkeys(('socket.connect', 'socket.getaddrinfo', 'socket.gethostbyname'), 'the network was asked')}
_OUR_CODE: t.Final = '/ansible_collections/rustle/engine/plugins/'
_PASSED_OVER: t.Final = ('/dev/', '/proc/', '/sys/')
_active: Watch | None = None
_hooked = False


class Watch:
    """Watches from ``start`` to ``stop``. ``installed``: folders of code that counts by its version; ``apart``: folders that nothing counts of."""

    def __init__(self, *, installed: t.Iterable[str], apart: t.Iterable[str] = ()) -> None:
        self.looks: dict[Look, None] = {}
        self.against: str | None = None  # why what is planned now cannot be remembered
        self.is_loaded = False  # Ansible, which runs programs of its own on its way
        self.since = 0
        self._installed = tuple(os.path.join(folder, '') for folder in installed)
        self._apart = {*apart}
        self._counted: dict[t.Any, str | None] = {}
        self._restored: list[tuple[t.Any, str, t.Any]] = []

    def start(self) -> None:
        global _active, _hooked
        self.since = time.time_ns()
        if not _hooked:
            sys.addaudithook(_seen)  # for the rest of the process
            _hooked = True
        self._wrap(os, 'stat', self._looking(os.stat, 'stat'))
        self._wrap(os, 'lstat', self._looking(os.lstat, 'link'))
        self._wrap(sys, 'stderr', _Said(sys.stderr, self))
        _active = self

    def stop(self) -> None:
        global _active
        _active = None
        while self._restored:
            setattr(*self._restored.pop())

    def refuse(self, reason: str) -> None:
        self.against = self.against or reason

    def look(self, kind: str, path: t.Any) -> None:
        """Somebody looks."""
        if isinstance(path, int):
            return
        name = self._counted.get(path, '')
        if name == '':
            name = self._counted[path] = self._name(path)
        if name is not None:
            self.looks[kind, name] = None

    def opened(self, path: t.Any, flags: int) -> None:
        if flags & os.O_ACCMODE == os.O_RDONLY and not flags & (os.O_CREAT | os.O_DIRECTORY):
            self.look('file', path)

    def made(self, path: t.Any) -> None:
        """A folder of this process itself, such as Ansible's temporary one."""
        name = os.path.abspath(os.fsdecode(path))
        try:
            os.readlink(name)  # tells what is there without being a look
        except FileNotFoundError:
            self._apart.add(name)
        except OSError:
            pass  # it was there before, and somebody only makes sure of it

    def lasting(self) -> list[Look]:
        """All that was looked at and is still to be, in order."""
        return sorted(look for look in self.looks if not any(look[1] == one or look[1].startswith(one + '/') for one in self._apart))

    def _name(self, path: t.Any) -> str | None:
        """The path to count, None for one that is passed over."""
        name = os.path.abspath(os.fsdecode(path if path is not None else '.'))
        if name.endswith('.pyc'):
            with contextlib.suppress(ValueError):  # byte code that lies where no source belongs to it
                name = importlib.util.source_from_cache(name)
        if name.startswith(_PASSED_OVER):
            return None
        for folder in self._installed:
            if name.startswith(folder) and '/ansible_collections/' not in name[len(folder) - 1:]:
                return None
        if _OUR_CODE in name:
            return None
        return name

    def _wrap(self, owner: t.Any, name: str, instead: t.Any) -> None:
        self._restored.append((owner, name, getattr(owner, name)))
        setattr(owner, name, instead)

    def _looking(self, original: t.Callable[..., t.Any], kind: str) -> t.Callable[..., t.Any]:
        def wrapped(path: t.Any, *more: t.Any, **named: t.Any) -> t.Any:
            self.look('link' if named.get('follow_symlinks') is False else kind, path)
            return original(path, *more, **named)
        return wrapped


class _Said:
    """Standard error as it is; whoever writes there says something that a remembered plan would not say again."""

    def __init__(self, stream: t.Any, watch: Watch) -> None:
        self._stream, self._watch = stream, watch

    def write(self, text: str) -> t.Any:
        self._watch.refuse('there were warnings')
        return self._stream.write(text)

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._stream, name)


def _seen(event: str, args: tuple[t.Any, ...]) -> None:
    watch = _active
    if watch is None:
        return
    if event == 'open':
        watch.opened(args[0], args[2] or 0)
    elif event in ('os.listdir', 'os.scandir'):
        watch.look('list', args[0])
    elif event == 'os.mkdir':
        watch.made(args[0])
    elif event == 'sqlite3.connect':
        watch.look('stamp', args[0])
        watch.look('stamp', f'{args[0]}-wal')  # what is not in the file itself yet
    elif event in _OUTSIDE and watch.is_loaded and not _finds_library():
        watch.refuse(_OUTSIDE[event])


def _finds_library() -> bool:
    """Whether ctypes asks a program where a C library is, as filters of ansible-core 2.21 have it do when they are loaded: that is installed code too."""
    frame: t.Any = sys._getframe()
    while frame is not None and frame.f_globals.get('__name__') != 'ctypes.util':
        frame = frame.f_back
    return frame is not None


def state_of(looks: t.Iterable[Look], *, since: int | None = None) -> str:
    """A digest of what there is to see. ValueError for what is no plain file or folder, and for what has changed from ``since`` (time_ns) on."""
    found = hashlib.sha256()
    for kind, path in looks:
        found.update(f'{kind}\0{path}\0{_STATES[kind](path, since)}\0'.encode(errors='surrogateescape'))
    return found.hexdigest()


def _file(path: str, since: int | None) -> str:
    try:
        seen = os.stat(path)
        if stat.S_ISDIR(seen.st_mode):
            return 'folder'
        if not stat.S_ISREG(seen.st_mode):
            raise ValueError(f'{path} is no plain file')
        with open(path, 'rb') as file:
            data = file.read()
    except OSError as ex:
        return str(ex.errno)
    _settled(path, seen, since)
    return hashlib.sha256(data).hexdigest()


def _stamp(path: str, since: int | None) -> str:
    try:
        seen = os.stat(path)
    except OSError as ex:
        return str(ex.errno)
    _settled(path, seen, since)
    return f'{seen.st_mode} {seen.st_ino} {seen.st_size} {seen.st_mtime_ns} {seen.st_ctime_ns}'


def _settled(path: str, seen: os.stat_result, since: int | None) -> None:
    if since is not None and max(seen.st_mtime_ns, seen.st_ctime_ns) >= since:
        raise ValueError(f'{path} has changed meanwhile')


def _stat(path: str, _since: int | None) -> str:
    try:
        seen = os.stat(path)
    except (OSError, ValueError) as ex:
        return str(getattr(ex, 'errno', ''))
    return f'{seen.st_mode} {seen.st_uid} {seen.st_size if stat.S_ISREG(seen.st_mode) else ""}'


def _link(path: str, _since: int | None) -> str:
    try:
        seen = os.lstat(path)
        return os.readlink(path) if stat.S_ISLNK(seen.st_mode) else str(stat.S_IFMT(seen.st_mode))
    except (OSError, ValueError) as ex:
        return str(getattr(ex, 'errno', ''))


def _list(path: str, _since: int | None) -> str:
    try:
        with os.scandir(path) as entries:
            return '\0'.join(sorted(f'{one.name}\0{one.is_dir()}' for one in entries if one.name != '__pycache__'))
    except OSError as ex:
        return str(ex.errno)


_STATES: t.Final[t.Mapping[str, t.Callable[[str, int | None], str]]] = {
    'file': _file, 'stamp': _stamp, 'stat': _stat, 'link': _link, 'list': _list}
