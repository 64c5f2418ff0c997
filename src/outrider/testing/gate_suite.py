"""What every gate must keep: an answer to every case, always the same, complete and understandable."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from outrider.contracts.gate import Case, Gate
from outrider.domain.decision import DEDUPE, Blocked, Candidate, Facts, GateVerdict, Judgment, Phase, ReachFact, Recent
from outrider.domain.message import Status
from outrider.domain.policy import Calendar, Cap, Gap, Policy
from outrider.domain.profile import ConsentState
from outrider.domain.purpose import PURPOSES, Purpose
from outrider.domain.strategy import First
from outrider.lib.discover import plugins

#: What a gate's file may import of ours: its port, the words, and the wording of the stage it lives in.
ALLOWED = ("outrider.contracts", "outrider.domain", "outrider.expressions", "outrider.orchestration.")
ADDRESS = "5e" * 16
MARKETS = {market.code: market for market in plugins("outrider.markets", "MARKET").values()}
CAPS = (
    Cap("three a week", 3, timedelta(days=7), (Purpose.SERVICE,)),
    Cap("one a day", 1, timedelta(days=1), (Purpose.COMMERCIAL,), ("sms",)),
    Cap("two a month", 2, purposes=(Purpose.COMMERCIAL,), per=Calendar.MONTH),
)
GAPS = (Gap("a breath", timedelta(hours=4)), Gap("offers", timedelta(days=3), (Purpose.COMMERCIAL,), ("push",)))
PURPOSE, CHANNEL, MARKET = st.sampled_from(Purpose), st.sampled_from(("sms", "push")), st.sampled_from(sorted(MARKETS))
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2031, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 (bounds)
STATE = st.sampled_from(ConsentState)
EARLIER = st.fixed_dictionaries({"message": st.just("msg_1"), "at": INSTANTS, "status": st.sampled_from((*Status, ""))})
EXTRA: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.fixed_dictionaries({DEDUPE: st.just({}) | EARLIER})
SOON = st.integers(-30, 30).flatmap(lambda days: st.integers(0, 86_400).map(lambda s: timedelta(days, s)))


def subjects(extra: Sequence[Path] = ()) -> list[Gate]:
    """Every discovered gate. extra: folders with further gates."""
    return list(plugins("outrider.orchestration.gates", "GATE", extra=extra).values())


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A candidate on a channel, with facts as the engine could have loaded them."""
    now, purpose, channel, market = draw(INSTANTS), draw(PURPOSE), draw(CHANNEL), draw(MARKET)
    reach = draw(st.none() | st.builds(ReachFact, st.just(channel), st.just(ADDRESS), st.none() | st.just("hard")))
    facts = Facts(
        now=now,
        market=market,
        zone=draw(st.sampled_from((MARKETS[market].zone, "Atlantic/Azores", "Nowhere/Land"))),
        zone_rung="market",
        locale="fr",
        consents=draw(st.dictionaries(st.sampled_from((purpose, f"{purpose}/{channel}")), STATE)),
        reach=(reach,) if reach else (),
        extra=draw(EXTRA),
        recent=tuple(draw(st.lists(st.builds(Recent, CHANNEL, PURPOSE, SOON.map(lambda ago: now - abs(ago)))))),
    )
    policy = Policy(MARKETS, market, CAPS, gaps=GAPS)
    return Case(_candidate(draw, now, purpose), channel, reach, facts, PURPOSES[purpose], MARKETS[market], policy)


def _candidate(draw: st.DrawFn, now: datetime, purpose: Purpose) -> Candidate:
    return Candidate(
        id=bytes(range(16)),
        stream=bytes(16),
        journey="journey",
        node="0",
        template="template",
        purpose=purpose,
        strategy=First(("sms", "push")),
        asked_at=now,
        valid_until=now + draw(SOON),
        time_critical=draw(st.booleans()),
        blocked=draw(st.sampled_from(Blocked)),
    )


def complaints(case: Case, judgment: Judgment) -> list[str]:
    """What is wrong with an answer."""
    blocks = judgment.verdict is not GateVerdict.PASS
    holds = judgment.verdict is GateVerdict.HOLD
    checks = {
        "the reason is no sentence": re.fullmatch(r"[A-Z0-9].*[.?!]", judgment.reason, re.DOTALL) is not None,
        "what would have had to be different is missing": bool(judgment.otherwise) or not blocks,
        "a hold needs `until`": not holds or judgment.until is not None,
        "a hold must end later": not holds or (judgment.until or case.facts.now) > case.facts.now,
        "a window must not be over": judgment.not_after is None or judgment.not_after >= case.facts.now,
        "an address is shown": ADDRESS not in f"{judgment.reason}{judgment.margin}{judgment.otherwise}",
    }
    return [words for words, fine in checks.items() if not fine]


def ask_twice(gate: Gate, case: Case) -> None:
    """Assert that a gate answers a case completely or has no say on it, and the same again."""
    judgment = gate.judge(case)
    assert judgment is None or complaints(case, judgment) == []
    assert gate.judge(case) == judgment


class GateSuite:
    """Parametrize with `gate` over `subjects()`."""

    def test_it_has_a_name_and_a_place(self, gate: Gate) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", gate.name)
        assert isinstance(gate.phase, Phase)
        assert isinstance(gate.order, int)
        assert sys.modules[type(gate).__module__].__doc__, "the list of plug-ins shows the first line of the file"

    def test_it_stands_alone(self, gate: Gate) -> None:
        found = [name for name in imports_of(gate) if name.startswith("outrider") and not name.startswith(ALLOWED)]
        assert found == []
        assert [name for name in imports_of(gate) if ".gates" in name] == []

    def test_every_case_gets_the_same_complete_answer(self, gate: Gate) -> None:
        @settings(max_examples=60, deadline=None)
        @given(cases())
        def answers(case: Case) -> None:
            ask_twice(gate, case)

        answers()


def imports_of(plugin: Any) -> list[str]:
    """The modules a plug-in's file imports."""
    tree = ast.parse(Path(inspect.getfile(type(plugin))).read_text(encoding="utf-8"))
    named = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    plain = [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    return sorted({*named, *plain})
