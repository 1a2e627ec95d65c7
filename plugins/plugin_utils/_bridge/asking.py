# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The party that seams talk to while a task's code runs in a coroutine, and how its calls become questions.

Rule 1: an owner says where a question goes (exchange) and how long it waits (sleep); seams know no more of it than this class.
Rule 2: display output of an owner goes into its queue, as in a worker process.
"""
from __future__ import annotations

import collections
import secrets
import typing as t

from ansible import constants as C
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.display import Display
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import TMP_TOKEN_PREFIX, Call, Question, Reply, Shell

from . import compat
from .glancing import hint_of
from .hazards import Guard

__all__ = ['Asking', 'is_final']

_display = Display()
_TOKEN = TMP_TOKEN_PREFIX + secrets.token_hex(8)

#: modules whose results carry facts by design
FACT_MODULES = ('setup', 'service_facts', 'package_facts', 'getent', 'mount_facts', 'hostname')


def is_final(action: t.Any, call: Call) -> bool:
    """Whether an action plugin of ansible-core asks nothing more of the target after ``call``. Unknown actions: no."""
    task = action._task
    if task.until or task.retries is not None or call.module is None:
        return False
    name = action._load_name.rpartition('.')[2]
    module = call.module.fqn.rpartition('.')[2]
    if name in ('normal', 'command', 'shell', 'uri'):
        return True
    if name in ('package', 'service', 'dnf', 'apt'):
        return module != 'setup'
    if name == 'gather_facts':
        return len(C.config.get_config_value('FACTS_MODULES')) == 1 and module == 'setup'
    if name == 'copy':
        return module == 'copy' and boolean(task.args.get('remote_src', False), strict=False)
    if name in ('assemble', 'unarchive'):
        return module == name
    return False


class Asking:
    """The part of an owner that seams talk to. Subclasses say where a question goes."""

    def __init__(self, *, guard: Guard | None) -> None:
        self.guard = guard
        self.sent = False
        self.python: str | None = None
        self.task_vars: dict[str, t.Any] = {}
        self.discovers = False  # an interpreter is being looked for: commands run without an agent
        self.discovered = False
        self.token = _TOKEN
        self.tmp_base = '~/.ansible/tmp'
        self.puts: list[t.Any] = []
        self.files_read: list[str] = []  # of the controller
        self.timeout: int | None = None
        self.piped: t.Callable[[], bool] | None = None  # whether stock would send the module through ssh's stdin
        self.wants_directory = False  # stock would make a temporary directory first
        self.one_by_one = False  # items of a loop are still to come behind each call
        self.foreseen: tuple[Call, tuple[t.Any, ...], str, bool] | None = None
        self.real_file = ''
        self.queue = compat.ResultQueue()
        self._outer_queue: t.Any = None
        self._recorded: collections.deque[tuple[Call, Reply]] = collections.deque()

    def enter(self) -> None:
        # as in a worker: output goes through the queue, to appear when its task's turn has come
        self._outer_queue, _display._final_q = _display._final_q, self.queue

    def leave(self) -> None:
        _display._final_q = self._outer_queue

    def question(self, action: t.Any, call: Call) -> Question:
        task = action._task
        branches: tuple[t.Any, ...] = ()
        stat = None
        checksum, final = '', is_final(action, call) and not self.one_by_one
        if self.foreseen is not None and call == self.foreseen[0]:
            _first, branches, checksum, final = self.foreseen
            final = final and not task.until and task.retries is None and not self.one_by_one
            stat = hint_of(call)
        return Question(
            call=call, branches=branches, stat=stat, checksum=checksum, final=final,
            go_on_failed=task.ignore_errors is True or compat.conditions(task.failed_when) == [False],
            facts_expected=call.module is not None and call.module.fqn.rpartition('.')[2] in FACT_MODULES,
            timeout=self.timeout, piped=None if self.wants_directory else self.piped)

    def call(self, action: t.Any, call: Call) -> Reply:
        if self._recorded:
            # the agent has run this step already; its arguments are the same by construction (copying.py)
            return self._recorded.popleft()[1]
        (_first, reply), *rest = self.exchange(self.question(action, call))
        self._recorded.extend(rest)
        return reply

    def exchange(self, question: Question) -> list[tuple[Call, Reply]]:
        """Ask the target: the calls that were run for the question, in order, with what they gave."""
        raise NotImplementedError

    def shell(self, shell: Shell) -> Reply:
        raise NotImplementedError

    def sleep(self, seconds: float) -> None:
        raise NotImplementedError
