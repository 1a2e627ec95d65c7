# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What keeps planning from running things, and what says in our words what Ansible could not do.

Rule: while a plan is made, only lookups run that rearrange data or read what lies here, and only where Ansible needs a value to load a playbook.
"""
from __future__ import annotations

import contextlib
import os
import typing as t

from ansible._internal._datatag._tags import Origin
from ansible._internal._templating import _jinja_plugins
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import PlanError
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import short_name

from .hazards import QUICK_LOOKUPS

__all__ = ['READING_LOOKUPS', 'abstaining', 'words']

READING_LOOKUPS: t.Final = QUICK_LOOKUPS - {'random_choice'}


@contextlib.contextmanager
def abstaining() -> t.Iterator[None]:
    """Refuse all other lookups. What loading a playbook needs (names of hosts, of files, tags) and one of those would give is an error."""
    original = _jinja_plugins._invoke_lookup

    def invoke_lookup(*, plugin_name: str, **keywords: t.Any) -> t.Any:
        short = short_name(plugin_name)
        if short not in READING_LOOKUPS:
            raise PlanError(f'planning does not run the lookup {plugin_name}', hint='give the value that depends on it with --extra-vars')
        return original(plugin_name=plugin_name, **keywords)

    _jinja_plugins._invoke_lookup = invoke_lookup
    try:
        yield
    finally:
        _jinja_plugins._invoke_lookup = original


def words(ex: t.Any) -> str:
    """An AnsibleError as people read it: what, where, and Ansible's own advice."""
    found: t.Any = ex
    origin = None
    while found is not None and origin is None:
        value = getattr(found, 'obj', None)
        origin = value if isinstance(value, Origin) else Origin.get_tag(value)
        found = found.__cause__
    place = ''
    if origin is not None and origin.path:
        line = f':{origin.line_num}' if origin.line_num else ''
        relative = os.path.relpath(origin.path)
        place = f'{origin.path if relative.startswith("..") else relative}{line}: '
    advice = getattr(ex, '_help_text', None)
    return f'{place}{ex}' + (f'\nhint: {" ".join(advice.split())}' if advice else '')
