# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what a user asks for to a plan: shared by the command, the lookup and the module."""
from __future__ import annotations

import dataclasses
import datetime
import os
import time
import typing as t

from ansible import constants as C
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.environment import establish
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.reading import PlaybookReader
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import PlanningTimeout, SettingsError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionPlan, ExecutionStrategy, PlanMetadata, PlanningOptions
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import is_known
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.planner import make_plan
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import OURS, Tables
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.declarations import suggestion
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.effects_file import read_effects_file
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.settings import read_config, resolve

__all__ = ['Made', 'Request', 'plan_for', 'version']


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What to plan. None where the settings decide. ``latency`` in seconds; ``build``: build the deployments' payloads for their sizes."""

    playbooks: tuple[str, ...]
    inventory: tuple[str, ...] = ()
    limit: str | None = None
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    extra_vars: tuple[str, ...] = ()
    vault_ids: tuple[str, ...] = ()
    vault_password_files: tuple[str, ...] = ()
    ask_vault_pass: bool = False
    strategy: str | None = None
    serial: str | None = None
    forks: int | None = None
    check: bool = False
    diff: bool = False
    binary_threshold: int | None = None
    force_binary: bool = False
    force_ssh: bool = False
    optimization_level: int | None = None
    latency: float | None = None
    target_arch: str = ''
    target_os: str = ''
    build: bool = False
    verbosity: int = 0


@dataclasses.dataclass(frozen=True)
class Made:
    plan: ExecutionPlan


def version() -> str:
    """Of the collection."""
    import re

    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    for name, pattern in (('galaxy.yml', r'^version: *(\S+)'), ('MANIFEST.json', r'"version": *"([^"]+)"')):
        try:
            with open(os.path.join(root, name), encoding='utf-8') as file:
                found = re.search(pattern, file.read(), re.MULTILINE)
        except OSError:
            continue
        if found:
            return found.group(1)
    return 'unknown'


def plan_for(request: Request) -> Made:
    """Read the playbooks and plan. RustleError and AnsibleError for what cannot be."""
    settings = resolve(variables={}, environ=os.environ, config=read_config(C.CONFIG_FILE))
    tables = OURS if settings.effects_file is None else Tables(read_effects_file(settings.effects_file, known=is_known))
    limit = 0.0
    deadline = time.monotonic() + limit

    def checkpoint(stage: str) -> None:
        if limit and time.monotonic() > deadline:
            raise PlanningTimeout(limit, stage=stage)

    environment = establish(
        request.playbooks, inventory=request.inventory, limit=request.limit, tags=request.tags, skip_tags=request.skip_tags,
        extra_vars=request.extra_vars, check=request.check, diff=request.diff, forks=request.forks, vault_ids=request.vault_ids,
        vault_password_files=request.vault_password_files, ask_vault_pass=request.ask_vault_pass, verbosity=request.verbosity)
    reader = PlaybookReader(
        loader=environment.loader, inventory=environment.inventory, variable_manager=environment.variable_manager, serial=_serial(request.serial))
    checkpoint('reading the playbooks')
    plays = reader.read(request.playbooks)
    options = PlanningOptions(
        limit=request.limit, tags=request.tags, skip_tags=request.skip_tags, check_mode=request.check, diff_mode=request.diff,
        forks=request.forks or C.DEFAULT_FORKS, serial=request.serial, strategy=_strategy(request.strategy) or ExecutionStrategy.BINARY_HYBRID,
        binary_threshold=5 if request.binary_threshold is None else request.binary_threshold, force_binary=request.force_binary,
        force_ssh=request.force_ssh, ordering=settings.ordering, lookahead=settings.lookahead, latency=request.latency,
        optimization_level=1 if request.optimization_level is None else request.optimization_level, target_arch=request.target_arch,
        target_os=request.target_os)
    metadata = PlanMetadata(
        created_at=datetime.datetime.now(datetime.UTC).isoformat().replace('+00:00', 'Z'), rustle_plan_version=version(),
        playbook_hash=reader.inputs.playbook_hash(), inventory_hash=reader.inputs.inventory_hash(), planning_options=options,
        playbooks=request.playbooks, fingerprints=reader.inputs.fingerprints())
    return Made(make_plan(plays, options=options, metadata=metadata, checkpoint=checkpoint, warnings=reader.warnings, tables=tables))


def _serial(text: str | None) -> list[t.Any]:
    """Sizes of batches: ``2``, ``30%``, ``1,5,10%``."""
    found: list[t.Any] = []
    for part in (text or '').split(',') if text else ():
        plain = part.strip()
        number = plain.removesuffix('%')
        if not number.isdigit() or int(number) < 1:
            raise SettingsError(expected='numbers of hosts or percentages, like 2 or 30%', found=text, where='--serial')
        found.append(plain if plain.endswith('%') else int(number))
    return found


def _strategy(text: str | None) -> ExecutionStrategy | None:
    """A strategy by any spelling: BinaryHybrid, binary_hybrid, binary-hybrid."""
    if text is None:
        return None
    plain = text.replace('_', '').replace('-', '').lower()
    for one in ExecutionStrategy:
        if one.value.lower() == plain:
            return one
    names = [one.value for one in ExecutionStrategy]
    raise SettingsError(expected=', '.join(names), found=text, where='--strategy', hint=suggestion(text, names, cutoff=0.4))

