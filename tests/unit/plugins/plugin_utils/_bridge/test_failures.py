# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible.playbook.block import Block
from ansible.playbook.task import Task
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import failures
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.failures import LONGEST, declared, failure, words
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.vaulted import Vaulted


def test_the_words_are_those_of_the_module_and_its_program() -> None:
    assert failure({"msg": "non-zero return code", "stderr": "no such thing", "rc": 3}) == {"message": "non-zero return code\nno such thing", "rc": 3}


def test_of_a_loop_it_is_the_first_item_that_failed() -> None:
    items = [{"msg": "fine"}, {"failed": True, "msg": "first"}, {"failed": True, "msg": "second"}]
    assert words({"msg": "One or more items failed", "results": items}) == "first"


@pytest.mark.parametrize("result", [{"_ansible_no_log": True, "msg": "secret", "rc": 1}, {"censored": "hidden", "msg": "secret"}])
def test_under_no_log_nothing_is_told(result: dict[str, object]) -> None:
    assert failure(result) == {"message": "", "rc": None}


def test_an_item_under_no_log_tells_nothing() -> None:
    assert words({"results": [{"failed": True, "_ansible_no_log": True, "msg": "secret"}]}) == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=hunter2 was wrong", "password=******** was wrong"),
        ("DB_PASSWORD: 'hunter 2'", "DB_PASSWORD: ********"),
        ('{"api_key": "hunter2"}', '{"api_key": ********}'),
        ("https://bob:hunter2@example.org/x", "https://bob:********@example.org/x"),
        ("the password is wrong", "the password is wrong"),
        ("http://example.org:80/x@y", "http://example.org:80/x@y"),
    ],
)
def test_what_stands_where_a_password_stands_is_masked(text: str, shown: str) -> None:
    assert words({"msg": text}) == shown


def test_a_text_out_of_a_vault_is_masked_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    vaulted = Vaulted()
    vaulted._note(b"key: xyzzyplugh\nother: 'quoted one'\nabc")
    monkeypatch.setattr(failures, "vaulted", vaulted)
    assert words({"msg": "it was xyzzyplugh, or quoted one, or abc"}) == "it was ********, or ********, or abc"  # the last is too short to mean anything


def test_a_long_text_is_cut_in_its_middle() -> None:
    text = words({"msg": "begin" + "x" * 5000 + "end"})
    assert len(text) <= LONGEST
    assert text.startswith("begin")
    assert text.endswith("end")


@pytest.mark.parametrize(
    ("keywords", "says"),
    [({}, False), ({"ignore_errors": True}, True), ({"failed_when": "false"}, True), ({"until": "x"}, True), ({"ignore_unreachable": True}, True)])
def test_a_playbook_that_says_what_failure_means_has_said_it(keywords: dict[str, object], says: bool) -> None:
    assert declared(Task.load({"ansible.builtin.command": "x", **keywords})) is says


def test_a_rescue_says_it_for_all_that_is_in_its_block() -> None:
    block = Block.load({"block": [{"block": [{"ansible.builtin.command": "x"}]}], "rescue": [{"ansible.builtin.command": "y"}]})
    assert declared(block.block[0].block[0])
