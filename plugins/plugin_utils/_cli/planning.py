# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what a user asks for to a plan: shared by the command, the lookup and the module."""
from __future__ import annotations

import dataclasses
import os
import sys
import time
import typing as t

from ansible import constants as C
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.abstaining import abstaining
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.documents import Document, read_document, read_inventory
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.environment import borrowed, establish
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.inputs import hash_of
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.payload import PayloadBuilder
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.plugin_finds import finds_remembered
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.reading import PlaybookReader
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.release import engine_version
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.sizes import with_sizes
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.estimates import estimates_for
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.recalling import now
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.request import Request, request_of
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import PlanningTimeout, SettingsError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionPlan, ExecutionStrategy, PlanMetadata, PlanningOptions
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import is_known
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.planner import make_plan
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import OURS, Tables
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.declarations import suggestion
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.effects_file import read_effects_file
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.settings import Settings, notices, read_config, resolve

if t.TYPE_CHECKING:
    from ansible_collections.rustle.engine.plugins.plugin_utils._schema.parsed_playbook import ParsedInventory

__all__ = ['Made', 'Request', 'plan_for', 'request_of']


@dataclasses.dataclass(frozen=True)
class Made:
    plan: ExecutionPlan


_FORKS_OF_DOCUMENTS: t.Final = 50


def plan_for(request: Request) -> Made:
    """Read the playbooks and plan. RustleError and AnsibleError for what cannot be."""
    with borrowed(), abstaining(), finds_remembered():
        return _plan_for(request)


def _plan_for(request: Request) -> Made:
    config = read_config(C.CONFIG_FILE)
    settings = resolve(variables={}, environ=os.environ, config=config)
    tables = OURS if settings.effects_file is None else Tables(read_effects_file(settings.effects_file, known=is_known))
    checkpoint = _limited(settings.planning_timeout)
    serial = _serial(request.serial)
    taken: set[str] = set()
    documents = {playbook: document for playbook in dict.fromkeys(request.playbooks)
                 if (document := read_document(playbook, stdin=sys.stdin.buffer.read, taken=taken)) is not None}
    sources, parsed, warnings = _inventories(request.inventory, documents.values())
    playbooks = tuple(documents[name].path if name in documents else name for name in request.playbooks)
    options = _options(request, settings, forks=_FORKS_OF_DOCUMENTS if len(documents) == len(set(request.playbooks)) else C.DEFAULT_FORKS)
    checkpoint('reading the inventory')
    environment = establish(
        playbooks, inventory=sources, limit=request.limit, tags=request.tags, skip_tags=request.skip_tags, extra_vars=request.extra_vars,
        check=request.check, diff=request.diff, forks=options.forks, vault_ids=request.vault_ids, vault_password_files=request.vault_password_files,
        ask_vault_pass=request.ask_vault_pass, verbosity=request.verbosity, documents=tuple(documents.values()), parsed=parsed,
        fact_cache=request.fact_cache)
    reader = PlaybookReader(
        loader=environment.loader, inventory=environment.inventory, variable_manager=environment.variable_manager, serial=serial,
        documents=tuple(documents.values()))
    checkpoint('reading the playbooks')
    plays = reader.read(playbooks)
    fingerprints = reader.inputs.fingerprints()
    metadata = PlanMetadata(
        created_at=now(), rustle_plan_version=engine_version(),
        playbook_hash=hash_of(fingerprints, 'file'), inventory_hash=hash_of(fingerprints, 'hosts'), planning_options=options,
        playbooks=request.playbooks, fingerprints=fingerprints)
    # a latency that is told, or a threshold that somebody asks for, is what decides
    measured = request.latency is None and request.binary_threshold is None
    estimates = estimates_for(plays, environ=os.environ, config=config, latencies=measured)
    said = (*notices(environ=os.environ, config=config), *_about_levels(options.optimization_level), *warnings, *estimates.warnings, *reader.warnings)
    plan = make_plan(
        plays, options=options, metadata=metadata, history=estimates.of, latency=estimates.latency, checkpoint=checkpoint, warnings=said, tables=tables)
    if request.build:
        checkpoint('building binary deployments')
        plan = with_sizes(plan, PayloadBuilder(os.path.expanduser(settings.cache_dir), limit=settings.cache_limit))
    return Made(plan)


def _limited(limit: float) -> t.Callable[[str], None]:
    """Raises PlanningTimeout once the time is over."""
    deadline = time.monotonic() + limit

    def checkpoint(stage: str) -> None:
        if limit and time.monotonic() > deadline:
            raise PlanningTimeout(limit, stage=stage)
    return checkpoint


def _inventories(given: t.Iterable[str], documents: t.Iterable[Document]) -> tuple[tuple[str, ...], tuple[ParsedInventory, ...], tuple[str, ...]]:
    """(sources for Ansible, inventories out of documents, notices). Those of the playbooks' documents count where none is given."""
    sources, parsed, warnings = [], [], []
    for source in given:
        found = read_inventory(source)
        if found is None:
            sources.append(source)
        else:
            parsed.append(found[0])
            warnings.extend(found[1])
    if not sources and not parsed:
        parsed = [document.inventory for document in documents if document.inventory is not None]
    return tuple(sources), tuple(parsed), tuple(warnings)


def _options(request: Request, settings: Settings, *, forks: int) -> PlanningOptions:
    """What was asked for, else the settings, else ``forks``."""
    def first(*values: t.Any) -> t.Any:
        return next(value for value in values if value is not None)

    latency = None if request.latency is None else request.latency * 1000
    for name, value, least in (('--forks', request.forks, 1), ('--binary-threshold', request.binary_threshold, 1), ('--latency', latency, 0)):
        if value is not None and not least <= value < float('inf'):
            raise SettingsError(expected=f'a number from {least} on', found=value, where=name)
    return PlanningOptions(
        limit=request.limit, tags=request.tags, skip_tags=request.skip_tags, check_mode=request.check, diff_mode=request.diff,
        forks=first(request.forks, settings.default_forks, forks), serial=request.serial,
        strategy=_strategy(request.strategy) or ExecutionStrategy(settings.strategy),
        binary_threshold=first(request.binary_threshold, settings.binary_threshold), force_binary=request.force_binary, force_ssh=request.force_ssh,
        ordering=settings.ordering, lookahead=settings.lookahead, latency=request.latency,
        optimization_level=first(request.optimization_level, settings.optimization_level), target_arch=request.target_arch, target_os=request.target_os,
        planning_timeout=settings.planning_timeout)


def _about_levels(level: int) -> tuple[str, ...]:
    """What a level of optimization promises and cannot do yet."""
    return ('optimization level 3: parallel groups are shown as possible, and not used',) if level >= 3 else ()


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
