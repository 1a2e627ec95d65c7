# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stock path while adaptations are made: how its tasks end is looked at before linear hears of it.

Rule 1: where nobody adapts, linear's results are not touched.
Rule 2: a task of which something was shown already is not held back: items of a loop, polls of an asynchronous one.
Rule 3: what a worker did before it lost its host is not known, so that only what may be repeated is.
"""
from __future__ import annotations

import collections
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins.loader import connection_loader
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import compat
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import Channel

__all__ = ['StockPath', 'StockTask']


class StockTask:
    """A task on a host, from when a worker is asked for it until linear is told. ``run``: the host's part of the play."""

    path: t.Final = 'stock'

    def __init__(self, run: t.Any, task: t.Any, reason: Reason, *, attempt: int = 1, again_by: t.Any = None) -> None:
        self.run = run
        self.host = run.host
        self.task = task
        self.reason = reason
        self.attempt = attempt
        self.again_by = again_by  # the instruction that had it begun again
        self.ended_with: t.Any = None  # linear's form of the result
        self.told = bool(task.loop is not None or task.loop_with or task.async_val)

    @property
    def is_current(self) -> bool:
        """Whether it is what linear waits for."""
        return self.run.stock is self

    @property
    def failed(self) -> bool:
        return compat.failed(self.result())

    @property
    def away(self) -> bool:
        """Whether it has ended since its host could not be reached."""
        return compat.unreachable(self.result())

    @property
    def started(self) -> bool | None:
        """Whether something of it may have run on its host; None where nobody knows."""
        return None if self.away else True

    def result(self) -> t.Any:
        return compat.wire_of(self.ended_with)


class _Results(collections.deque[t.Any]):
    """linear's results. ``aside`` takes one away when it comes, in the thread that reads from the workers."""

    def __init__(self, so_far: t.Iterable[t.Any], aside: t.Callable[[t.Any], bool]) -> None:
        super().__init__(so_far)
        self._aside = aside

    def append(self, result: t.Any) -> None:
        if not self._aside(result):
            super().append(result)

    def let_go(self, result: t.Any) -> None:
        super().append(result)


class StockPath:
    """Of one play. ``play``: its PlayRun."""

    def __init__(self, play: t.Any, channel: Channel) -> None:
        self._play = play
        self._came: collections.deque[t.Any] = collections.deque()
        self._results: _Results | None = None
        if channel.adviser is not None:
            self._results = play.strategy._results = _Results(play.strategy._results, self._take_aside)

    def begins(self, run: t.Any, task: t.Any, reason: Reason, *, after: t.Any = None) -> None:
        """A worker is about to be asked for the task of this host; ``after``: the execution whose place it takes."""
        more = {} if after is None else {'attempt': after.attempt, 'again_by': after.again_by}
        run.stock = StockTask(run, task, reason, **more)

    def look(self) -> None:
        """Look at what has come, and tell linear of what is not held back."""
        while self._came:
            result = self._came.popleft()
            stock = self._play.hosts[result.host.name].stock
            stock.ended_with = result
            if not self._may_be_held(stock) or not self._play.adapting.takes(stock):
                self.deliver(stock)

    def deliver(self, stock: StockTask) -> None:
        """Tell linear how it has ended."""
        stock.run.stock = None
        with self._play.strategy._results_lock:
            t.cast('_Results', self._results).let_go(stock.ended_with)

    def begin_again(self, stock: StockTask, task: t.Any) -> StockTask:
        """``task``: its own, or a copy with other keywords."""
        self.begins(stock.run, task, stock.reason)
        return t.cast('StockTask', stock.run.stock)

    def go_on(self, fresh: StockTask) -> None:
        self._play.hub.telling.stock(fresh.host.name, fresh.task, fresh.reason, attempt=fresh.attempt)
        self.ask(fresh)

    def ask(self, stock: StockTask) -> None:
        """Have a worker do what linear has queued already, with the variables of this moment."""
        strategy, host, task = self._play.strategy, stock.host, stock.task
        entry = strategy._queued_task_cache[(host.name, task._uuid)]
        strategy.queue_stock(host, task, self._play.vars_now(host, task), entry['play_context'])

    def _take_aside(self, result: t.Any) -> bool:
        run = self._play.hosts.get(result.host.name)
        if run is None or run.stock is None or run.stock.task._uuid != result.task._uuid:
            return False
        self._came.append(result)
        return True

    @staticmethod
    def _may_be_held(stock: StockTask) -> bool:
        if stock.reason is Reason.DISABLED or stock.task.debugger is not None:
            return False
        return not (stock.away and _reconnects(stock.run.task_vars))


def _reconnects(variables: t.Mapping[str, t.Any]) -> bool:
    """Whether ssh has retries of its own for the host: then it is connected to as often as under linear."""
    connection_loader.get('ssh', class_only=True)  # its options are known from then on
    try:
        given = compat.render({name: variables[name] for name in ('ansible_ssh_retries',) if name in variables}, dict(variables))
        value = C.config.get_config_value('reconnection_retries', plugin_type='connection', plugin_name='ssh', variables=given)
    except AnsibleError:
        return True  # how often is the worker's to say
    return str(value or 0) != '0'
