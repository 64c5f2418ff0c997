"""`[purposes.*] resolve_within` of outrider.toml: how long to look for proof of a doubtful send."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outrider.configuration.toml import read_toml
from outrider.domain.purpose import PURPOSES, Purpose
from outrider.wiring import purposes_of


def test_a_company_may_give_up_looking_sooner() -> None:
    toml, problems = read_toml(
        '[purposes.service]\nresolve_within = "10m"\n[purposes.security]\nresolve_within = "2s"\n'
    )
    assert problems == []
    rules = purposes_of(toml)
    assert rules[Purpose.SERVICE].resolve_within == timedelta(minutes=10)
    assert rules[Purpose.SECURITY].resolve_within == timedelta(seconds=2)
    assert rules[Purpose.SERVICE].when_unknown is PURPOSES[Purpose.SERVICE].when_unknown
    untouched = set(Purpose) - {Purpose.SERVICE, Purpose.SECURITY}
    assert all(rules[purpose] is PURPOSES[purpose] or rules[purpose] == PURPOSES[purpose] for purpose in untouched)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('"4s"', "at most 3 seconds"),
        ('"1h"', "at most 3 seconds"),
        ('"0s"', "at most 3 seconds"),
        ('"soon"', "found 'soon'"),
    ],
)
def test_nobody_waits_longer_than_the_purpose_says(written: str, said: str) -> None:
    toml, [problem] = read_toml(f'home_market = "FR"\n\n[purposes.security]\nresolve_within = {written}\n')
    assert problem.is_error
    assert said in problem.message
    assert (problem.file, problem.line, problem.column) == ("outrider.toml", 4, 1)
    assert toml.resolve_within[Purpose.SECURITY] == PURPOSES[Purpose.SECURITY].resolve_within


@pytest.mark.parametrize(
    "text",
    ['[purposes.unheard]\nresolve_within = "1s"\n', "[purposes.service]\n", '[purposes.service]\nwithin = "1s"\n'],
)
def test_unknown_words_are_refused(text: str) -> None:
    _, [problem] = read_toml(text)
    assert problem.is_error
