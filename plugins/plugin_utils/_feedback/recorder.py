# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Ansible tells its callbacks, as events.

Rule 1: several callbacks of ours may be enabled; the first of them records, the others only listen.
Rule 2: nothing here waits, and nothing is kept of a result but what its event holds.
Rule 3: what `_run` knows better (attempts, measurements, the path) is taken from the channel's notes.
"""
from __future__ import annotations

import atexit
import os
import time
import typing as t
import uuid

from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import failures
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.identities import playbook_identity
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.observed_classes import observed_classes
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.prospects import node_of
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.task_refs import task_refs
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.vaulted import vaulted
from ansible_collections.rustle.engine.plugins.plugin_utils._model import event as events
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.repeating import is_repeatable
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import Channel, channel

from . import surroundings

__all__ = ['Bystander', 'Recorder']

_FACTS = frozenset(('ansible.builtin.gather_facts', 'ansible.builtin.setup', 'ansible.legacy.setup', 'gather_facts', 'setup'))
_TOTALS = ('ok', 'changed', 'failures', 'dark', 'skipped', 'rescued', 'ignored')
_WORDS = {'failures': 'failed', 'dark': 'unreachable'}


class Bystander:
    """In the place of a recorder, where another callback records: it hears everything and does nothing."""

    def __getattr__(self, name: str) -> t.Callable[..., None]:
        return lambda *args, **kwargs: None


class Recorder:
    """One a process."""

    _shared: t.ClassVar[Recorder | None] = None

    @classmethod
    def shared(cls) -> Recorder:
        if cls._shared is None:
            cls._shared = cls(channel)
            atexit.register(cls._shared.interrupted)
        return cls._shared

    def __init__(self, to: Channel) -> None:
        self._channel = to
        self._pid = os.getpid()
        self._owner: object | None = None
        self._running = False
        self._before: dict[str, dict[str, int]] = {}  # totals of earlier playbooks, by host
        self._started: dict[tuple[str, str], float] = {}
        self._items: dict[tuple[str, str, str], int] = {}
        self._play: t.Any = None
        vaulted.install()

    def serves(self, owner: object) -> bool:
        """Whether this callback is the one that records."""
        if self._owner is None:
            self._owner = owner
        return self._owner is owner

    # -- the run

    def playbook_started(self, playbook: t.Any) -> None:
        path = playbook._file_name or ''
        task_refs.begin(path)
        self._running = True
        self._channel.begin(uuid.uuid4().hex)
        self._channel.publish(events.ExecutionStarted(
            playbook=path, identity=playbook_identity(path), controller=os.uname().nodename, pid=os.getpid(),
            plays=len(playbook.get_plays()), **surroundings.of_run()))

    def play_started(self, play: t.Any) -> None:
        expected = surroundings.expected(play, playbook=task_refs.playbook)
        observed_classes.play(play)
        self._play = play
        self._channel.publish(events.PlayStarted(
            play=vaulted.masked(play.get_name()), play_id=play._uuid, strategy=str(play.strategy), hosts=surroundings.hosts_of(play), serial=_serial(play),
            tasks=None if expected is None else len(expected), identities=expected or (),
            traits=surroundings.traits_of_play(play)))

    def stats(self, stats: t.Any) -> None:
        hosts = {}
        for host in sorted(stats.processed):
            now = {_WORDS.get(name, name): getattr(stats, name).get(host, 0) for name in _TOTALS}
            before = self._before.get(host, {})
            hosts[host] = {name: count - before.get(name, 0) for name, count in now.items()}
            self._before[host] = now
        totals = {name: sum(counts[name] for counts in hosts.values()) for name in (_WORDS.get(name, name) for name in _TOTALS)}
        status: events.ExecutionStatus = 'failed' if totals['failed'] else 'unreachable' if totals['unreachable'] else 'success'
        counts = self._channel.counts
        self._complete(events.ExecutionCompleted(
            status=status, totals=totals, hosts=hosts, round_trips=counts.get('round_trips'), bundles=counts.get('bundles')))

    def interrupted(self) -> None:
        """The process ends. A run that has not come to its recap was interrupted."""
        if self._running and os.getpid() == self._pid:
            self._complete(events.ExecutionCompleted(status='interrupted'))

    def _complete(self, event: events.ExecutionCompleted) -> None:
        if self._running:
            self._running = False
            self._channel.publish(event)

    # -- tasks

    def task_started(self, host: t.Any, task: t.Any) -> None:
        self._started[task._uuid, host.name] = time.monotonic()
        self._channel.publish(events.TaskStarted(task=task_refs.of(task), host=host.name))

    def progress(self, result: t.Any, what: t.Literal['item', 'retry', 'poll']) -> None:
        key = (result.task._uuid, result.host.name, what)
        self._items[key] = self._items.get(key, 0) + 1
        self._channel.publish(events.TaskProgress(task=task_refs.of(result.task), host=result.host.name, what=what, done=self._items[key]))

    def ok(self, result: t.Any) -> None:
        if result.task._resolved_action in _FACTS and result.task.delegate_to is None:
            observed_classes.facts(result.host, result.result.get('ansible_facts') or {})
        self._channel.publish(events.TaskCompleted(changed=result.is_changed(), **self._ended(result)))

    def skipped(self, result: t.Any) -> None:
        self._channel.publish(events.TaskSkipped(**self._ended(result)))

    def failed(self, result: t.Any, *, ignored: bool = False) -> None:
        self._channel.publish(events.TaskFailed(ignored=ignored, **self._failure(result), **self._ended(result)))

    def unreachable(self, result: t.Any) -> None:
        failure = self._failure(result)
        self._channel.publish(events.HostUnavailable(
            host=result.host.name, message=failure['message'], final=True, declared=failure['declared']))
        self._channel.publish(events.TaskFailed(unreachable=True, ignored=bool(result.task.ignore_unreachable), **failure, **self._ended(result)))

    def _failure(self, result: t.Any) -> dict[str, t.Any]:
        vaulted.look_at(self._play, result.host, result.task)
        node = node_of(result.task, on_controller=False, rescope=None, effects=None)
        # under linear nobody else reads them; a template says nothing here
        said = {**self._play.get_vars(), **result.task.get_vars()}
        retry, adaptation = said.get('rustle_retry'), said.get('rustle_adaptation')
        return {'declared': failures.declared(result.task) or adaptation is False or adaptation == 'off',
                'retry_declared': retry if isinstance(retry, bool) else None, 'idempotent': is_repeatable(node), **failures.failure(result.result)}

    def _ended(self, result: t.Any) -> dict[str, t.Any]:
        key = (result.task._uuid, result.host.name)
        note = self._channel.notes.pop(key, None) or _NOTHING
        started = self._started.pop(key, None)
        duration = note.duration
        if duration is None and started is not None:
            duration = time.monotonic() - started
        return {
            'task': task_refs.of(result.task), 'host': result.host.name, 'duration': duration, 'attempt': note.attempt, 'path': note.path or 'stock',
            'path_reason': note.path_reason, 'measures': note.measures, 'host_class': observed_classes.of(result.host),
            'items': self._items.pop((*key, 'item'), None)}


_NOTHING: t.Final = events.TaskNote()


def _serial(play: t.Any) -> str:
    return ','.join(map(str, play.serial or ()))
