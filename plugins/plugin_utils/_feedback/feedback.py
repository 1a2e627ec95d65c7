# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The composition root of feedback: one a process, made by the callback when it is enabled."""
from __future__ import annotations

import atexit
import os
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.utils.display import Display
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.classification import Classifier
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.config import SAFE_KINDS, EngineConfig
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.engine import Engine
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.identities import playbook_identity
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.task_refs import task_refs
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Stance
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.config_file import read_config
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.feedback_settings import resolve_feedback
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.settings import resolve
from ansible_collections.rustle.engine.plugins.plugin_utils._store.writer import Writer, sqlite_at
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import channel
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.sink import Sink

from .advising import Advising
from .foreknowledge import Foreknowledge
from .policies import load_policies
from .recorder import Recorder

__all__ = ['Feedback']

_display = Display()


class Feedback:
    """``recorder``: where the callback hands over. AnsibleError for a bad setting."""

    _shared: t.ClassVar[Feedback | None] = None

    @classmethod
    def shared(cls) -> Feedback:
        if cls._shared is None:
            cls._shared = cls()
        return cls._shared

    def __init__(self) -> None:
        self.recorder = Recorder.shared()
        self._pid = os.getpid()
        self._sinks: list[Sink] = []
        self._writer: Writer | None = None
        self._database = ''
        try:
            self.settings = resolve_feedback(environ=os.environ, config=read_config(C.CONFIG_FILE))
            self.enabled = self.settings.feedback
            if self.enabled:
                writer, advising = self._record(), self._advise()
                self._stream()
                # only now: where anything of it cannot be had, nobody listens
                for listener in (writer.take, advising, *self._sinks):
                    channel.listen(listener)
                channel.adviser = advising
        except RustleError as ex:
            raise AnsibleError(str(ex)) from None  # its causes are for developers
        channel.on_error = _left_out
        atexit.register(self._close)

    def _record(self) -> Writer:
        settings = self.settings
        self._database = os.path.expanduser(settings.feedback_db)
        writer = self._writer = Writer(sqlite_at(self._database), warn=_display.warning, days=settings.feedback_days, size=settings.feedback_size)
        return writer

    def _advise(self) -> Advising:
        settings = self.settings
        config = EngineConfig(
            run_wide=_stance_of_run(),
            learning=settings.adaptation_learning, max_adaptations=settings.max_adaptations_per_execution, timeout=settings.adaptation_timeout,
            wait_limit=settings.wait_limit, halt_threshold=settings.halt_failures,
            allowed=SAFE_KINDS | frozenset(map(AdaptationKind, settings.adaptations)))
        classes = None
        if settings.error_classes:
            from ansible_collections.rustle.engine.plugins.plugin_utils._schema.error_classes_file import read_error_classes

            classes = read_error_classes(settings.error_classes)
        engine = Engine(config, policies=load_policies(settings.policies), classifier=Classifier(classes))
        foreknowledge = Foreknowledge(self._database, exploration=settings.exploration)
        return Advising(engine, channel, foreknowledge, say=_say, warn=_display.warning)

    def _stream(self) -> None:
        settings = self.settings
        sinks = self._sinks
        if settings.events_file:
            from ansible_collections.rustle.engine.plugins.plugin_utils._stream.file_sink import FileSink

            sinks.append(FileSink(settings.events_file, warn=_display.warning))
        if settings.events_url:
            from ansible_collections.rustle.engine.plugins.plugin_utils._stream.https_sink import HttpsSink
            from ansible_collections.rustle.engine.plugins.plugin_utils._stream.spool import Spool

            spool = Spool(os.path.join(os.path.dirname(os.path.expanduser(settings.feedback_db)), 'spool'), settings.events_url)
            sinks.append(HttpsSink(
                settings.events_url, spool=spool, warn=_display.warning, token=settings.events_token, secret=settings.events_secret))

    def ended(self) -> None:
        """A run has come to its recap: say what it teaches."""
        if self._writer is None or not self.settings.feedback_report or not self._writer.flush():
            return
        from .lessons import drawn

        lines, records = drawn(self._database, channel.execution, playbook_identity(task_refs.playbook))
        for record in records:
            self._writer.take(record)
        for line in lines:
            _display.display(f'rustle: {line}')

    def _close(self) -> None:
        """The process ends: what was not told is told now, and everything is written."""
        self.recorder.interrupted()
        if os.getpid() == self._pid:
            if self._writer is not None:
                self._writer.close()
            for sink in self._sinks:
                sink.close()


def _stance_of_run() -> Stance:
    """What environment and configuration say of adaptation. No other setting is looked at: they are the strategy's."""
    config = {name: value for name, value in read_config(C.CONFIG_FILE).items() if name == 'adaptation'}
    environ = {name: value for name, value in os.environ.items() if name == 'RUSTLE_ADAPTATION'}
    return resolve(variables={}, environ=environ, config=config).adaptation


def _say(line: str) -> None:
    _display.display(line, color=C.COLOR_WARN)


def _left_out(listener: object, error: Exception) -> None:
    who = type(getattr(listener, '__self__', listener)).__name__
    _display.warning(f'rustle.engine: {who} has failed and is left out of this run: {type(error).__name__}: {error}')
