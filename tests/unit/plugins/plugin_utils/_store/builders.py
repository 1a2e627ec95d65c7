# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records for tests: short ways to make one of each kind, and any of them for hypothesis."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model import history
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord, ResultRecord, TaskRecord
from hypothesis import strategies as st

KINDS: tuple[type[t.Any], ...] = t.get_args(history.Record)


def run(name: str, *, started: float = 0.0, **given: t.Any) -> ExecutionRecord:
    return ExecutionRecord(execution=name, started=started, **{"identity": "site.yml", "controller": "here", **given})


def task(execution: str, name: str, **given: t.Any) -> TaskRecord:
    return TaskRecord(execution=execution, task_id=name, identity=f"id-{name}", **given)


def result(execution: str, name: str, host: str = "web1", *, ended: float | None = 0.0, **given: t.Any) -> ResultRecord:
    return ResultRecord(execution=execution, task_id=name, identity=f"id-{name}", module="ansible.builtin.copy", host=host, ended=ended, **given)


TEXT = st.text(max_size=12)


def _value(hint: t.Any) -> st.SearchStrategy[t.Any]:
    if t.get_origin(hint) is t.Literal:
        return st.sampled_from(t.get_args(hint))
    if t.get_origin(hint) is tuple:
        return st.lists(TEXT, max_size=3).map(tuple)
    if t.get_args(hint):
        return st.one_of(*map(_value, t.get_args(hint)))
    plain = {
        str: TEXT, bool: st.booleans(), int: st.integers(-(2**63), 2**63 - 1), float: st.floats(allow_nan=False), type(None): st.none(),
    }  # fmt: skip
    return plain[hint]


def any_record() -> st.SearchStrategy[t.Any]:
    """A record of any kind, with keys of which some come up again."""

    def of(kind: type[t.Any]) -> st.SearchStrategy[t.Any]:
        hints = t.get_type_hints(kind)
        fields = {field.name: _value(hints[field.name]) for field in dataclasses.fields(kind)}
        few = {name: st.sampled_from(["a", "b"]) for name in kind.KEY if hints[name] is str}
        return st.builds(kind, **(fields | few))

    return st.one_of(*map(of, KINDS))
