# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses

from ansible_collections.rustle.engine.plugins.plugin_utils._learning.bounds import Bound, overdue
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.estimation import Known

KNOWN = Known(mean=40.0, median=40.0, low=30.0, high=60.0, count=9, level="task on its class", changes=0.0, runs=1.0)


def test_without_history_the_fixed_number_holds() -> None:
    assert overdue(None, fixed=10) == Bound(10, "no history yet")


def test_a_task_that_usually_takes_long_is_given_the_upper_end_of_what_it_takes() -> None:
    assert overdue(KNOWN, fixed=10) == Bound(60.0, "nine of ten times at most 60.0 s, from 9 results (task on its class)")


def test_a_bound_is_never_below_the_fixed_number() -> None:
    short = overdue(dataclasses.replace(KNOWN, high=1.5, count=1), fixed=10)
    assert short == Bound(10, "nine of ten times at most 1.5 s, from 1 result (task on its class)")
