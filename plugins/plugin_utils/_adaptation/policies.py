# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The policies that the engine has by itself."""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.absence import HostWait, MassFailureHalt
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.failing import Reallocation, Replan, RunOnceFailover, TaskSkipping, TransientRetry
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.order import LongestFirst, SlowHostsFirst
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.paths import BundleFallback, OrderingChange
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policy import Policy
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.pressure import ParameterAdjustment, ResourceScaling, Trend

__all__ = ['DEFAULT']

DEFAULT: t.Final[tuple[Policy, ...]] = (
    MassFailureHalt(), HostWait(), TransientRetry(), RunOnceFailover(), Reallocation(), Replan(), TaskSkipping(), BundleFallback(), ResourceScaling(), Trend(),
    ParameterAdjustment(), OrderingChange(), SlowHostsFirst(), LongestFirst())
"""By priority."""
