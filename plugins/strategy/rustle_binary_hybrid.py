# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = '''
    name: rustle_binary_hybrid
    short_description: Runs plays through agents and bundles, with the results of linear
    description:
        - Tasks are executed in the order and with the results of the C(linear) strategy.
        - Underneath, one connection a host starts a small agent. Tasks that do not depend on each other's results go to it in bundles,
          so that a play costs a few round trips instead of a few round trips a task.
        - Whatever the agent cannot do exactly as stock Ansible does takes the stock path by itself; C(-vvv) says why at each task.
        - Without its Python packages, and on versions of ansible-core that it does not know, it runs as plain C(linear) and says so.
    version_added: "0.1.0"
    notes:
        - Settings are variables (C(rustle_*)), environment variables (C(RUSTLE_*)) and the section C([rustle]) of C(ansible.cfg); see docs/settings.md.
    author: rustle.engine contributors (@rustle)
'''

import importlib.util
import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.strategy.linear import StrategyModule as LinearStrategy
from ansible.utils.display import Display
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError

display = Display()


class StrategyModule(LinearStrategy):
    """linear's loop over a queue of ours: see docs/architecture.md."""

    def __init__(self, tqm: t.Any) -> None:
        super().__init__(tqm)
        self._rustle: t.Any = None

    def run(self, iterator: t.Any, play_context: t.Any) -> t.Any:  # type: ignore[override]
        session = _session()
        if session is None:
            return super().run(iterator, play_context)
        _follow_plan(session, self._variable_manager.get_vars(play=iterator._play))
        self._rustle = session.begin(self, iterator, play_context)
        try:
            return super().run(iterator, play_context)
        except KeyboardInterrupt:
            self._rustle.interrupted()
            raise
        except RustleError as ex:
            raise AnsibleError(str(ex)) from None
        finally:
            rustle, self._rustle = self._rustle, None
            rustle.end()

    def _execute_meta(self, task: t.Any, play_context: t.Any, iterator: t.Any, target_host: t.Any) -> t.Any:
        if self._rustle is not None and task._get_meta() == 'reset_connection':
            self._rustle.reset(target_host)
        return super()._execute_meta(task, play_context, iterator, target_host)

    def _queue_task(self, host: t.Any, task: t.Any, task_vars: t.Any, play_context: t.Any) -> None:
        if self._rustle is None or not self._rustle.queue(host, task, task_vars, play_context):
            self._queue_worker(host, task, task_vars, play_context)

    def queue_stock(self, host: t.Any, task: t.Any, task_vars: t.Any, play_context: t.Any) -> None:
        """The stock path for a task that linear has queued already: it is neither announced nor counted twice."""
        self._pending_results -= 1
        tqm, self._tqm = self._tqm, _Unannounced(self._tqm)  # type: ignore[assignment]
        try:
            self._queue_worker(host, task, task_vars, play_context)
        finally:
            self._tqm = tqm

    def _queue_worker(self, host: t.Any, task: t.Any, task_vars: t.Any, play_context: t.Any) -> None:
        """linear passes over it in silence when a worker cannot be started."""
        if self._rustle is not None:
            self._rustle.hub.room.for_worker()
        super()._queue_task(host, task, task_vars, play_context)

    def _process_pending_results(self, iterator: t.Any, one_pass: bool = False, max_passes: int | None = None) -> t.Any:
        if self._rustle is not None:
            self._rustle.pump(0)
        # the task debugger restores the other hosts of a run_once task only where it reads this name
        play = iterator._play
        name, play.strategy = play.strategy, 'linear'
        try:
            return super()._process_pending_results(iterator, one_pass=one_pass, max_passes=max_passes)
        finally:
            play.strategy = name

    def _wait_on_pending_results(self, iterator: t.Any) -> t.Any:
        if self._rustle is None:
            return super()._wait_on_pending_results(iterator)
        results: list[t.Any] = []
        while self._pending_results > 0 and not self._tqm._terminated:
            if self._tqm.has_dead_workers():
                self._rustle.adapting.let_go()
                results.extend(self._process_pending_results(iterator))
                # let linear say it
                return results + super()._wait_on_pending_results(iterator)
            results.extend(self._process_pending_results(iterator))
            if self._pending_results > 0:
                self._rustle.wait()
        return results


class _Unannounced:
    """A task queue manager that keeps the start of a task to itself."""

    def __init__(self, tqm: t.Any) -> None:
        self._wrapped = tqm

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._wrapped, name)

    def send_callback(self, method_name: str, *args: t.Any, **kwargs: t.Any) -> None:
        if method_name != 'v2_runner_on_start':
            self._wrapped.send_callback(method_name, *args, **kwargs)


_followed: list[str] = []


def _follow_plan(session: t.Any, variables: dict[str, t.Any]) -> None:
    """Where the run is to follow a saved plan: AnsibleError unless the plan is what would be planned now."""
    path = session.settings(variables).plan_file
    if not path or path in _followed:
        return
    from ansible_collections.rustle.engine.plugins.plugin_utils._cli.following import follow
    from ansible_collections.rustle.engine.plugins.plugin_utils._run.diary import Diary
    try:
        session.diary = Diary(follow(path))
    except RustleError as ex:
        raise AnsibleError(str(ex)) from ex
    _followed.append(path)


_said: list[str] = []


def _session() -> t.Any:
    """The engine's session, or None where the strategy has to run as plain linear; the reason is said once."""
    try:
        from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import bytecode
        bytecode.install()
        from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import coroutine
        if coroutine.GREENLET_ERROR is not None:
            raise coroutine.GREENLET_ERROR
        if importlib.util.find_spec('pydantic') is None:  # imported when a setting has to be checked
            raise ImportError('pydantic', name='pydantic')
        from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import compat
        if not compat.core_supported():
            _say(f'rustle.engine does not know ansible-core {".".join(map(str, compat.CORE_VERSION))} yet: the play runs as plain linear.')
            return None
        from ansible_collections.rustle.engine.plugins.plugin_utils._run.session import Session
    except ImportError as ex:
        name = (ex.name or '').partition('.')[0]
        if name in ('', 'ansible_collections', 'ansible'):
            _say(f'rustle.engine runs as plain linear: {ex}')
        else:
            _say(f'rustle.engine runs as plain linear: the Python package {name!r} is missing. Install it with: pip install {name}')
        return None
    session = Session.get()
    return session if session.enabled else None


def _say(text: str) -> None:
    if text not in _said:
        _said.append(text)
        display.warning(text)
