# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json

import pytest
from ansible_collections.rustle.engine.plugins.module_utils._agent.outcome import Progress, classify, verdict


@pytest.mark.parametrize(
    ("out", "expected"),
    [
        (b"", "malformed"),
        (b"Traceback", "malformed"),
        (b"[]", "malformed"),
        (b'noise {"changed": false}', "malformed"),
        (b'{"changed": false} noise', "malformed"),
        (b'{"a": 1}{"b": 2}', "malformed"),
        (b'{"a": "\xff"}', "malformed"),
        (b"[" * 100000, "malformed"),
        (b' \n{"changed": true}\n ', None),
        (b'{"failed": true}', "failed"),
        (b'{"failed": false, "rc": 1}', None),
        (b'{"rc": 1}', "failed"),
        (b'{"rc": 0}', None),
        (b'{"rc": "0"}', None),
        (b'{"rc": "1"}', "failed"),
        (b'{"rc": null}', "failed"),
        (b'{"exception": "x"}', "failed"),
        (b'{"failed": false, "exception": "x"}', "failed"),
        (b'{"unreachable": true}', "unreachable"),
        (b'{"ansible_facts": {"a": 1}}', "facts"),
        (b'{"ansible_facts": {}}', "facts"),
    ],
)
def test_only_a_plainly_good_result_lets_the_lane_go_on(out, expected):
    assert verdict(out, go_on_failed=False, facts_expected=False) == expected


def test_ignored_failures_go_on_and_nothing_else_does():
    assert verdict(b'{"failed": true}', go_on_failed=True, facts_expected=False) is None
    assert verdict(b"", go_on_failed=True, facts_expected=False) == "malformed"
    assert verdict(b'{"unreachable": 1}', go_on_failed=True, facts_expected=False) == "unreachable"
    assert verdict(b'{"failed": true, "ansible_facts": {}}', go_on_failed=True, facts_expected=False) == "facts"
    assert verdict(b'{"ansible_facts": {}}', go_on_failed=False, facts_expected=True) is None


@pytest.mark.parametrize(
    ("stat", "expected"),
    [
        ({"exists": False}, "absent"),
        ({"exists": True, "isdir": True}, "dir"),
        ({"exists": True, "isdir": False, "checksum": "abc"}, "same"),
        ({"exists": True, "isdir": False, "checksum": "abd"}, "differs"),
        ({"exists": True, "isdir": False}, "differs"),
        ({}, None),
        (None, None),
    ],
)
def test_what_stat_found_has_a_class(stat, expected):
    assert classify(json.dumps({"stat": stat}).encode(), "abc") == expected


def test_without_a_checksum_nothing_is_the_same():
    assert classify(b'{"stat": {"exists": true}}', None) == "differs"


MODULE = {"k": "module"}
STAT_ABSENT = b'{"stat": {"exists": false}}'


def guarded(kind, *when, of=0):
    return {"k": kind, "only": {"of": of, "sum": "s", "when": list(when)}}


def test_a_step_runs_only_for_the_classes_of_its_guard():
    progress = Progress({"steps": [MODULE, guarded("put", "absent"), guarded("module", "same"), guarded("module", "absent", "differs")]})
    assert progress.next() == 0
    progress.module_ended(0, STAT_ABSENT)
    assert progress.next() == 1
    progress.step_ended(0)
    assert progress.next() == 3
    progress.module_ended(3, b"{}")
    assert progress.next() is None
    assert progress.stop is None


def test_a_step_that_looks_at_a_skipped_one_is_skipped():
    progress = Progress({"steps": [MODULE, guarded("module", "dir"), guarded("module", "absent", of=1)]})
    assert progress.next() == 0
    progress.module_ended(0, STAT_ABSENT)
    assert progress.next() is None


@pytest.mark.parametrize(("ends", "stop"), [(lambda p: p.module_ended(0, b'{"failed": true}'), "failed"), (lambda p: p.step_ended(1), "error")])
def test_the_first_step_that_goes_wrong_is_the_last(ends, stop):
    progress = Progress({"steps": [MODULE, MODULE]})
    progress.next()
    ends(progress)
    assert progress.next() is None
    assert progress.stop == stop


def test_a_failed_step_ends_even_an_entry_whose_failure_is_ignored():
    progress = Progress({"steps": [MODULE, MODULE], "go_on_failed": True})
    progress.next()
    progress.module_ended(0, b'{"failed": true}')
    assert progress.next() is None
    assert progress.stop is None


def test_facts_of_a_step_before_the_last_do_not_matter():
    progress = Progress({"steps": [MODULE, MODULE]})
    progress.next()
    progress.module_ended(0, b'{"ansible_facts": {}}')
    assert progress.next() == 1
    progress.module_ended(1, b'{"ansible_facts": {}}')
    assert progress.next() is None
    assert progress.stop == "facts"


def test_judge_stops_after_a_good_outcome_and_keeps_a_better_reason():
    for out, stop in ((b"{}", "judge"), (b'{"failed": true}', "failed")):
        progress = Progress({"steps": [MODULE], "judge": True})
        progress.next()
        progress.module_ended(0, out)
        assert progress.next() is None
        assert progress.stop == stop


@pytest.mark.parametrize(("when", "stop", "ran"), [("absent", "judge", [0]), ("dir", None, [0, 2])])
def test_a_judge_step_hands_its_classes_to_the_controller(when, stop, ran):
    progress = Progress({"steps": [MODULE, guarded("judge", when), MODULE], "group": 1})
    seen = []
    for index in iter(progress.next, None):
        seen.append(index)
        progress.module_ended(index, STAT_ABSENT)
    assert (seen, progress.stop) == (ran, stop)


@pytest.mark.parametrize("key", ["add_host", "add_group"])
def test_a_result_that_may_change_the_inventory_stops_the_lane(key):
    assert verdict(json.dumps({key: {}}).encode(), go_on_failed=False, facts_expected=True) == "facts"
