# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import base64
import hashlib
import re

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._render import history_html

from tests.lab.history import a_run, runs

from .test_plan_html import Reader
from .test_report_html import HOSTILE, replaced, view


def test_it_has_the_runs_the_tasks_and_the_hosts() -> None:
    every = list(map(view, runs(4)))
    page = history_html.page(every, every[-1].recommendations)
    reader = Reader(page)
    assert [attributes["id"] for tag, attributes in reader.elements if tag == "section"] == ["runs", "recommendations", "tasks", "hosts"]
    assert all(run.execution.execution[:8] in page for run in every)
    assert "4 runs of site.yml" in page and "Turn host key checking on" in page and "://" not in page


def test_its_policy_is_for_its_script() -> None:
    reader = Reader(history_html.page([view(a_run(1))]))
    policy = next(str(attributes["content"]) for _tag, attributes in reader.elements if attributes.get("http-equiv") == "Content-Security-Policy")
    assert base64.b64encode(hashlib.sha256(reader.of("script")[1].encode()).digest()).decode() in policy


def test_without_runs_it_says_so() -> None:
    assert "no runs" in history_html.page([]) and "<section" not in history_html.page([])


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_do_nothing(text: str) -> None:
    pages = [history_html.page([replaced(a_run(1, tasks=6), name)]) for name in ("x", text)]
    shapes = [[tag for tag, _attributes in Reader(page).elements] for page in pages]
    assert shapes[0] == shapes[1]
    assert not re.search(r"<[^>]+ on\w+=", pages[1].partition("<script")[0])
