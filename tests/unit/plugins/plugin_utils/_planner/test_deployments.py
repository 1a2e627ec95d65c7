# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which hosts get one payload of code, and what goes beside it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import BinaryDeployment, ExecutionMode, ExecutionStrategy
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import Condition, HostClass, Profile, SourceTask, StaticFile

from .builders import flush, plan, play, task, touching


def deployments(*tasks: SourceTask, options: dict[str, Any] | None = None, **of_play: Any) -> tuple[BinaryDeployment, ...]:
    return plan(play(*tasks, **of_play), **({"force_binary": True} | (options or {}))).binary_deployments


@pytest.mark.parametrize(
    ("tasks", "handlers", "mode"),
    [
        ((touching("1"), touching("2"), flush()), (), ExecutionMode.STANDALONE),
        ((touching("1", sets=("r",)), touching("2", reads=("r",))), (), ExecutionMode.CONTROLLER),  # the controller reads r
        ((touching("1"), task("2")), (), ExecutionMode.CONTROLLER),  # a task of the controller's
        ((touching("1", files=(StaticFile(path="a", size=1, checksum="c"),)),), (), ExecutionMode.CONTROLLER),
        ((touching("1"),), (touching("h"),), ExecutionMode.CONTROLLER),  # whether it runs is known in the run
        ((touching("1", conditions=(Condition(kind="when", text="x"),)),), (), ExecutionMode.CONTROLLER),  # and whether this one does
        ((touching("1", conditions=(Condition(kind="when", text="x", decided=True), Condition(kind="tag")),),), (), ExecutionMode.STANDALONE),
        ((touching("1", unknown_args=("path",)),), (), ExecutionMode.CONTROLLER),  # it is rendered in the run
        ((touching("1", ends=Reason.JUDGE_CHANGED_WHEN),), (), ExecutionMode.CONTROLLER),  # the controller judges it
        ((touching("1"), touching("2", stock=Reason.ASYNC)), (), ExecutionMode.HYBRID),
    ],
)  # fmt: skip
def test_who_drives_a_deployment(tasks: tuple[SourceTask, ...], handlers: tuple[SourceTask, ...], mode: ExecutionMode) -> None:
    assert [one.execution_mode for one in deployments(*tasks, handlers=handlers)] == [mode]


def test_what_is_in_one_and_what_travels_beside_it() -> None:
    file = StaticFile(path="files/a", size=3, checksum="c")
    (one,) = deployments(
        touching("1", modules=("ansible.builtin.copy", "ansible.builtin.stat"), files=(file,), reads=("port", "ansible_distribution")),
        touching("2", modules=("ansible.builtin.copy",), files=(file,), reads=("port",)), touching("3", stock=Reason.ASYNC, modules=("not.in.it",)),
        task("4", reads=("of_the_controller",)), handlers=(touching("h", modules=("ansible.builtin.service",)),), hosts=2)  # fmt: skip
    assert (one.deployment_id, one.binary_name, one.target_hosts, one.tasks) == ("play-0-deployment-0", "play-0-0.pyz", ("h0", "h1"), ("1", "2"))
    assert one.modules == ("ansible.builtin.copy", "ansible.builtin.service", "ansible.builtin.stat")
    assert (one.static_files, one.variables, one.facts_required) == ((file,), ("port",), ("ansible_distribution",))
    assert one.requirements == {"arch": "any", "os": "posix", "python_version": ">=3.8"}
    assert one.bundles
    assert one.estimated_size is None


def test_hosts_of_one_profile_share_a_deployment_and_options_overrule_profiles() -> None:
    classes = (
        HostClass(class_id="a", hosts=("h0",), profile=Profile(arch="x86_64", os="linux", python="3.11")),
        HostClass(class_id="b", hosts=("h1",), profile=Profile(arch="aarch64", os="linux", python="3.11")),
        HostClass(class_id="c", hosts=("h2",), profile=Profile(arch="x86_64", os="linux", python="3.11")),
    )
    found = deployments(touching("1"), hosts=3, classes=classes)
    assert [(one.target_hosts, one.requirements["arch"], one.binary_name) for one in found] == [
        (("h0", "h2"), "x86_64", "play-0-0.pyz"), (("h1",), "aarch64", "play-0-1.pyz")]  # fmt: skip
    (one,) = deployments(touching("1"), hosts=3, classes=classes, options={"target_arch": "riscv64", "target_os": "freebsd"})
    assert (one.target_hosts, one.requirements["arch"], one.requirements["os"]) == (("h0", "h1", "h2"), "riscv64", "freebsd")


def test_there_is_none_where_none_pays_or_no_task_goes_through_the_agent() -> None:
    refused = (HostClass(class_id="a", hosts=("h0",), stock=Reason.CONNECTION),)
    assert deployments(touching("1"), classes=refused) == ()
    assert deployments(task("1")) == ()
    assert deployments(touching("1"), options={"force_binary": False}) == ()
    assert deployments(touching("1"), options={"force_binary": False, "strategy": ExecutionStrategy.LINEAR}) == ()


def test_only_hosts_that_it_pays_for_are_targets() -> None:
    classes = (HostClass(class_id="a", hosts=("h0",)), HostClass(class_id="b", hosts=("h1",), connection="winrm", stock=Reason.CONNECTION))
    assert [one.target_hosts for one in deployments(touching("1"), hosts=2, classes=classes)] == [("h0",)]


def test_a_deployment_serves_every_batch() -> None:
    (one,) = deployments(touching("1"), hosts=4, batch=2)
    assert one.bundles == ("play-0-bundle-0",)
