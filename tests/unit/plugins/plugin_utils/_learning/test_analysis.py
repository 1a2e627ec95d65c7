"""Each analyzer says what it is for, with numbers, and nothing where there is nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.analysis import findings, worth
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.analyzers.resource import EXHAUSTED
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.finding import Finding, plural, seconds
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.history import History
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import BundleRecord

from .simulation import World, execution, joined, result, runs, simulated, task


def made(count: int = 6, *, traits: tuple[str, ...] = (), task_traits: tuple[str, ...] = (), module: str = "ansible.builtin.apt", **fields: Any) -> History:
    """Runs of one task on one host. ``traits`` are of the runs."""
    seconds_each = fields.pop("duration", 2.0)
    of_run = {name: fields.pop(name) for name in ("forks", "hosts", "status_of_run") if name in fields}
    of_run["status"] = of_run.pop("status_of_run", "success")
    return History(
        executions=tuple(execution(at, traits=traits, **of_run) for at in range(count)),
        tasks=tuple(task(run=f"run{at}", traits=task_traits, module=module) for at in range(count)),
        results=tuple(result(f"run{at}", duration=seconds_each, module=module, **fields) for at in range(count)),
    )


def found(history: History) -> dict[str, Finding]:
    return {one.code: one for one in findings(history)}


def test_a_calm_history_has_no_findings() -> None:
    assert findings(simulated(1, 8, World(hosts=3))) == ()
    assert findings(History()) == ()
    assert findings(runs(1.0), "another") == ()


def test_facts_that_take_a_large_part_of_a_run() -> None:
    facts = made(traits=(), task_traits=("gathers-facts",), module="ansible.builtin.gather_facts", duration=3.0)
    other = runs(*[2.0] * 6, identity="task1")
    one = found(joined(facts, other))["gather-subset"]
    assert (one.subject, one.severity, one.gain) == ("task0", "info", 1.0)
    assert "60%" in one.title
    assert one.evidence.startswith("3.0 s of 5.0 s, the median of 6 runs; it is less by so much at most, since a module takes 2.0 s there at least")
    assert one.change.splitlines()[0] == "gather_subset:"
    assert "gather-subset" not in found(joined(facts, runs(*[30.0] * 6, identity="task1"))), "a tenth is not much"
    subset = replace(facts, tasks=tuple(replace(one, traits=("gather-subset", "gathers-facts")) for one in facts.tasks))
    assert "gather-subset" not in found(subset)


def test_what_a_subset_of_facts_saves_is_known_from_runs_that_had_one() -> None:
    facts = made(9, task_traits=("gathers-facts",), module="ansible.builtin.gather_facts", duration=3.0)
    before = {f"run{at}" for at in range(3)}
    facts = replace(
        facts, tasks=tuple(replace(one, traits=("gather-subset", "gathers-facts")) if one.execution in before else one for one in facts.tasks),
        results=tuple(replace(one, duration=0.4) if one.execution in before else one for one in facts.results))  # fmt: skip
    one = found(joined(facts, runs(*[2.0] * 9, identity="task1")))["gather-subset"]
    assert one.gain == pytest.approx(2.6) and one.evidence.endswith("with a subset it takes 0.40 s (3 results)")


def test_what_a_subset_of_facts_saves_is_unknown_only_where_nothing_else_was_measured() -> None:
    facts = made(task_traits=("gathers-facts",), module="ansible.builtin.gather_facts", duration=3.0)
    alone = found(facts)["gather-subset"]
    assert alone.gain is None and alone.evidence.endswith("what a subset would take is unknown: nothing else was measured there")
    said = runs(*[0.001] * 6, identity="task1", path="controller", calls=0)
    assert found(joined(facts, said))["gather-subset"].gain is None, "what asks nothing of the host is no measure"


def test_hosts_that_take_turns_at_their_facts_save_it_several_times() -> None:
    facts = joined(*(
        made(task_traits=("gathers-facts",), module="ansible.builtin.gather_facts", duration=3.0, host=f"web{at}", forks=2, hosts=4) for at in range(4)))
    other = joined(*(runs(*[1.0] * 6, identity="task1", host=f"web{at}") for at in range(4)))
    assert found(joined(other, facts))["gather-subset"].gain == pytest.approx(4.0)


def test_hosts_that_take_turns() -> None:
    history = simulated(1, 4, World(tasks=5, hosts=10, forks=5, noise=0.01))
    one = found(history)["forks"]
    assert one.change == "[defaults]\nforks = 10"
    whole = sum(max(r.duration for r in history.by_run["run3"] if r.identity == f"task{at}") for at in range(5))
    assert one.gain == pytest.approx(whole, rel=0.1), "ten hosts on five forks take twice as long as on ten"
    assert "forks" not in found(simulated(1, 4, World(tasks=5, hosts=5, forks=5)))


def test_the_stock_path_without_pipelining() -> None:
    history = joined(*(made(path="stock", host=f"web{at}") for at in range(20)))
    assert found(history)["pipelining"].change.startswith("[connection]\npipelining = True")
    assert "pipelining" not in found(joined(*(made(path="stock", host=f"web{at}", traits=("pipelining",)) for at in range(20))))
    unknown = found(history)["pipelining"]
    assert unknown.gain is None and unknown.evidence.endswith("what that costs is unknown: no round trip to these hosts was measured")
    assert "pipelining" not in found(joined(*(made(path="agent", host=f"web{at}") for at in range(20))))


def bundles(host: str, *ways: float, execution: str = "run5", **fields: Any) -> tuple[BundleRecord, ...]:
    """One after another, each a second of work and its way there and back; the first one has waited for its agent."""
    usual: dict[str, Any] = {"execution": execution, "host": host, "host_class": "ssh/linux", "sent": 1.0, "done": 1, "work": 1.0}
    return tuple(BundleRecord(**usual | {"bundle": at, "seconds": 1.0 + way} | (fields if at else {})) for at, way in enumerate((60.0, *ways)))


def test_pipelining_saves_the_round_trips_of_each_call() -> None:
    history = joined(*(made(path="stock", host=f"web{at}", forks=5, hosts=20, duration=9.0) for at in range(20)))
    one = found(replace(history, bundles=bundles("web1", 0.05, 0.04, 0.3)))["pipelining"]
    assert one.gain == pytest.approx(4 * 16 * 0.05), "twenty hosts on five forks come in four turns"
    assert one.evidence.endswith("16 round trips or more a call are saved, of 0.05 s each (median of 1 host)")
    looped = joined(*(made(path="stock", host=f"web{at}", duration=9.0, items=3) for at in range(20)))
    assert found(replace(looped, bundles=bundles("web1", *[0.05] * 3)))["pipelining"].gain == pytest.approx(3 * 16 * 0.05)
    quick = joined(*(made(path="stock", host=f"web{at}", duration=0.2) for at in range(20)))
    assert found(replace(quick, bundles=bundles("web1", *[0.05] * 3)))["pipelining"].gain == pytest.approx(0.2), "nothing saves more than it takes"


@pytest.mark.parametrize("fields", [{"joined": True}, {"failed": True}, {"dropped": 1}, {"work": None}, {"host_class": "local/linux"}], ids=str)
def test_a_bundle_that_is_no_measure_of_a_round_trip_does_not_count(fields: dict[str, Any]) -> None:
    history = joined(*(made(path="stock", host=f"web{at}") for at in range(20)))
    assert found(replace(history, bundles=bundles("web1", 0.1, 0.1, 0.1)))["pipelining"].gain
    assert found(replace(history, bundles=bundles("web1", 0.1, 0.1, 0.1, **fields)))["pipelining"].gain is None


def test_a_loop_over_packages_saves_all_but_one_of_its_items() -> None:
    one = found(made(task_traits=("loop", "package-loop"), items=4, duration=8.0))["package-loop"]
    assert (one.gain, one.severity) == (6.0, "warning")
    installing = found(made(task_traits=("loop", "package-loop"), items=4, duration=8.0, status="changed"))["package-loop"]
    assert installing.gain is None, "to install them takes its time either way"


def test_a_command_that_always_reports_changed() -> None:
    one = found(made(5, module="ansible.builtin.shell", status="changed"))["always-changed"]
    assert one.change.startswith("changed_when: false")
    assert "all 5 results of 5 runs" in one.evidence
    for calm in (
        made(4, module="ansible.builtin.shell", status="changed"),
        made(5, module="ansible.builtin.shell", status="changed", task_traits=("changed-when",)),
        made(5, module="ansible.builtin.apt", status="changed"),
        joined(made(5, module="ansible.builtin.shell", status="changed"), made(5, module="ansible.builtin.shell", host="web2")),
    ):
        assert "always-changed" not in found(calm)


def flaking(module: str = "ansible.builtin.get_url", **fields: Any) -> History:
    statuses = ("ok", "failed", "ok", "failed", "ok")
    history = made(5, module=module, error_class="network", **fields)
    return replace(history, results=tuple(replace(one, status=status) for one, status in zip(history.results, statuses, strict=True)))


def test_a_flaky_task_gets_retries_and_a_warning_where_it_may_not_be_repeated() -> None:
    one = found(flaking())["flaky-task"]
    assert one.evidence == "2 of 5 results failed in 2 runs: 2 went well in the next run; most often: network"
    assert one.change == "register: outcome\nuntil: outcome is succeeded\nretries: 3\ndelay: 5"
    assert "only if it may be run twice" in found(flaking("ansible.builtin.command"))["flaky-task"].change
    assert "flaky-task" not in found(flaking(task_traits=("until",)))


def test_a_flaky_host() -> None:
    history = flaking()
    gone = [replace(one, status="unreachable", error_class="unreachable") if one.status == "failed" else one for one in history.results]
    assert found(replace(history, results=tuple(gone)))["flaky-host"].change == "[ssh_connection]\nretries = 3"


def test_a_task_that_runs_into_its_timeout() -> None:
    history = made(5, task_traits=("timeout",), duration=25.0)
    late = tuple(replace(one, status="failed", error_class="timeout", duration=30.0) if at > 2 else one for at, one in enumerate(history.results))
    assert found(replace(history, results=late))["timeout"].change == "timeout: 60"


def test_batches_that_nobody_needs_any_more() -> None:
    assert found(made(10, traits=("serial",), hosts=8))["serial"].change == "serial:\n  - 1\n  - 30%\n  - 100%"
    assert "serial" not in found(made(9, traits=("serial",), hosts=8))
    assert "serial" not in found(made(10, hosts=8))


def test_a_host_without_space_is_critical_and_comes_first() -> None:
    history = joined(made(status="failed", error_class="no-space"), made(module="ansible.builtin.shell", status="changed", host="web2"))
    first = findings(history)[0]
    assert (first.code, first.severity, first.subject) == ("no-space", "critical", "web1")
    assert "6 results failed of it in 6 of 6 runs" in first.evidence


def test_a_slow_host_costs_what_it_works_longer() -> None:
    usual = [runs(*[3.0 + at / 100 for at in range(6)], host=f"web{number}") for number in (1, 2, 3)]
    one = found(joined(*usual, runs(*[9.0 + at / 100 for at in range(6)], host="web9")))["slow-host"]
    assert one.subject == "web9"
    assert "3.0 times as long" in one.title and "6.0 s a run longer" in one.evidence


def test_memory_that_grows() -> None:
    history = made(8)
    growing = tuple(replace(one, maxrss=100_000 + 50_000 * at) for at, one in enumerate(history.results))
    assert "171 MiB, and now 366 MiB" in found(replace(history, results=growing))["memory-growth"].evidence
    assert "memory-growth" not in found(replace(history, results=tuple(replace(one, maxrss=100_000) for one in history.results)))


def test_a_module_that_does_better_by_stock() -> None:
    sides = [runs(*[value + at / 1000 for at in range(12)], host=host, path=host) for host, value in (("agent", 3.0), ("stock", 1.0))]
    one = found(joined(*sides))["stock-better"]
    assert one.subject == "ansible.builtin.command on ssh/linux"
    assert "rustle_mode: ssh" in one.change
    assert one.gain == pytest.approx(4.0, rel=0.01)


def test_bundles_that_break() -> None:
    bundles = tuple(
        BundleRecord(execution=f"run{at % 6}", bundle=at, host="web1", host_class="ssh/linux", seconds=1.0, tasks=5, failed=at % 3 == 0, dropped=2)
        for at in range(12)
    )
    history = replace(made(), bundles=bundles)
    assert found(history)["bundles-break"].evidence.startswith("4 of 12 bundles failed; 8 tasks behind the failures")
    assert "bundles-break" not in found(replace(history, bundles=tuple(replace(one, failed=False) for one in bundles)))


def test_runs_that_are_interrupted_in_the_same_task() -> None:
    history = made(8)
    executions = tuple(replace(one, status="interrupted") if at in (2, 4, 6) else one for at, one in enumerate(history.executions))
    results = tuple(replace(one, status="running", duration=None) if at in (2, 4, 6) else one for at, one in enumerate(history.results))
    one = found(replace(history, executions=executions, results=results))["interrupted"]
    assert (one.subject, one.title) == ("task0", "3 of the last 8 runs were interrupted")
    assert one.evidence == 'after 1 min 40 s (median), most often within "Do task0"'
    assert one.change.startswith("timeout: 6 ")


def test_failed_runs_that_are_made_again_for_all_hosts() -> None:
    history = made(8, hosts=10)
    executions = tuple(
        replace(one, status="failed" if at % 2 else "success", failed=at % 2, started=100.0 * at, ended=100.0 * at + 50)
        for at, one in enumerate(history.executions)
    )
    one = found(replace(history, executions=executions))["run-again"]
    assert one.title == "3 failed runs were soon made again for all hosts"
    assert "for 9 hosts that had not failed" in one.evidence


def test_bad_ratings_come_with_the_last_note() -> None:
    history = made(4)
    rated = tuple(replace(one, rating=rating, note=f"note {rating}") for one, rating in zip(history.executions, (2, 1, 3, 2), strict=True))
    assert found(replace(history, executions=rated))["ratings"].evidence == "2.0 of 5 over 4 ratings; the last note: note 2"


def test_what_is_not_safe_is_seen_in_one_run() -> None:
    traits = ("become", "needs-no-root", "secret-arguments")
    seen = found(made(1, traits=("host-key-checking-off",), task_traits=traits))
    assert {code: one.severity for code, one in seen.items()} == {"needless-become": "info", "no-log": "warning", "host-key-checking": "warning"}
    assert (seen["no-log"].change, seen["needless-become"].change) == ("no_log: true", "become: false")
    assert "no-log" not in found(made(1, task_traits=("no-log", "secret-arguments")))
    assert found(made(1, traits=("host-key-checking-off",), host_class="local/linux")) == {}, "no host key on the way to oneself"


def test_only_runs_that_were_made_in_the_same_way_count() -> None:
    history = made(5, module="ansible.builtin.shell", status="changed")
    executions = tuple(replace(one, limit="web1" if at < 3 else "") for at, one in enumerate(history.executions))
    assert "always-changed" not in found(replace(history, executions=executions))


def test_a_finding_becomes_a_recommendation_of_its_run() -> None:
    one = Finding(code="forks", subject="forks", severity="warning", title="title", evidence="evidence", change="forks = 9", gain=1.5)
    record = one.record("run1", time=7.0)
    assert (record.execution, record.time) == ("run1", 7.0)
    assert all(getattr(record, name) == getattr(one, name) for name in ("code", "subject", "severity", "title", "evidence", "change", "gain"))


def test_what_saves_more_comes_first_and_then_what_is_warned_of() -> None:
    plain = Finding(code="a", subject="a", title="", evidence="")
    warned = replace(plain, severity="warning")
    order = [replace(plain, severity="critical"), replace(plain, gain=9.0), replace(warned, gain=2.0), warned, plain]
    assert sorted((order[at] for at in (4, 2, 0, 3, 1)), key=worth, reverse=True) == order


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00 s"), (0.344, "0.34 s"), (0.994, "0.99 s"), (0.996, "1.0 s"), (12.34, "12.3 s"), (59.94, "59.9 s"), (59.96, "1 min 0 s"),
        (250.0, "4 min 10 s"), (3599.4, "59 min 59 s"), (3599.6, "1 h 0 min"), (7322.0, "2 h 2 min"),
    ],
)  # fmt: skip
def test_seconds_are_written_for_people(value: float, text: str) -> None:
    assert seconds(value) == text


def test_one_is_singular() -> None:
    assert (plural(1, "run"), plural(2, "run"), plural(0, "run")) == ("1 run", "2 runs", "0 runs")


def test_every_code_is_in_the_docs() -> None:
    root = Path(__file__).resolve().parents[5]
    sources = [path.read_text() for path in (root / "plugins/plugin_utils/_learning/analyzers").glob("*.py")]
    codes = {code for text in sources for code in re.findall(r"code='([a-z-]+)'", text)} | set(EXHAUSTED)
    table = (root / "docs/feedback.md").read_text().partition("### Recommendations")[2]
    assert len(codes) == 21
    assert codes == {code for line in table.splitlines() if line.startswith("| `") for code in re.findall(r"`([a-z-]+)`", line.split("|")[1])}
