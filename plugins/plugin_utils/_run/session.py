# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The composition root: one session a process, shared by the plays of a run. Agents outlive plays."""
from __future__ import annotations

import atexit
import dataclasses
import gc
import os
import secrets
import selectors
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.utils.display import Display
from ansible_collections.rustle.engine.plugins.plugin_utils._agent.connection import AgentConnection
from ansible_collections.rustle.engine.plugins.plugin_utils._agent.events import Lost, Ready
from ansible_collections.rustle.engine.plugins.plugin_utils._agent.launch import Launch
from ansible_collections.rustle.engine.plugins.plugin_utils._agent.stage1 import stage1_command
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import compat, hazards, memo, modules, quick, seams
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.payload import PayloadBuilder
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.payload_choice import PayloadChoice
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import ModuleRef, Target, TargetLost
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import is_known
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import OURS, Tables
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.settings import NAMES, Settings, notices, read_config, resolve
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import channel

from .health import EVERY
from .hub import Hub
from .play import PlayRun

if t.TYPE_CHECKING:
    from .diary import Diary
from .telling import Telling

__all__ = ['Session']

_display = Display()
_VARIABLES = tuple(f'rustle_{name}' for name in NAMES)


class Session:
    """Holds what outlives a play: the hub with its agents, and the payloads."""

    _instance: t.ClassVar[Session | None] = None

    @classmethod
    def get(cls) -> Session:
        if cls._instance is None or cls._instance.pid != os.getpid():
            cls._instance = cls()
        return cls._instance

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.play: PlayRun | None = None
        self.diary: Diary | None = None  # of a run that follows a saved plan
        self.unavailable: set[str] = set()
        self.by_stock: set[str] = set()  # classes of hosts that an adaptation has taken off their agents
        self.batches: dict[str, int] = {}  # host -> tasks that are sent ahead at most, where an adaptation has said so
        self.overrides: dict[str, t.Any] = {}  # settings that adaptations have changed for the rest of the run
        self._config = read_config(C.CONFIG_FILE)
        settings = self.settings({})
        for notice in notices(environ=os.environ, config=self._config):
            _display.warning(notice)
        self.tables = _tables(settings.effects_file)
        self._agent_cache_limit = settings.agent_cache_limit
        self.payloads = PayloadChoice(PayloadBuilder(settings.cache_dir, limit=settings.cache_limit))
        self._unsettled: list[t.Callable[[], None]] = []
        modules.supplier[:] = [self._supply]
        self.hub = Hub(launch=self._launch, payload_of=self._payload_of, payload_data=self.payloads.read,
                       changed=lambda execution: self.play and self.play.changed(execution),
                       stopped=lambda execution: self.play and self.play.stopped(execution), unavailable=self._agent_unavailable,
                       telling=Telling(channel))
        self.hub.room.on_short = _warn_of_few_descriptors
        seams.install()
        hazards.install()
        memo.install()
        quick.install()
        _rest_collector()
        atexit.register(self._close)

    @property
    def enabled(self) -> bool:
        """Whether the run as a whole wants the engine; variables may say otherwise for single tasks."""
        return self.settings({}).enabled

    def begin(self, strategy: t.Any, iterator: t.Any, play_context: t.Any) -> PlayRun:
        self.hub.forks = max(1, len(strategy._workers))
        self.play = PlayRun(self, strategy, iterator, play_context)
        self.payloads.expect(self.play.modules())
        return self.play

    def _close(self) -> None:
        if os.getpid() == self.pid:
            self.hub.close()
            for settled in self._unsettled:  # a password must not outlive a login that never came to an end
                settled()

    def settings(self, variables: t.Mapping[str, t.Any]) -> Settings:
        """The settings of a task with these variables; AnsibleError for a bad one."""
        given = {name: variables[name] for name in _VARIABLES if name in variables}
        try:
            if given:
                given = compat.render(given, dict(variables))
            settings = resolve(variables=given, environ=os.environ, config=self._config)
        except RustleError as ex:
            raise AnsibleError(str(ex)) from None  # its causes are for developers
        return dataclasses.replace(settings, **self.overrides) if self.overrides else settings

    # -- payloads

    def _supply(self, module: ModuleRef) -> tuple[str | None, str]:
        self.payloads.expect([module])
        payload = self.payloads.holding(module)
        return self.payloads.refused.get(module), payload.profiles[module.fqn] if payload is not None else 'legacy'

    def _payload_of(self, module: ModuleRef) -> tuple[str, tuple[str, ...]]:
        payload = self.payloads.holding(module)
        if payload is None:
            raise LookupError(f'no payload holds {module.fqn}')  # prepare() has asked _supply before
        return payload.sha, payload.modules[module.fqn]

    # -- agents

    def _launch(self, selector: selectors.BaseSelector, target: Target, on_event: t.Callable[..., None]) -> tuple[AgentConnection, t.Callable[[], None]] | None:
        if target.key in self.unavailable:
            return None
        payload = self.payloads.first()
        marker = secrets.token_hex(16)
        argv, options = target.command(stage1_command(target.python, payload.sha, payload.size, marker))
        launch = Launch(
            key=target.key, label=target.label, argv=tuple(argv), marker=marker, cwd=options.get('cwd'), env=options.get('env'),
            pass_fds=tuple(options.get('pass_fds', ())), talk=target.talk())
        _display.vvv(f'rustle: starting an agent: {" ".join(part.decode(errors="replace") for part in argv)[:200]}', host=target.label)
        settled = options.get('settled', lambda: None)
        self._unsettled.append(settled)

        def told(connection: AgentConnection, event: t.Any) -> None:
            if isinstance(event, (Ready, Lost)) and settled in self._unsettled:
                self._unsettled.remove(settled)
                settled()
            on_event(connection, event)

        connection = AgentConnection(selector, launch, payload, told)
        connection.send({'t': 'hello', 'v': 1, 'cache_limit': self._agent_cache_limit, 'health': EVERY if channel.heard else 0})
        return connection, options.get('started', lambda: None)

    def _agent_unavailable(self, execution: t.Any, lost: TargetLost) -> None:
        if self.play is not None:
            self.play.unavailable(execution, lost)


def _warn_of_few_descriptors(used: int, limit: int) -> None:
    _display.warning(f'rustle: {used} of {limit} descriptors are in use: hosts wait for each other, and log in again. Raise the limit (ulimit -n).')


def _tables(path: str | None) -> Tables:
    """The effects tables, with the user's entries above ours; AnsibleError for a bad one."""
    if path is None:
        return OURS
    from ansible_collections.rustle.engine.plugins.plugin_utils._schema.effects_file import read_effects_file

    try:
        return Tables(read_effects_file(path, known=is_known))
    except RustleError as ex:
        raise AnsibleError(str(ex)) from None


def _rest_collector() -> None:
    """What is alive when the first play begins stays alive: the collector need not look at it again, nor come by every 700 objects."""
    gc.freeze()
    young, *older = gc.get_threshold()
    if 0 < young < 50_000:
        gc.set_threshold(50_000, *older)
