# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether bundles pay: modules that do better by the stock path, classes of hosts on which bundles break."""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import BundleRecord

from ..effectiveness import effects
from ..finding import Finding, Scene, plural

__all__ = ['analyze']

BUNDLES: t.Final = 10
BROKEN: t.Final = 0.2
"""The share of bundles that may break before somebody should look."""


def analyze(scene: Scene) -> t.Iterator[Finding]:
    for effect in effects(scene.history):
        if effect.better == 'stock':
            same = [one for one in scene.history.by_run.get(scene.execution, ()) if (one.module, one.host_class) == (effect.module, effect.host_class)]
            each = (effect.agent_seconds or 0.0) - (effect.stock_seconds or 0.0)
            yield Finding(
                code='stock-better', subject=f'{effect.module} on {effect.host_class}', severity='warning',
                title=f'{effect.module} does better by the stock path on {effect.host_class or "its hosts"}', evidence=effect.evidence,
                change='vars:\n  rustle_mode: ssh  # of its tasks', gain=each * len(same) if each > 0 and same else None)
    yield from _broken(scene)


def _broken(scene: Scene) -> t.Iterator[Finding]:
    classes: dict[str, list[BundleRecord]] = {}
    for one in scene.history.bundles:
        if one.seconds is not None or one.failed:
            classes.setdefault(one.host_class, []).append(one)
    for host_class, bundles in classes.items():
        broken = [one for one in bundles if one.failed]
        if len(bundles) >= BUNDLES and len({one.execution for one in broken}) >= 2 and len(broken) > BROKEN * len(bundles):
            yield Finding(
                code='bundles-break', subject=host_class or 'bundles', severity='warning', title=f'bundles break on {host_class or "these hosts"}',
                evidence=f'{len(broken)} of {plural(len(bundles), "bundle")} failed; {plural(sum(one.dropped for one in broken), "task")} behind the failures '
                         'had to be prepared again',
                change='vars:\n  rustle_lookahead: 5  # fewer tasks are sent ahead of results')
