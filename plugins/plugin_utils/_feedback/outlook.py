# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What history says of the run that goes on: how long its tasks usually take, and how long is left."""
from __future__ import annotations

from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.feedback_settings import FeedbackSettings
from ansible_collections.rustle.engine.plugins.plugin_utils._tracking.tracker import Active, Outlook, Remaining

__all__ = ['Outlooks']


class Outlooks:
    """Of one run after another."""

    def __init__(self, settings: FeedbackSettings) -> None:
        self._settings = settings

    def begin(self, event: Event) -> None:
        """A run begins: look up what is known of its playbook."""

    def usual(self, active: Active) -> tuple[float, float] | None:
        """Seconds that a task takes on a host in four of five runs."""
        return None

    def left(self, remaining: Remaining) -> Outlook | None:
        """Seconds that the play still takes, in four of five runs."""
        return None
