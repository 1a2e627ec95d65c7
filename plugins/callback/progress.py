# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r'''
name: progress
author: rustle.engine contributors (@rustle)
short_description: The default output, and how far the run is
version_added: 0.2.0
type: stdout
description:
  - Prints what P(ansible.builtin.default#callback) prints.
  - On a terminal one more line stands below it, and says how much of the run is done, what runs now and for how long, and how long the rest
    will take, as a range that holds the truth in four of five cases. Without a history of runs it says so instead.
  - Elsewhere it prints such a line from time to time (setting C(progress_interval)).
  - A task that runs for more than ten seconds, and for longer than it usually does, is said to run still, with the time that it usually takes.
  - The history is that of P(rustle.engine.feedback#callback), which has to be enabled for it.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - set as stdout in configuration
'''

EXAMPLES = r'''
# ansible.cfg
# [defaults]
# stdout_callback = rustle.engine.progress
# callbacks_enabled = rustle.engine.feedback
'''

import typing as t

from ansible.plugins.callback.default import CallbackModule as Default


class CallbackModule(Default):
    """The door: each method hands over to the recorder, and to the default callback."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'stdout'
    CALLBACK_NAME = 'rustle.engine.progress'

    def __init__(self) -> None:
        super().__init__()
        self._view: t.Any = None
        self._recorder: t.Any = None
        try:
            from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import bytecode
            bytecode.install()
            from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.progress import ProgressView
            from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.recorder import Recorder
        except ImportError as ex:
            self._display.warning(f'rustle.engine shows no progress: {ex}')
            return
        self._view = ProgressView()
        recorder = Recorder.shared()
        if recorder.serves(self):
            self._recorder = recorder

    def _record(self, method: str, *args: t.Any, **kwargs: t.Any) -> None:
        if self._recorder is not None:
            getattr(self._recorder, method)(*args, **kwargs)
        if self._view is not None:
            self._view.look()

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        super().v2_playbook_on_start(playbook)
        if self._view is not None:
            self._view.open()
        self._record('playbook_started', playbook)

    def v2_playbook_on_vars_prompt(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().v2_playbook_on_vars_prompt(*args, **kwargs)
        if self._view is not None:
            self._view.step_aside()

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        super().v2_playbook_on_play_start(play)
        self._record('play_started', play)

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        super().v2_runner_on_start(host, task)
        self._record('task_started', host, task)

    def v2_runner_item_on_ok(self, result: t.Any) -> None:
        self._record('progress', result, 'item')
        super().v2_runner_item_on_ok(result)

    def v2_runner_item_on_failed(self, result: t.Any) -> None:
        self._record('progress', result, 'item')
        super().v2_runner_item_on_failed(result)

    def v2_runner_item_on_skipped(self, result: t.Any) -> None:
        self._record('progress', result, 'item')
        super().v2_runner_item_on_skipped(result)

    def v2_runner_retry(self, result: t.Any) -> None:
        self._record('progress', result, 'retry')
        super().v2_runner_retry(result)

    def v2_runner_on_async_poll(self, result: t.Any) -> None:
        self._record('progress', result, 'poll')
        super().v2_runner_on_async_poll(result)

    # the default callback takes parts out of a result while it prints it

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._record('ok', result)
        super().v2_runner_on_ok(result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        self._record('skipped', result)
        super().v2_runner_on_skipped(result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._record('failed', result, ignored=ignore_errors)
        super().v2_runner_on_failed(result, ignore_errors)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._record('unreachable', result)
        super().v2_runner_on_unreachable(result)

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        if self._view is not None:
            self._view.close()
        super().v2_playbook_on_stats(stats)
        self._record('stats', stats)
