# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A plan as JSON and as bytes: it reads back equal, the schema is the published one, and what is no plan is refused."""

from __future__ import annotations

import copy
import json
import runpy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import DocumentError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.estimate import Estimate
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import (
    BinaryDeployment,
    Bundle,
    Dependency,
    DependencyKind,
    ExecutionBatch,
    ExecutionMode,
    ExecutionPlan,
    ExecutionStrategy,
    HandlerPlan,
    ParallelGroup,
    PlanMetadata,
    PlanningOptions,
    PlayPlan,
    RiskLevel,
    TaskPlan,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import Condition, HostClass, Profile, StaticFile
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.plan_binary import MAGIC, from_binary, to_binary
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.plan_document import from_document, json_schema, to_document
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[5]
SAMPLE = json.loads((Path(__file__).parent / "fixtures" / "plan_of_another_planner.json").read_text())

WORDS = st.text(max_size=6)
TEXTS = st.lists(WORDS, max_size=3).map(tuple)
ESTIMATES = st.none() | st.builds(
    Estimate, st.integers(0, 10**12).map(lambda nanos: nanos / 2**20), st.floats(0, 100), st.integers(0, 9))
CONDITIONS = st.builds(Condition, kind=st.just("when"), text=WORDS, decided=st.none() | st.booleans()) | st.builds(
    Condition, kind=st.sampled_from(["tag", "skip_tag", "host"]), values=TEXTS) | st.builds(Condition, kind=st.just("check_mode"), text=WORDS)
REASONS = st.none() | st.sampled_from(Reason)
ARGS = st.dictionaries(WORDS, st.none() | st.booleans() | st.integers() | WORDS | st.lists(WORDS, max_size=2), max_size=3)
TASKS = st.builds(
    TaskPlan, task_id=WORDS, name=WORDS, module=WORDS, args=ARGS, hosts=st.none() | TEXTS, conditions=st.lists(CONDITIONS, max_size=2).map(tuple), tags=TEXTS,
    dependencies=st.lists(st.builds(Dependency, WORDS, st.sampled_from(DependencyKind), WORDS), max_size=2).map(tuple), notify=TEXTS,
    execution_order=st.integers(0, 9), can_run_parallel=st.booleans(), risk_level=st.sampled_from(RiskLevel), path=st.sampled_from(["agent", "stock"]),
    estimated_duration=ESTIMATES, path_reason=REASONS, cut=REASONS, barrier=REASONS, bundle_id=st.none() | WORDS, flush=st.booleans())
BATCHES = st.builds(
    ExecutionBatch, batch_id=WORDS, hosts=TEXTS, tasks=st.lists(TASKS, max_size=2).map(tuple), estimated_duration=ESTIMATES,
    parallel_groups=st.lists(st.builds(ParallelGroup, group_id=WORDS, tasks=TEXTS), max_size=1).map(tuple),
    bundles=st.lists(st.builds(Bundle, bundle_id=WORDS, tasks=TEXTS, hosts=TEXTS, ended_by=st.sampled_from(Reason)), max_size=1).map(tuple))
HANDLERS = st.builds(HandlerPlan, handler_id=WORDS, name=WORDS, module=WORDS, args=ARGS, conditions=st.just(()), execution_order=st.integers(0, 9))
CLASSES = st.builds(HostClass, class_id=WORDS, hosts=TEXTS, profile=st.builds(Profile, arch=WORDS), stock=REASONS)
PLAYS = st.builds(
    PlayPlan, play_id=WORDS, name=WORDS, strategy=st.sampled_from(ExecutionStrategy), serial=TEXTS, hosts=TEXTS, estimated_duration=ESTIMATES,
    batches=st.lists(BATCHES, max_size=2).map(tuple), handlers=st.lists(HANDLERS, max_size=1).map(tuple),
    host_classes=st.lists(CLASSES, max_size=1).map(tuple))
DEPLOYMENTS = st.builds(
    BinaryDeployment, deployment_id=WORDS, target_hosts=TEXTS, binary_name=WORDS, tasks=TEXTS, modules=TEXTS,
    execution_mode=st.sampled_from(ExecutionMode), requirements=st.dictionaries(WORDS, WORDS, max_size=2), estimated_size=st.none() | st.integers(0),
    static_files=st.lists(st.builds(StaticFile, path=WORDS, size=st.integers(0, 9), checksum=WORDS), max_size=1).map(tuple))
OPTIONS = st.builds(
    PlanningOptions, limit=st.none() | WORDS, tags=TEXTS, strategy=st.sampled_from(ExecutionStrategy), latency=st.none() | st.floats(0, 9))
METADATA = st.builds(
    PlanMetadata, created_at=WORDS, rustle_plan_version=WORDS, playbook_hash=WORDS, inventory_hash=WORDS, planning_options=OPTIONS,
    fingerprints=st.dictionaries(WORDS, WORDS, max_size=2))
PLANS = st.builds(
    ExecutionPlan, metadata=METADATA, plays=st.lists(PLAYS, max_size=2).map(tuple), hosts=TEXTS, total_tasks=st.integers(0, 9),
    binary_deployments=st.lists(DEPLOYMENTS, max_size=1).map(tuple), parallelism_score=st.floats(0, 1), network_efficiency_score=st.floats(0, 1),
    estimated_duration=ESTIMATES, warnings=TEXTS)


def rounded(plan: ExecutionPlan) -> ExecutionPlan:
    """JSON holds nanoseconds: what it holds of a plan is equal from then on."""
    return from_document(to_document(plan), where="x")


@given(PLANS)
def test_a_plan_reads_back_equal(plan: ExecutionPlan) -> None:
    once = rounded(plan)
    assert rounded(once) == once
    assert to_document(once) == to_document(plan)
    assert from_document(json.loads(json.dumps(to_document(once))), where="x") == once


def test_nothing_but_fractions_of_nanoseconds_is_lost() -> None:
    plan = rounded(from_document(SAMPLE, where="x"))
    assert from_document(to_document(plan), where="x") == plan
    assert plan.estimated_duration == Estimate(29.6635, 0.0, 0)


@given(PLANS)
def test_bytes_read_back_equal(plan: ExecutionPlan) -> None:
    once = rounded(plan)
    assert from_binary(to_binary(once), where="x") == once


def test_the_published_schema_is_that_of_the_code() -> None:
    tool = runpy.run_path(str(ROOT / "tests" / "tools" / "plan_schema.py"), run_name="tool")
    assert (ROOT / "docs" / "plan.schema.json").read_text() == tool["text"](), f"hint: {tool['__doc__']}"


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@given(PLANS)
def test_the_schema_fits_every_plan(plan: ExecutionPlan) -> None:
    jsonschema.validate(json.loads(json.dumps(to_document(plan))), SCHEMA)


SCHEMA = json.loads((ROOT / "docs" / "plan.schema.json").read_text())


def test_the_plan_of_another_planner_is_read_and_fits_the_schema() -> None:
    plan = from_document(SAMPLE, where="x")
    jsonschema.validate(SAMPLE, SCHEMA)
    assert plan.total_tasks == 3 and plan.plays[0].strategy is ExecutionStrategy.BINARY_HYBRID and plan.plays[0].serial == ()
    assert plan.plays[0].batches[0].tasks[0].conditions == (Condition(kind="tag", values=("debug", "test")),)


def has_shape(sample: Any, ours: Any, path: str = "") -> list[str]:
    """Names that the sample has and ours has not."""
    if isinstance(sample, dict) and isinstance(ours, dict):
        return [f"{path}.{key}" for key in sample if key not in ours] + [one for key in sample if key in ours for one in has_shape(
            sample[key], ours[key], f"{path}.{key}")]
    if isinstance(sample, list) and sample and isinstance(ours, list) and ours:
        return has_shape(sample[0], ours[0], f"{path}[]")
    return []


def test_no_field_of_the_other_planner_has_another_name_here() -> None:
    assert has_shape(SAMPLE, to_document(from_document(SAMPLE, where="x"))) == []
    assert to_document(from_document(SAMPLE, where="x"))["plays"][0]["serial"] is None


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda plan: plan.pop("plays"), "plays"),
        (lambda plan: plan["plays"][0].update(strategy="Fast"), "plays[0].strategy"),
        (lambda plan: plan["plays"][0]["batches"][0]["tasks"][1].update(risk_level=3), "plays[0].batches[0].tasks[1].risk_level"),
        (lambda plan: plan.update(hosts="all"), "hosts"),
        (lambda plan: plan.update(estimated_duration={"secs": -1}), "estimated_duration.secs"),
        (lambda plan: plan["metadata"].update(format_version=99), "metadata.format_version"),
        (lambda plan: plan["metadata"].update(planning_options=[]), "metadata.planning_options"),
    ],
)
def test_a_bad_plan_is_refused_with_its_path(change: Any, path: str) -> None:
    document = copy.deepcopy(SAMPLE)
    change(document)
    with pytest.raises(DocumentError) as caught:
        from_document(document, where="x")
    assert caught.value.path == path


@pytest.mark.parametrize("document", [None, [], "x", 3, {}])
def test_what_is_no_plan_is_refused(document: Any) -> None:
    with pytest.raises(DocumentError):
        from_document(document, where="x")


def test_unknown_fields_of_newer_plans_are_passed_over() -> None:
    assert from_document({**SAMPLE, "colour": "green"}, where="x") == from_document(SAMPLE, where="x")


BYTES = to_binary(from_document(SAMPLE, where="x"))


@given(st.integers(0, len(BYTES) - 1))
def test_bytes_that_are_cut_off_are_refused(length: int) -> None:
    with pytest.raises(DocumentError):
        from_binary(BYTES[:length], where="x")


@given(st.integers(0, len(BYTES) - 1), st.integers(1, 255))
def test_bytes_that_are_damaged_are_refused(at: int, change: int) -> None:
    damaged = BYTES[:at] + bytes((BYTES[at] ^ change,)) + BYTES[at + 1:]
    with pytest.raises(DocumentError):
        from_binary(damaged, where="x")


@given(st.binary(max_size=40))
def test_any_bytes_are_refused(data: bytes) -> None:
    for start in (b"", MAGIC, MAGIC + b"\x01"):
        with pytest.raises(DocumentError):
            from_binary(start + data, where="x")


def test_bytes_of_a_newer_version_are_refused_with_a_hint() -> None:
    with pytest.raises(DocumentError) as caught:
        from_binary(MAGIC + b"\x63" + BYTES[len(MAGIC) + 1:], where="x")
    assert caught.value.found == 0x63 and "plan anew" in caught.value.hint
