"""Days that once showed a real fault: they stay simulated, whatever else they show by now."""

from __future__ import annotations

import pytest

from outrider.testing.simulation import run_days

#: (seed, profile, what it showed).
ONCE = (
    (11, "standard", "a resolver whose own clock was behind left a one-time code in doubt for most of an hour"),
    (40, "storm", "a retry that fell into quiet hours ended a legal notice that was valid for two days"),
    (6, "storm", "a route that was never reached counted as one that had refused"),
    (24, "storm", "a look-up between clocks that disagree proved an absence that was none"),
    (44, "storm", "clocks half a minute apart did the same"),
    (17, "storm", "a late receipt took the label off a further copy"),
    (12, "storm", "a worker whose own lease ended opened the breakers of healthy routes"),
    (2074, "storm", "absence was counted from the intent although the call began two minutes later"),
    (204, "standard", "a healthy route that had left a doubt was never asked again"),
    (0, "people", "a call began for a sender that its worker knew to be refused by then"),
    (1000458, "standard", "a refusal elsewhere ended a safety message in doubt while its first route was healthy"),
)


@pytest.mark.parametrize(("seed", "profile", "showed"), ONCE, ids=[f"{profile}-{seed}" for seed, profile, _ in ONCE])
def test_a_day_that_once_failed_passes(seed, profile, showed):
    report = run_days(1, seed, profile)
    assert report.violated == "", f"it once showed that {showed}\n{report.violation}\n{report.replay}"
