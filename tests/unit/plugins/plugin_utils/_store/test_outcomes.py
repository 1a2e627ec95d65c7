# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import AdaptationRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._store.memory import MemoryStore
from ansible_collections.rustle.engine.plugins.plugin_utils._store.outcomes import forget_outcomes, learned_outcomes


def an_adaptation(number: int, succeeded: bool | None, policy: str = "retry") -> AdaptationRecord:
    return AdaptationRecord(
        execution=f"run{number % 2}", adaptation=str(number), policy=policy, error_class="lock", host_class="ssh/linux", requested=float(number),
        succeeded=succeeded,
    )  # fmt: skip


def test_outcomes_are_counted_by_policy_and_classes_over_all_runs() -> None:
    store = MemoryStore()
    store.put([an_adaptation(1, True), an_adaptation(2, False), an_adaptation(3, True), an_adaptation(4, None), an_adaptation(5, True, "wait")])
    assert learned_outcomes(store) == {("retry", "lock", "ssh/linux"): (2, 3), ("wait", "lock", "ssh/linux"): (1, 1)}


def test_what_is_forgotten_counts_no_longer_and_is_still_there() -> None:
    store = MemoryStore()
    store.put([an_adaptation(1, True), an_adaptation(2, False)])
    forget_outcomes(store, now=10.0)
    assert learned_outcomes(store) == {} and len(store.adaptations()) == 2
    store.put([an_adaptation(11, True)])
    assert learned_outcomes(store) == {("retry", "lock", "ssh/linux"): (1, 1)}
    forget_outcomes(store, now=12.0)
    assert learned_outcomes(store) == {}
