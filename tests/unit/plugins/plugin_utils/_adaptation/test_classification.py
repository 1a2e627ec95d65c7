"""Classes of failures, on what real modules said when they really failed (tests/faults/failures.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.classification import UNKNOWN, Classifier, text_of_classes
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[5]
FAILURES: list[dict[str, Any]] = json.loads((ROOT / "tests" / "faults" / "failures.json").read_text())
CLASSES: dict[str, Any] = yaml.safe_load(text_of_classes())
TRANSIENT = {code for code, entry in CLASSES.items() if entry["transient"]}


def code_of(message: str, module: str = "", **fields: Any) -> str:
    return Classifier().of_message(message, module, **fields).code


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure["case"])
def test_a_real_failure_is_of_the_class_that_it_was_made_for(failure: dict[str, Any]) -> None:
    expected = failure["case"].split(":")[0]
    assert code_of(failure["message"], failure["module"], unreachable=failure["unreachable"]) == expected


def test_the_real_failures_are_many_and_of_nearly_all_classes() -> None:
    made = {failure["case"].split(":")[0] for failure in FAILURES}
    assert len(FAILURES) > 60
    assert set(CLASSES) - made == {"unreachable"}  # every real ssh says more than that
    assert any(failure["unreachable"] for failure in FAILURES)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Failed to connect to the host via ssh: root@h: Permission denied (publickey,password).", "authentication"),
        ("E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)", "permission"),
        ("Failed to download metadata for repo 'baseos': Cannot download repomd.xml: All mirrors were tried", "mirror"),
        ("OSError: [Errno 28] No space left on device", "no-space"),
        ("Connection to 10.0.0.1 closed by remote host: Connection reset by peer", "network"),
        ("can't create transaction lock on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)", "package-lock"),
        ("HTTP Error 404: Not Found", "no-such-file"),
        ("the application says that all is lost", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_message_that_says_two_things_is_of_the_class_that_counts(message: str, code: str) -> None:
    assert code_of(message) == code


def test_an_unreachable_host_without_a_word_is_unreachable_and_transient() -> None:
    assert Classifier().of_message("", unreachable=True).transient


def test_a_word_of_the_plays_own_is_no_reason_to_try_again() -> None:
    assert code_of("Connection refused", "ansible.builtin.fail") == "assertion"
    assert code_of("Timeout when waiting for db:5432", "ansible.builtin.wait_for") == "waited"


def test_classes_of_the_users_come_first_and_take_the_place_of_ours() -> None:
    own = Classifier(
        {
            "quota": {"transient": True, "matches": ["over quota"], "delay": 30, "modules": ["ec2_instance"], "unless": ["permanently"]},
            "network": {"transient": False, "matches": ["refused"]},
        }
    )
    assert own.of_message("403 Forbidden: Over Quota", "amazon.aws.ec2_instance").code == "quota"
    assert own.of_message("403 Forbidden: Over Quota", "ansible.builtin.uri").code == "permission"
    assert own.of_message("403 Forbidden: Over Quota, permanently", "ec2_instance").code == "permission"
    assert own.delay("quota") == 30
    assert not own.of_message("Connection refused").transient


@given(st.text(max_size=300), st.booleans())
def test_any_text_has_a_class_and_only_known_classes_are_transient(message: str, unreachable: bool) -> None:
    found = Classifier().of_message(message, unreachable=unreachable)
    assert found.transient == (found.code in TRANSIENT)
    assert found == UNKNOWN or found.code in CLASSES


def test_a_long_message_costs_little_and_is_read_at_its_two_ends() -> None:
    long = "x" * 1_000_000
    assert code_of(f"Connection refused {long}") == "network"
    assert code_of(f"{long} Connection refused") == "network"
