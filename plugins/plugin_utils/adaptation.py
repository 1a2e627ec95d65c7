# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What policies of one's own are made from (docs/adaptation.md); the rooms behind it are free to change."""
from __future__ import annotations

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policy import Policy, is_safe_to_repeat, repeats_left
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.state import HostState, RunState
from ansible_collections.rustle.engine.plugins.plugin_utils._model import event as events
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Confidence, Decision, Level

__all__ = ['AdaptationKind', 'Confidence', 'Decision', 'HostState', 'Level', 'Policy', 'RunState', 'events', 'is_safe_to_repeat', 'repeats_left']
