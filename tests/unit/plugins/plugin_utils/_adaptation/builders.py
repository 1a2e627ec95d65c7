"""Events and engines for tests, short to write."""

from __future__ import annotations

from typing import Any

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.config import EngineConfig
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.engine import Engine
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import HostRecovered, HostUnavailable, PlayStarted, TaskCompleted, TaskFailed, TaskRef

RUN = "run"
REFUSED = "Failed to connect to mirror.test port 80: Connection refused"


def engine(*, policies: Any = None, classifier: Any = None, outcomes: Any = None, **config: Any) -> Engine:
    chosen = {} if policies is None else {"policies": policies}
    return Engine(EngineConfig(**config), classifier=classifier, outcomes=outcomes, **chosen)


def task(name: str = "Fetch it", *, module: str = "ansible.builtin.get_url", traits: tuple[str, ...] = ()) -> TaskRef:
    return TaskRef(task_id=f"id of {name}", identity=f"identity of {name}", name=name, module=module, traits=traits)


def failed(host: str = "web1", *, message: str = REFUSED, attempt: int = 1, final: bool = False, ref: TaskRef | None = None, **fields: Any) -> TaskFailed:
    """A failure that is held back, of a task that may be repeated."""
    fields = {"execution": RUN, "idempotent": True} | fields
    return TaskFailed(task=ref or task(), host=host, message=message, attempt=attempt, final=final, **fields)


def completed(host: str = "web1", *, attempt: int = 1, ref: TaskRef | None = None, **fields: Any) -> TaskCompleted:
    return TaskCompleted(**{"execution": RUN} | fields, task=ref or task(), host=host, attempt=attempt)


def away(host: str = "web1", **fields: Any) -> HostUnavailable:
    return HostUnavailable(**{"execution": RUN} | fields, host=host)


def back(host: str = "web1", **fields: Any) -> HostRecovered:
    return HostRecovered(**{"execution": RUN} | fields, host=host)


def play(*hosts: str, **fields: Any) -> PlayStarted:
    return PlayStarted(**{"execution": RUN} | fields, hosts=hosts)


def kinds(instructions: Any) -> list[str]:
    """The instructions in short: kind and target."""
    return [f"{one.decision.kind}{' (undo)' if one.undo else ''}{' (advised)' if one.advised else ''} {one.decision.target}" for one in instructions]


def refusals(subject: Engine) -> list[str]:
    return [f"{one.policy}: {one.reason}" for one in subject.news() if one.kind == "adaptation_rejected"]
