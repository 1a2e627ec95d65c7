# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is known of a task's values before a run, and that it is what Ansible's own engine makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible._internal._datatag._tags import TrustedAsTemplate
from ansible._internal._templating._engine import TemplateEngine
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.knowledge import Scope
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import MASKED

trusted = TrustedAsTemplate().tag
VARIABLES: dict[str, Any] = {
    "home": trusted("{{ base }}/app"), "base": "/srv", "port": 80, "on": True, "empty": None, "many": [1, 2], "looks": "{{ base }}",
    "deep": trusted("{{ home }}:{{ port }}"), "brace": "{ not one", "round": trusted("{{ trip }}"), "trip": trusted("{{ round }}"), "db_password": "hidden",
}  # fmt: skip


def scope(**more: Any) -> Scope:
    return Scope(VARIABLES, loader=None, **{"moving": (), "varying": (), "vaulted": (), "values": {}, **more})


@pytest.mark.parametrize(
    "text",
    [
        "{{ base }}", "{{ port }}", "{{ home }}/etc", "{{deep}} and {{ port }}.", "{{ on }}", "is {{ on }}", "{{ many }}", "x{{ many }}", "{{ empty }}",
        "a{{ empty }}b",
        "{{ port }}{{ port }}", "{{ brace }}", "{{ base }}\n", "{{ base | upper }}", "{% if on %}{{ base }}{% endif %}", "{# hm #}{{ base }}", "{{ looks }}",
        "{{ base }} }} {", "{{- base -}} x", "back\\slash {{ base }}", "{{ home }}",
    ],
)  # fmt: skip
def test_a_value_is_what_ansibles_engine_makes_of_it(text: str) -> None:
    expected = TemplateEngine(variables=VARIABLES).template(trusted(text))
    found = scope().rendered(trusted(text))
    assert (found[0], type(found[0]) is bool, found[2]) == (expected, type(expected) is bool, [])


@pytest.mark.parametrize("text", ["{{ moved }}/x", "{{ base }}{{ nobody }}", "{{ ansible_hostname }}"])
def test_what_is_not_known_keeps_its_template_and_says_why(text: str) -> None:
    shown, real, why = scope(moving=("moved",)).rendered(trusted(text))
    assert (shown, real) == (text, text) and len(why) == 1


def test_a_value_that_contains_itself_is_unknown() -> None:
    assert scope().rendered(trusted("x{{ round }}"))[2]


def test_text_that_nobody_trusts_is_no_template() -> None:
    assert scope().rendered("{{ base }}/x")[0] == "{{ base }}/x"


def test_a_secret_is_masked_in_any_text_that_holds_it() -> None:
    assert scope().rendered(trusted("x{{ db_password }}"))[0] == MASKED


def test_a_condition_is_decided_once_and_again_the_same() -> None:
    one = scope(moving=("moved",))
    assert [one.decided(trusted(text)) for text in ("on", "not on", "moved", "on", "not on", "moved")] == [True, False, None] * 2
