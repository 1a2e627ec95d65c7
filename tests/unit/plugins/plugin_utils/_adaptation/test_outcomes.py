"""Success rates by policy, class of error and class of host."""

from __future__ import annotations

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.outcomes import Outcomes

KEY = ("transient-retry", "network", "ssh/linux")


def test_confidence_is_a_rate_with_its_n_or_not_known() -> None:
    outcomes = Outcomes()
    assert (outcomes.confidence(KEY).rate, outcomes.confidence(KEY).trials) == (None, 0)
    for succeeded in (True, True, False, True):
        outcomes.note(KEY, succeeded)
    assert (outcomes.confidence(KEY).rate, outcomes.confidence(KEY).trials) == (0.75, 4)
    assert outcomes.counts() == {KEY: (3, 4)}


def test_what_was_given_is_not_written_to() -> None:
    given = {KEY: (1, 1)}
    Outcomes(given).note(KEY, False)
    assert given == {KEY: (1, 1)}


def test_what_seldom_helps_is_tried_one_time_in_five_so_that_it_can_become_better() -> None:
    outcomes = Outcomes({KEY: (0, 10)})
    assert [outcomes.is_promising(KEY, worth=0.2, trials=5) for _ in range(10)] == [False] * 4 + [True] + [False] * 4 + [True]
    assert Outcomes({KEY: (0, 4)}).is_promising(KEY, worth=0.2, trials=5), "too few to judge by"


def test_a_reset_forgets_everything() -> None:
    outcomes = Outcomes({KEY: (0, 10)})
    outcomes.reset()
    assert outcomes.counts() == {} and outcomes.is_promising(KEY, worth=0.2, trials=5)
