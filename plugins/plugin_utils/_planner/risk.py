# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How much a failure, or a second run, of a task may cost: by what it touches."""
from __future__ import annotations

from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import RiskLevel
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import SourceTask
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Effects, Scope
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import is_known, short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import OURS, Tables

__all__ = ['risk_of']

_PROGRAMS = frozenset(
    {'command', 'shell', 'raw', 'script', 'expect', 'reboot', 'community.docker.docker_container_exec', 'community.general.make'}
    | {'community.general.puppet', 'community.general.terraform'}
)  # what they do is not in sight


def risk_of(task: SourceTask, effects: Effects, tables: Tables = OURS) -> RiskLevel:
    """LOW changes nothing, MEDIUM this host's own things, HIGH what others notice, CRITICAL runs what nobody can see into."""
    if not [name for name in effects.writes if not name.startswith('var:')]:
        return RiskLevel.LOW
    action = task.node.action
    if short_name(action) in _PROGRAMS or not is_known(action, tables):
        return RiskLevel.CRITICAL
    return RiskLevel.HIGH if effects.scope is Scope.WORLDLY else RiskLevel.MEDIUM
