# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is known of variables before a run: which have their value already, which are secret, what reads what.

Rule 1: a lookup is never executed; what depends on one, on a fact, a result or a changing value is unknown.
Rule 2: what comes out of a vault, or is named like a secret, is masked, with all that is rendered from it; nothing is decrypted for showing.
Rule 3: in a class of hosts only that is known which is the same for all of them.
"""
from __future__ import annotations

import functools
import re
import typing as t
from collections.abc import Mapping

from ansible._internal._datatag._tags import TrustedAsTemplate
from ansible._internal._templating._engine import TemplateEngine
from ansible.parsing.vault import EncryptedString
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import MASKED
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.facts import is_fact

from .hazards import PURE_LOOKUPS
from .names import NOTHING, Reading, pieces_of, reading_of, reading_of_expression

__all__ = ['Scope', 'is_secret_name']

_SECRET = re.compile(
    r'(?:^|_)(?:pass|passwd|password|passphrase|secret|secrets|token|api_?key|private_?key|secret_?key|access_?key|credentials?|auth_?key)(?:$|_)'
    r'|password|passphrase', re.IGNORECASE)
_NOT_SECRET = re.compile(r'^(?:update_password|password_lock|no_log|password_expire.*|.*_file|.*_path|.*_policy|.*_length|generate_.*|.*_enabled)$')


def is_secret_name(name: str) -> bool:
    """Whether an argument or variable of this name holds a secret, as names go."""
    return bool(_SECRET.search(name)) and not _NOT_SECRET.match(name)


class Scope:
    """The variables that a task sees, of one host that stands for its class.

    ``moving``: names that tasks set in the run; ``varying``: names that differ among the hosts; ``vaulted``: names out of vault files.
    ``values``: templates that are values of varying names on other hosts.
    """

    def __init__(
        self, variables: dict[str, t.Any], *, loader: t.Any, moving: t.Container[str], varying: t.Container[str], vaulted: t.Container[str],
        values: t.Mapping[str, t.Sequence[t.Any]],
    ) -> None:
        self._variables = variables
        self._moving = moving
        self._varying = varying
        self._vaulted = vaulted
        self._values = values
        self._engine = TemplateEngine(loader=loader, variables=variables)
        self._deep: dict[str, tuple[Reading, dict[str, str]]] = {}
        self._secret: dict[str, bool] = {}
        self._rendered: dict[str, t.Any] = {}
        self._decided: dict[str, bool | None] = {}

    # -- what reads what

    def deep(self, reading: Reading) -> tuple[Reading, dict[str, str]]:
        """What is read in the end: the names that a value reads, those that their values read, and so on; each with the way to it."""
        found, ways = reading, {}
        for name in sorted(reading.names):
            ways[name] = ''
        for name in sorted(reading.names):
            below, via = self._below(name)
            found |= below
            for inner, way in via.items():
                ways.setdefault(inner, f'{name} -> {way}' if way else name)
        return found, ways

    def _below(self, name: str, path: tuple[str, ...] = ()) -> tuple[Reading, dict[str, str]]:
        """What the value of a variable reads."""
        known = self._deep.get(name)
        if known is not None:
            return known
        elsewhere = self._values.get(name)
        if name in path or name in self._moving or (name not in self._variables and elsewhere is None):
            return NOTHING, {}
        value = self._variables.get(name)
        direct = NOTHING if is_fact(name) or name in ('hostvars', 'groups', 'vars') or isinstance(value, EncryptedString) else reading_of(value)
        if elsewhere is not None:
            direct |= reading_of(list(elsewhere))
        found: Reading = direct
        ways: dict[str, str] = {}
        for inner in sorted(direct.names):
            ways.setdefault(inner, '')
            below, via = self._below(inner, (*path, name))
            found |= below
            for innermost, way in via.items():
                ways.setdefault(innermost, f'{inner} -> {way}' if way else inner)
        if not path:
            self._deep[name] = found, ways
        return found, ways

    @functools.cached_property
    def connecting(self) -> frozenset[str]:
        """What tasks set of all that the connection's variables read: that happens without a template of the task's."""
        texts = [value for name, value in self._variables.items() if name.startswith('ansible_') and isinstance(value, str)]
        return frozenset(name for name in self.deep(reading_of(texts))[1] if name in self._moving)

    # -- what is known

    def why_unknown(self, reading: Reading) -> str:
        """Why a value that reads this is not known before the run; empty when it is. ``reading`` is deep."""
        lookups = sorted(name for name in reading.lookups if name.rpartition('.')[2] not in PURE_LOOKUPS)
        if lookups:
            return f'the lookup {lookups[0] or "of a name that is not literal"}'
        if reading.any or reading.other_hosts:
            return 'variables of other hosts, or of any name'
        if reading.clock or reading.changing or reading.controller_files:
            return 'the time, chance, or a file of the controller'
        for name in sorted(reading.names):
            if name in self._moving:
                return f'{name}, which a task sets'
            if name in self._varying:
                return f'{name}, which differs among the hosts'
            if is_fact(name) or name not in self._variables:
                return f'{name}, which is not known yet'
        return ''

    def secret(self, reading: Reading) -> bool:
        """Whether something in this (deep) reading is a secret."""
        return any(map(self._is_secret, reading.names))

    def _is_secret(self, name: str) -> bool:
        known = self._secret.get(name)
        if known is None:
            known = self._secret[name] = is_secret_name(name) or name in self._vaulted or _holds_vault(self._variables.get(name))
        return known

    def rendered(self, value: t.Any, *, name: str = '') -> tuple[t.Any, t.Any, list[str]]:
        """(for people, for the rules, why parts of it are unknown): what is not known keeps its template, what is secret is masked.

        ``name``: of the argument that the value is for.
        """
        if isinstance(value, EncryptedString) or (name and is_secret_name(name) and value is not None and not isinstance(value, bool)):
            return MASKED, '{{ secret }}', []
        if isinstance(value, Mapping):
            parts = {str(key): self.rendered(part, name=str(key)) for key, part in value.items()}
            return {key: one[0] for key, one in parts.items()}, {key: one[1] for key, one in parts.items()}, [why for one in parts.values() for why in one[2]]
        if isinstance(value, (list, tuple)):
            items = [self.rendered(part) for part in value]
            return [one[0] for one in items], [one[1] for one in items], [why for one in items for why in one[2]]
        direct = reading_of(value)
        if direct is NOTHING:
            return value, value, []
        deep, _ways = self.deep(direct)
        if self.secret(deep):
            return MASKED, value, []
        why = self.why_unknown(deep)
        if why:
            return value, value, [why]
        try:
            result = self._template(value)
        except Exception as ex:
            return value, value, [f'it cannot be rendered: {type(ex).__name__}']
        return (MASKED, value, []) if _holds_vault(result) else (result, result, [])

    def decided(self, expression: t.Any) -> bool | None:
        """What a condition comes to, when that is known."""
        if isinstance(expression, bool):
            return expression
        if not TrustedAsTemplate.is_tagged_on(expression):
            return self._decide(expression)
        if expression not in self._decided:
            self._decided[expression] = self._decide(expression)
        return self._decided[expression]

    def _decide(self, expression: t.Any) -> bool | None:
        deep, _ways = self.deep(reading_of_expression(expression))
        if self.why_unknown(deep) or self.secret(deep):
            # `is defined` of what nobody sets is known, but defaults, facts and includes may still set it
            return None
        try:
            return bool(self._engine.evaluate_conditional(expression))
        except Exception:
            return None

    def _template(self, value: t.Any) -> t.Any:
        """What Ansible's engine makes of a value that is known; without it where it is names among words: it compiles each text that it has not seen."""
        if not TrustedAsTemplate.is_tagged_on(value):
            return self._engine.template(value)
        if value not in self._rendered:
            joined = self._joined(pieces_of(value))
            self._rendered[value] = self._engine.template(value) if joined is None else joined
        return self._rendered[value]

    def _joined(self, pieces: list[str] | None) -> str | int | None:
        """Words and the values of the names between them, as Jinja joins them; None where a value is more than a text or a number."""
        values = [self._named(piece) if number % 2 else piece for number, piece in enumerate(pieces or ())]
        if not values or not all(isinstance(one, (str, int)) and not isinstance(one, bool) for one in values):
            return None
        return values[1] if len(values) == 3 and not values[0] and not values[2] else ''.join(map(str, values))

    def _named(self, name: str) -> t.Any:
        """The value of a variable, None for one of no value."""
        value = self._variables.get(name)
        return self._template(value) if isinstance(value, str) and '{' in value else value

    def value(self, expression: t.Any) -> t.Any:
        """The value of a template when it is known and no secret, else None."""
        shown, real, why = self.rendered(expression)
        return None if why or shown == MASKED else real


def _holds_vault(value: t.Any, depth: int = 4) -> bool:
    if isinstance(value, EncryptedString):
        return True
    if depth and isinstance(value, Mapping):
        return any(_holds_vault(part, depth - 1) for part in value.values())
    if depth and isinstance(value, (list, tuple)):
        return any(_holds_vault(part, depth - 1) for part in value)
    return False
