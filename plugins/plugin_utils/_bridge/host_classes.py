# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hosts of a play in classes: equal groups, connection, target and set of variables are one class.

Rule: a variable whose values differ within a class is *varying*: its value is nobody's, so it counts as unknown.
"""
from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import HostClass, Profile
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.facts import is_fact

from .names import NOTHING, reading_of
from .targets import machine_of

__all__ = ['ClassifiedHosts', 'classify']

#: variables that are a host's own by definition, or tell nothing about it
_IDENTITY = frozenset(('inventory_hostname', 'inventory_hostname_short', 'ansible_host', 'ansible_ssh_host', 'inventory_file', 'inventory_dir'))
_SHELLS = frozenset(('powershell', 'cmd'))
_AGENT_CONNECTIONS = frozenset(('ssh', 'smart', 'local'))


@dataclasses.dataclass(frozen=True)
class ClassifiedHosts:
    """``variables``: class id -> the variables of the host that stands for it; ``varying``: names, over all classes.

    ``values``: what is a template among the values that varying variables have on other hosts: name -> values.
    """

    classes: tuple[HostClass, ...]
    variables: t.Mapping[str, dict[str, t.Any]]
    representative: t.Mapping[str, t.Any]
    varying: frozenset[str]
    values: t.Mapping[str, t.Sequence[t.Any]]


def classify(hosts: t.Sequence[t.Any], *, play: t.Any, get_vars: t.Callable[..., dict[str, t.Any]]) -> ClassifiedHosts:
    """``get_vars``: VariableManager.get_vars."""
    own_of, members = {}, collections.defaultdict(list)
    machines: collections.Counter[tuple[str, str, str]] = collections.Counter()
    play_connection = str(play.connection or '')
    for host in hosts:
        variables = get_vars(play=play, host=host, include_hostvars=False)
        own_of[host.name] = variables
        machine = machine_of(variables, host.name, play_connection)
        machines[machine] += 1
        profile = _profile(variables)
        groups = tuple(sorted(group.name for group in host.get_groups()))
        members[groups, machine[0], profile, str(variables.get('ansible_shell_type') or '')].append((host, machine))
    classes, chosen, representative = [], {}, {}
    varying: set[str] = set(_IDENTITY)
    values: collections.defaultdict[str, list[t.Any]] = collections.defaultdict(list)
    for (_groups, connection, profile, shell), pairs in members.items():
        class_id = f'class-{len(classes)}'
        stock, detail = _refusal(connection, shell)
        classes.append(HostClass(
            class_id=class_id, hosts=tuple(host.name for host, _machine in pairs), connection=connection, profile=profile, stock=stock,
            stock_detail=detail, shared_machine=any(machines[machine] > 1 for _host, machine in pairs), local=connection == 'local'))
        first = own_of[pairs[0][0].name]
        chosen[class_id], representative[class_id] = first, pairs[0][0]
        for host, _machine in pairs[1:]:
            for name in _differing(first, own_of[host.name]):
                varying.add(name)
                value = own_of[host.name].get(name)
                if (isinstance(value, str) or not is_fact(name)) and reading_of(value) is not NOTHING:  # facts hold none, and are large
                    values[name].append(value)
    return ClassifiedHosts(tuple(classes), chosen, representative, frozenset(varying), values)


def _differing(one: t.Mapping[str, t.Any], other: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    for name in one.keys() | other.keys():
        first, second = one.get(name), other.get(name)
        if first is not second and first != second:
            yield name


def _profile(variables: t.Mapping[str, t.Any]) -> Profile:
    """Of cached or declared facts."""
    facts = variables.get('ansible_facts') or {}

    def fact(name: str) -> str:
        return str(variables.get(f'ansible_{name}') or facts.get(name) or '')

    python = facts.get('python_version') or variables.get('ansible_python_version') or ''
    return Profile(arch=fact('architecture'), os=fact('system').lower(), python='.'.join(str(python).split('.')[:2]))


def _refusal(connection: str, shell: str) -> tuple[Reason | None, str]:
    if connection not in _AGENT_CONNECTIONS:
        return Reason.CONNECTION, connection
    if shell in _SHELLS:
        return Reason.CONNECTION, f'shell {shell}'
    return None, ''
