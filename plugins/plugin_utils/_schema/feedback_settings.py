# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings of the callbacks: RUSTLE_* environment, then [rustle] of ansible.cfg, then defaults. docs/settings.md lists them.

Rule 1: they hold for the whole run and are read once, when a callback of ours begins; no variable gives them.
Rule 2: a bad value is an error that names its place, as in settings.py; the value of a secret is in no error and in no repr.
"""
from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import SettingsError
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.settings import FEEDBACK, Given, beside_its_config

__all__ = ['FeedbackSettings', 'resolve_feedback']

MIB = 1024 * 1024


@dataclasses.dataclass(frozen=True, kw_only=True)
class FeedbackSettings:
    """What the callbacks were told. What values there may be: feedback_checks.py. Sizes in bytes, times in seconds, shares of 1.

    ``events_file``: a path, or ``fd:N``. ``events_token``, ``events_secret``: the values, wherever they came from.
    """

    feedback: bool = True
    feedback_db: str = ''
    feedback_days: int = 90
    feedback_size: int = 256 * MIB
    feedback_report: bool = True
    progress_interval: float = 10
    adaptation_learning: bool = True
    adaptation_timeout: float = 30
    max_adaptations_per_execution: int = 10
    adaptations: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    error_classes: str | None = None
    wait_limit: float = 300
    halt_failures: float | None = None
    exploration: float = 0
    events_file: str | None = None
    events_url: str | None = dataclasses.field(default=None, repr=False)
    events_token: str | None = dataclasses.field(default=None, repr=False)
    events_secret: str | None = dataclasses.field(default=None, repr=False)


def resolve_feedback(*, environ: t.Mapping[str, str], config: t.Mapping[str, str]) -> FeedbackSettings:
    """``config``: as read_config gives it. Raises SettingsError at the first bad value. Reads the files that hold secrets, and no others."""
    given = {name: one for name in FEEDBACK if (one := _given(name, environ, config)) is not None}
    values: dict[str, t.Any] = {name: str(one.value).strip() for name, one in given.items() if name == 'feedback_db'}
    if set(given) != set(values) or '' in values.values():
        from ansible_collections.rustle.engine.plugins.plugin_utils._schema.checks import checked
        from ansible_collections.rustle.engine.plugins.plugin_utils._schema.feedback_checks import SECRET, FeedbackValues

        values = checked(given, model=FeedbackValues, hidden=SECRET)
        _read_secrets(values, given, lambda read: checked(read, model=FeedbackValues, hidden=SECRET))
    if 'feedback_db' not in values:
        values['feedback_db'] = os.path.join(environ.get('XDG_DATA_HOME') or '~/.local/share', 'rustle', 'feedback.db')
    for name in ('feedback_db', 'events_file', 'error_classes'):
        if name in values and not values[name].startswith('fd:'):
            values[name] = beside_its_config(given[name].value if name in given else '', values[name])
    if 'policies' in values:
        values['policies'] = tuple(beside_its_config(given['policies'].value, path) for path in values['policies'])
    return FeedbackSettings(**values)


def _given(name: str, environ: t.Mapping[str, str], config: t.Mapping[str, str]) -> Given | None:
    variable = f'RUSTLE_{name.upper()}'
    if value := environ.get(variable):
        return Given(value, f'environment variable {variable}')
    if value := config.get(name):
        return Given(value, f'{getattr(value, "where", "ansible.cfg")}: {name} in [rustle]')
    return None


def _read_secrets(values: dict[str, t.Any], given: t.Mapping[str, Given], check: t.Callable[[dict[str, Given]], dict[str, t.Any]]) -> None:
    """Put what the files hold in the place of their names."""
    for name in ('events_token', 'events_secret'):
        path = values.pop(f'{name}_file', None)
        if path is None:
            continue
        file = given[f'{name}_file']
        if name in given:
            raise SettingsError(expected=f'either {name} or {name}_file', found=path, where=file.where, hint=f'{given[name].where} is given, too')
        path = beside_its_config(file.value, path)
        try:
            with open(path, encoding='utf-8') as stream:
                text = stream.read().strip()
        except (OSError, UnicodeDecodeError) as ex:
            raise SettingsError(expected='a readable text file', found=path, where=file.where, hint=getattr(ex, 'strerror', None) or 'it is no text') from None
        values |= check({name: Given(text, path)})
