# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The planner's rules, asked for the tasks and hosts of one play."""
from __future__ import annotations

import collections
import json
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import prospects
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.targets import is_controller, machine_of
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import Question
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Effects, TaskNode
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import effects_of
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.ordering import barrier_for, conflicts
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.places import shared_mounts
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import Tables

__all__ = ['Rules']

Machine = tuple[str, str, str]


class Rules:
    """Effects and barriers. What is asked again for the same task and the same declarations is remembered."""

    def __init__(self, strategy: t.Any, play: t.Any, forks: int, tables: Tables) -> None:
        self._strategy = strategy
        self._tables = tables
        self._play = play
        self._forks = forks
        self._machine: dict[str, Machine] = {}
        self._names: collections.Counter[Machine] = collections.Counter()
        self._known: dict[t.Any, tuple[TaskNode, Effects]] = {}

    def barrier(self, task: t.Any, host: t.Any, settings: t.Any) -> Reason | None:
        """Why all hosts of the play wait for each other before and after this task."""
        hosts = len(self._strategy._hosts_cache)
        if hosts <= 1:
            return None
        node, effects = self._judged(task, host, settings)
        machine = self.machine(host)
        return barrier_for(node, effects, mode=settings.ordering, hosts=hosts, forks=self._forks, same_machine=self._names[machine] > 1,
                           play_max_fail=self._play.max_fail_percentage is not None)

    def restarts_agent(self, task: t.Any, host: t.Any, settings: t.Any) -> bool:
        """Whether logins are different after the task, so that an agent from before it must not go on."""
        return self._judged(task, host, settings)[1].restarts_agent

    def _judged(self, task: t.Any, host: t.Any, settings: t.Any) -> tuple[TaskNode, Effects]:
        local = self.machine(host)[0] == 'local'
        mounts = self._shared_mounts(host)
        key = (task._uuid, local, settings.scope, settings.effects, mounts)
        known = self._known.get(key)
        if known is None:
            node = prospects.node_of(task, on_controller=local, rescope=settings.rescope, effects=settings.effects, mounts=mounts)
            known = self._known[key] = node, effects_of(node, self._tables)
        return known

    def _shared_mounts(self, host: t.Any) -> tuple[str, ...]:
        """Network file systems of the host, as far as its facts name them."""
        try:
            facts = self._strategy._variable_manager._fact_cache.get(host.name)
        except KeyError:
            return ()
        return shared_mounts(facts.get('ansible_mounts') or ())

    # -- machines

    def machine(self, host: t.Any) -> Machine:
        """What tells the host's machine from others."""
        if not self._machine:
            for name in self._strategy._hosts_cache:
                self._add(self._strategy._inventory.get_host(name))
        if host.name not in self._machine:
            self._add(host)
        return self._machine[host.name]

    def _add(self, host: t.Any) -> None:
        variables = self._strategy._variable_manager.get_vars(play=self._play, host=host, include_hostvars=False)
        machine = machine_of(variables, host.name, str(self._play.connection or ''))
        self._machine[host.name] = machine
        self._names[machine] += 1

    def on_controller(self, host: t.Any) -> bool:
        """Whether the host's files are (or may be) the controller's, however it is reached."""
        return is_controller(self.machine(host))

    # -- files of the controller

    def writes(self, execution: t.Any) -> tuple[str, ...]:
        """What the calls that an execution waits for may write on its host, from their rendered arguments."""
        waiting = execution.waiting_for
        questions = waiting if isinstance(waiting, list) else [waiting]
        found: list[str] = []
        for question in questions:
            if isinstance(question, Question):
                for call in (question.call, *(branch.call for branch in question.branches)):
                    if call is None:
                        continue
                    if call.module is None:
                        found.append('file:*')
                        continue
                    args = json.loads(call.params).get('ANSIBLE_MODULE_ARGS', {})
                    node = TaskNode(action=call.module.fqn.removeprefix('ansible.modules.'),
                                    args={key: value for key, value in args.items() if not key.startswith('_ansible_')})
                    found += effects_of(node, self._tables).writes
        return tuple(found)

    @staticmethod
    def any_file(writes: t.Iterable[str]) -> bool:
        """Whether what ``writes`` may write any file there is."""
        return not {'file:*', '*'}.isdisjoint(writes)

    @staticmethod
    def touched(writes: t.Iterable[str], paths: t.Iterable[str]) -> bool:
        """Whether files at ``paths`` may be written by what ``writes``."""
        return conflicts(tuple(writes), tuple(f'file:{path}' for path in paths))
