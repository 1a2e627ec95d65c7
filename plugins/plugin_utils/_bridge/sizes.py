# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How large the binary deployments of a plan are: their payloads are built, through the cache that runs use.

Rule: code only is built, and nothing of it is sent. What cannot be built keeps a size that is not known, and a warning says why.
"""
from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible.plugins.loader import module_loader
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import DeploymentBuildFailed
from ansible_collections.rustle.engine.plugins.plugin_utils._model.estimate import Estimate
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import BinaryDeployment, ExecutionPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import ModuleRef

from .modules import find_module
from .payload import PayloadBuilder

__all__ = ['with_sizes']


def with_sizes(plan: ExecutionPlan, builder: PayloadBuilder) -> ExecutionPlan:
    """The plan with size and checksum of each deployment, and the seconds that building it took just now. DeploymentBuildFailed."""
    warnings: list[str] = []
    sized = tuple(_sized(one, builder, warnings) for one in plan.binary_deployments)
    times = [one.estimated_compilation_time.median for one in sized if one.estimated_compilation_time is not None]
    return dataclasses.replace(
        plan, binary_deployments=sized, warnings=(*plan.warnings, *dict.fromkeys(warnings)),
        estimated_compilation_time=Estimate(sum(times), 0.0, 1) if times else None)


def _sized(deployment: BinaryDeployment, builder: PayloadBuilder, warnings: list[str]) -> BinaryDeployment:
    began = time.monotonic()
    try:
        payloads = builder.build([module for name in deployment.modules if (module := _module(name)) is not None])
    except OSError as ex:
        raise DeploymentBuildFailed(deployment.deployment_id, reason=str(ex)) from ex
    took = time.monotonic() - began
    warnings.extend(f'{deployment.deployment_id}: {reason}' for reason in builder.refused.values())
    if not payloads:
        return deployment
    # modules whose files disagree are in several payloads; the first one holds most of them
    return dataclasses.replace(
        deployment, estimated_size=sum(payload.size for payload in payloads), checksum=payloads[0].sha,
        estimated_compilation_time=Estimate(took, 0.0, 1))


def _module(fqn: str) -> ModuleRef | None:
    """The module by its place in a payload, as the planner names it."""
    parts = fqn.split('.')
    name = f'{parts[1]}.{parts[2]}.{".".join(parts[5:])}' if parts[0] == 'ansible_collections' else f'ansible.legacy.{parts[-1]}'
    found: t.Any = find_module(module_loader, name, None)
    return found[0] if found is not None else None
