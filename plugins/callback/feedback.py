# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r'''
name: feedback
author: rustle.engine contributors (@rustle)
short_description: Records runs, learns from them, and lets them adapt
version_added: 0.2.0
type: aggregate
description:
  - Turns what happens in a run into events, and keeps a history of runs in an SQLite database on the controller.
  - After a run it says in at most three lines what got slower, what failed now and then, and what to change; nothing when there is nothing to say.
  - Under the strategy P(rustle.engine.rustle_binary_hybrid#strategy) it lets a run adapt, for example try again after a failure that goes away by itself.
    Under other strategies it records, and says what it would have done.
  - Its settings are those of the collection, see docs/settings.md.
requirements:
  - sqlite-utils
  - pydantic
notes:
  - Enable it with C(callbacks_enabled = rustle.engine.feedback) in the section C([defaults]) of C(ansible.cfg), or with E(ANSIBLE_CALLBACKS_ENABLED).
  - Nothing of a result is kept but how it ended. Arguments, variables and what C(no_log) hides are never recorded.
'''

EXAMPLES = r'''
# ansible.cfg
# [defaults]
# callbacks_enabled = rustle.engine.feedback
'''

import typing as t

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """The door: each method hands over to the recorder."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'aggregate'
    CALLBACK_NAME = 'rustle.engine.feedback'
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        try:
            from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import bytecode
            bytecode.install()
            from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.feedback import Feedback
            from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.recorder import Bystander
        except ImportError as ex:
            self._display.warning(f'rustle.engine records nothing: {ex}')
            self.disabled = True
            return
        self._feedback = Feedback.shared()
        self.disabled = not self._feedback.enabled
        self._recorder = self._feedback.recorder if self._feedback.recorder.serves(self) else Bystander()

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        self._recorder.playbook_started(playbook)

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        self._recorder.play_started(play)

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        self._recorder.task_started(host, task)

    def v2_runner_item_on_ok(self, result: t.Any) -> None:
        self._recorder.progress(result, 'item')

    def v2_runner_item_on_failed(self, result: t.Any) -> None:
        self._recorder.progress(result, 'item')

    def v2_runner_item_on_skipped(self, result: t.Any) -> None:
        self._recorder.progress(result, 'item')

    def v2_runner_retry(self, result: t.Any) -> None:
        self._recorder.progress(result, 'retry')

    def v2_runner_on_async_poll(self, result: t.Any) -> None:
        self._recorder.progress(result, 'poll')

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._recorder.ok(result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        self._recorder.skipped(result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._recorder.failed(result, ignored=ignore_errors)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._recorder.unreachable(result)

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        self._recorder.stats(stats)
        self._feedback.ended()
