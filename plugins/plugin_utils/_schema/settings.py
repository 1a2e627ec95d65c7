# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings: rustle_* variables, then RUSTLE_* environment, then [rustle] of ansible.cfg, then defaults. docs/settings.md lists them.

Rule 1: every setting can be given in each of the three places, under the same name; one that holds for the run is no variable (RUN_WIDE).
Rule 2: a bad value is an error that names its place; a name that is none of ours is a notice where only we use names (environment,
section), and nobody's business among variables.
"""
from __future__ import annotations

import dataclasses
import os.path
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import SettingsError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import DeclaredEffects, Scope
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.config_file import read_config
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.declarations import suggestion

__all__ = [
    'FEEDBACK', 'FOREIGN_ENVIRONMENT', 'NAMES', 'PLANNING', 'RUN_WIDE', 'Adaptation', 'Given', 'Mode', 'Ordering', 'Place', 'Settings', 'Strategy',
    'beside_its_config', 'notices', 'read_config', 'resolve',
]

MIB = 1024 * 1024


Mode = t.Literal['auto', 'binary', 'ssh']
Adaptation = t.Literal['off', 'advise', 'on']
Ordering = t.Literal['causal', 'linear', 'host']
Place = t.Literal['host', 'world']
Strategy = t.Literal['Linear', 'Rolling', 'Free', 'HostPinned', 'BinaryHybrid', 'BinaryOnly']
"""The values of ExecutionStrategy, which a run need not import."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the engine was told, for one task. What values there may be: checks.py."""

    enabled: bool = True
    mode: Mode = 'auto'
    ordering: Ordering = 'causal'
    scope: Place | None = None
    effects: DeclaredEffects | None = None
    effects_file: str | None = None
    lookahead: int = 200
    cache_dir: str = ''
    cache_limit: int = 512 * MIB
    agent_cache_limit: int = 64 * MIB
    plan_file: str | None = None
    adaptation: Adaptation = 'on'
    retry: bool | None = None
    skippable: bool = False
    interchangeable: str | None = None
    default_forks: int | None = None
    planning_timeout: float = 0
    optimization_level: int = 1
    strategy: Strategy = 'BinaryHybrid'
    binary_threshold: int = 5
    plan_cache: bool = True

    @property
    def rescope(self) -> Scope | None:
        """The declared scope as the rules take it."""
        return None if self.scope is None else Scope(self.scope)


PLANNING: t.Final = ('default_forks', 'planning_timeout', 'optimization_level', 'strategy', 'binary_threshold', 'plan_cache')
"""Settings of rustle-plan, which a run does not look at."""

NAMES: t.Final = (
    'enabled', 'mode', 'ordering', 'scope', 'effects', 'effects_file', 'lookahead', 'cache_dir', 'cache_limit', 'agent_cache_limit', 'plan_file',
    'adaptation', 'retry', 'skippable', 'interchangeable', *PLANNING)
"""The settings, in the order of the documentation."""

RUN_WIDE: t.Final = frozenset({'effects_file', *PLANNING})
"""Settings that no variable may give: what they say is taken up when a run begins."""

FEEDBACK: t.Final = (
    'feedback', 'feedback_db', 'feedback_days', 'feedback_size', 'feedback_report', 'progress_interval', 'adaptation_learning', 'adaptation_timeout',
    'max_adaptations_per_execution', 'adaptations', 'policies', 'error_classes', 'wait_limit', 'halt_failures', 'exploration', 'events_file', 'events_url',
    'events_token', 'events_token_file', 'events_secret', 'events_secret_file')
"""Settings of the callbacks, by feedback_settings.py: read once a run, so that they cost a task nothing; here they are only no strangers."""

FOREIGN_ENVIRONMENT: t.Final = frozenset({'RUSTLE_AGENT_CACHE'})
"""Names with our prefix that are read elsewhere: on the target."""

_VARIABLES = tuple(f'rustle_{name}' for name in NAMES)
_ENVIRONMENT = tuple(f'RUSTLE_{name.upper()}' for name in NAMES)


class Given(t.NamedTuple):
    """A value as somebody gave it, and where."""

    value: t.Any
    where: str


def resolve(*, variables: t.Mapping[str, t.Any], environ: t.Mapping[str, str], config: t.Mapping[str, str]) -> Settings:
    """The settings of one task. ``variables``: all of the task's, rendered; ``config``: as read_config gives it.

    Raises SettingsError at the first bad value. Equal values give the same object, so it may be asked for each task.
    """
    given = [_given(number, variables, environ, config) for number in range(len(NAMES))]
    cache_home = environ.get('XDG_CACHE_HOME') or '~/.cache'
    key = (cache_home, *(None if one is None else (_fingerprint(one.value), one.where) for one in given))
    settings = _MEMO.get(key)
    if settings is None:
        if len(_MEMO) >= _MEMO_LIMIT:
            _MEMO.clear()
        settings = _MEMO[key] = _settings({name: one for name, one in zip(NAMES, given, strict=True) if one is not None}, cache_dir=f'{cache_home}/rustle')
    return settings


_MEMO: dict[tuple[t.Any, ...], Settings] = {}
_MEMO_LIMIT = 4096


def _given(
    number: int, variables: t.Mapping[str, t.Any], environ: t.Mapping[str, str], config: t.Mapping[str, str]
) -> Given | None:
    value = variables.get(_VARIABLES[number])
    if value is not None:
        if NAMES[number] in RUN_WIDE:
            place = 'rustle-plan looks for it' if NAMES[number] in PLANNING else 'it holds for the whole run'
            raise SettingsError(
                expected=f'the setting where {place}', found=value, where=f'variable {_VARIABLES[number]}',
                hint=f'give it as {_ENVIRONMENT[number]} or as {NAMES[number]} in [rustle] of ansible.cfg')
        return Given(value, f'variable {_VARIABLES[number]}')
    value = environ.get(_ENVIRONMENT[number])
    if value:
        return Given(value, f'environment variable {_ENVIRONMENT[number]}')
    name = NAMES[number]
    value = config.get(name)
    if value:
        return Given(value, f'{getattr(value, "where", "ansible.cfg")}: {name} in [rustle]')
    return None


def _fingerprint(value: object) -> object:
    """Hashable, and different for what is validated differently (1 and True are equal, and are not)."""
    return value if isinstance(value, str) else (type(value).__name__, repr(value))


def _is_plain(name: str, value: object) -> bool:
    """Whether a value is right without a further look."""
    return value in _WORDS.get(name, ()) or (name in _PATHS and isinstance(value, str) and bool(value.strip()))


_PATHS = ('cache_dir', 'effects_file', 'plan_file')
_WORDS = {
    'mode': t.get_args(Mode), 'adaptation': t.get_args(Adaptation), 'ordering': t.get_args(Ordering), 'scope': t.get_args(Place),
    'strategy': t.get_args(Strategy)}


def _settings(given: t.Mapping[str, Given], *, cache_dir: str) -> Settings:
    values: dict[str, t.Any] = {'cache_dir': cache_dir}
    doubtful = {name: one for name, one in given.items() if not _is_plain(name, one.value)}
    values |= {name: str(one.value).strip() for name, one in given.items() if name not in doubtful}
    if doubtful:
        from ansible_collections.rustle.engine.plugins.plugin_utils._schema.checks import checked

        values |= checked(doubtful)
    for name in ('effects_file', 'plan_file'):
        if name in values:
            values[name] = beside_its_config(given[name].value, values[name])
    return Settings(**values)


def beside_its_config(given: object, path: str) -> str:
    """A path in ansible.cfg is relative to that file, as Ansible's own are."""
    path = os.path.expanduser(path)
    where = getattr(given, 'where', '')
    return os.path.join(os.path.dirname(where), path) if where else path


def notices(*, environ: t.Mapping[str, str], config: t.Mapping[str, str]) -> tuple[str, ...]:
    """One line for each name in the environment or the section that looks like ours and is not; for one warning a run."""
    names = (*NAMES, *FEEDBACK)
    variables = tuple(f'RUSTLE_{name.upper()}' for name in names)
    lines = [
        _notice(f'environment variable {name} is no setting of rustle.engine', name, variables)
        for name in sorted(environ)
        if name.startswith('RUSTLE_') and name not in variables and name not in FOREIGN_ENVIRONMENT
    ]
    for key in sorted(set(config) - set(names)):
        where = getattr(config[key], 'where', 'ansible.cfg')
        lines.append(_notice(f'{where}: {key} in [rustle] is no setting of rustle.engine', key, names))
    return tuple(lines)


def _notice(text: str, found: str, words: t.Iterable[str]) -> str:
    hint = suggestion(found, words)
    return f'{text} ({hint})' if hint else text
