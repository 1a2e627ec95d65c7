"""Reason codes are a vocabulary: complete, unambiguous, and the same in text and JSON."""

from __future__ import annotations

import json
import pickle
import typing

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Kind, Reason


def test_no_two_codes_share_a_value() -> None:
    assert len(Reason) == len(Reason.__members__)


def test_no_two_codes_share_a_text() -> None:
    assert len({reason.text for reason in Reason}) == len(Reason)


@pytest.mark.parametrize("reason", Reason)
def test_a_code_has_a_kind_and_one_line_of_text(reason: Reason) -> None:
    assert reason.kind in typing.get_args(Kind)
    assert reason.text and "\n" not in reason.text and not reason.text.endswith(".")


@pytest.mark.parametrize("reason", Reason)
def test_a_code_is_one_word_in_text_and_json(reason: Reason) -> None:
    assert f"{reason}" == str(reason) == reason.value
    assert json.loads(json.dumps(reason)) == reason.value
    assert " " not in reason.value


def test_a_code_survives_pickling_and_is_found_by_its_value() -> None:
    assert pickle.loads(pickle.dumps(Reason.REGISTER)) is Reason.REGISTER
    assert Reason("register") is Reason.REGISTER


def test_barriers_and_stock_reasons_for_one_cause_are_two_codes() -> None:
    assert (Reason.THROTTLE.kind, Reason.THROTTLED.kind) == ("stock", "barrier")
    assert (Reason.DELEGATE.kind, Reason.DELEGATED.kind) == ("stock", "barrier")
