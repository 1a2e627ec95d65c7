# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts by what their times depend on: connection, system, architecture and Python, as far as a run has learned them."""
from __future__ import annotations

import typing as t

from ansible import constants as C

__all__ = ['ObservedClasses', 'observed_classes']


class ObservedClasses:
    def __init__(self) -> None:
        self._facts: dict[str, tuple[str, ...]] = {}  # host -> system, architecture, Python
        self._known: dict[str, str] = {}
        self._connection = ''

    def play(self, play: t.Any) -> None:
        """A play begins: its connection holds for hosts that say nothing else."""
        self._connection = _word(play.connection)
        self._known.clear()

    def facts(self, host: t.Any, facts: t.Mapping[str, t.Any]) -> None:
        """The host has told of itself, maybe a part only (``filter`` of setup): what it told before still holds for the rest."""
        python = '.'.join(str(facts.get('ansible_python_version') or facts.get('python_version') or '').split('.')[:2])
        parts = [str(facts.get(f'ansible_{name}') or facts.get(name) or '').lower() for name in ('system', 'architecture')]
        if any(parts):
            before = self._facts.get(host.name, ('', '', ''))
            self._facts[host.name] = tuple(now or then for now, then in zip((*parts, python), before, strict=True))
            self._known.pop(host.name, None)

    def of(self, host: t.Any) -> str:
        known = self._known.get(host.name)
        if known is None:
            connection = self._own_connection(host) or self._connection or 'ssh'
            known = self._known[host.name] = '/'.join((connection, *self._facts.get(host.name, ()))).rstrip('/')
        return known

    @staticmethod
    def _own_connection(host: t.Any) -> str:
        found = host.vars.get('ansible_connection')
        for group in sorted(host.get_groups(), key=lambda group: (group.depth, group.priority, group.name)) if found is None else ():
            found = group.vars.get('ansible_connection', found)
        return _word(found)


def _word(connection: t.Any) -> str:
    """The plugin's short name; ``smart`` is ssh, and a template is nobody knows what."""
    text = str(connection or C.DEFAULT_TRANSPORT or 'ssh') if connection is not None else ''
    return '' if '{' in text else 'ssh' if text == 'smart' else text.rpartition('.')[2]


observed_classes: t.Final = ObservedClasses()
"""Those of this process."""
