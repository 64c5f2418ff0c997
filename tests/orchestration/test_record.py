"""A decision's record: small, readable again, and enough to take the decision again."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from orchestration_cases import DAY, GATES, GRANTED, HOUR, NOON, SMS, candidate, facts, policy, settle

from outrider.contracts.gate import Case
from outrider.domain.decision import (
    Blocked,
    Candidate,
    Decision,
    Facts,
    GateVerdict,
    Judgment,
    Phase,
    ReachFact,
    Recent,
    Verdict,
)
from outrider.domain.policy import Cap
from outrider.domain.profile import ConsentState
from outrider.domain.purpose import Purpose
from outrider.domain.strategy import Escalate, First
from outrider.orchestration.decide import decide
from outrider.orchestration.record import CANDIDATE, FACTS, LIMIT, BadRecord, Record, pack, rederive, unpack

VERSIONS = ("0.1.0", "2030a", "5e" * 32)
CAPS = policy(Cap("weekly", 3, 7 * DAY), Cap("daily", 1, DAY, (Purpose.COMMERCIAL,), ("sms",)))

#: Written by format 1 when it was new: a record must stay readable as long as decisions are kept.
GOLDEN = (
    "9c01a5302e312e30a53230333061c4205e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e02dc0010c410"
    "000102030405060708090a0b0c0d0e0fc41000000000000000000000000000000000af72656e74616c2d68616e646f766572ad66696e"
    "642d796f75722d636172ad66696e642d796f75722d636172aa636f6d6d65726369616c84a474797065a8657363616c617465a8636861"
    "6e6e656c7392a470757368a3736d73a56166746572a6505436303053a5756e74696ca964656c697665726564d6ff712f8fc0d6ff7133"
    "8440c2a4686f6c6407c41000000000000000000000000000000000c4106262626262626262626262626262626200c410727272727272"
    "7272727272727272727298d6ff71300e50a24652ac4575726f70652f5061726973a6706572736f6ea2667281aa636f6d6d6572636961"
    "6ca76772616e7465649193a3736d73d9203565356535653565356535653565356535653565356535653565356535653565c0809292a3"
    "736d73a77365727669636592a470757368aa636f6d6d65726369616c9400cf0000000861c4680001cf0000001ba90824009ea0ab7175"
    "6965745f686f757273d96b4672616e636520616c6c6f777320636f6d6d65726369616c206d6573736167657320627920736d73206576"
    "657279206461792030383a30302d32303a30303b206974206973205475652035204d617220323033302032323a303020696e20457572"
    "6f70652f50617269732ea3736d73a876616c6964697479a470757368b03220646179732031352068206c656674a7636f6e73656e74ab"
    "7375707072657373696f6eac72656163686162696c697479d9205468657265206973206e6f206c6976696e6720707573682061646472"
    "6573732ed920746865726520776572652061206c6976696e6720707573682061646472657373ad6f70656e7320696e2031302068d946"
    "697420686164206265656e2061736b656420666f722077697468696e2074686520616c6c6f77656420686f7572732028657665727920"
    "6461792030383a30302d32303a3030299801010203c0c0d6ff71309af0c2999504050006d6ff71338440930705009308050098090503"
    "00c00ac00b9504030006d6ff71338440930703009308030093090300980103010cc002d6ff71309af00d"
)


def without_pass_reasons(decision: Decision) -> Decision:
    results = tuple(
        msgspec.structs.replace(result, judgment=msgspec.structs.replace(result.judgment, reason=""))
        if result.judgment.verdict is GateVerdict.PASS
        else result
        for result in decision.results
    )
    return msgspec.structs.replace(decision, results=results)


def golden_decision() -> Decision:
    recent = (Recent("sms", Purpose.SERVICE, NOON - HOUR), Recent("push", Purpose.COMMERCIAL, NOON - DAY))
    escalation = Escalate(("push", "sms"), timedelta(minutes=10))
    what = candidate(Purpose.COMMERCIAL, strategy=escalation, enrollment=bytes(16), about=b"b" * 16, root=b"r" * 16)
    known = facts(now=NOON + 9 * HOUR, consents={"commercial": GRANTED}, reach=(SMS,), recent=recent)
    return settle(what, known, CAPS, number=2)


def test_a_record_written_by_an_earlier_version_is_read_as_it_was_meant() -> None:
    record, meant = unpack(bytes.fromhex(GOLDEN)), golden_decision()
    decision = record.decision
    assert (decision.candidate, decision.facts, decision.number) == (meant.candidate, meant.facts, meant.number)
    assert (decision.verdict, decision.gate, decision.channel) == (Verdict.HOLD, "quiet_hours", "sms")
    assert decision.until == NOON + 19 * HOUR
    assert [(result.gate, result.judgment.verdict) for result in decision.results][-2:] == [
        ("reachability", GateVerdict.PASS),
        ("quiet_hours", GateVerdict.HOLD),
    ]
    assert (record.code_version, record.zone_data_version, record.config_digest) == VERSIONS


def test_every_field_of_a_candidate_and_of_its_facts_is_in_the_layout() -> None:
    assert set(CANDIDATE) == set(Candidate.__struct_fields__)
    assert set(FACTS) | {"recent"} == set(Facts.__struct_fields__)


def test_a_typical_record_is_small() -> None:
    known = facts(consents={"commercial": GRANTED}, recent=(Recent("sms", Purpose.SERVICE, NOON - HOUR),))
    decision = settle(candidate(Purpose.COMMERCIAL, enrollment=bytes(16)), known, CAPS)
    assert decision.verdict is Verdict.SEND
    assert len(pack(decision, *VERSIONS)) <= 600


CHANNELS = st.sampled_from(["push", "sms", "voice", "headunit"])
SHORT_AGO = st.integers(-60, 20 * 24 * 60).map(lambda minutes: NOON - timedelta(minutes=minutes, microseconds=7))
CANDIDATES = st.builds(
    candidate,
    st.sampled_from(Purpose),
    strategy=st.one_of(
        st.builds(First, st.lists(CHANNELS, max_size=4, unique=True).map(tuple)),
        st.builds(Escalate, st.lists(CHANNELS, max_size=4, unique=True).map(tuple), st.timedeltas(timedelta())),
    ),
    journey=st.text(max_size=20),
    node=st.text(max_size=20),
    rung=st.integers(0, 3),
    blocked=st.sampled_from(Blocked),
    time_critical=st.booleans(),
    enrollment=st.none() | st.just(b"e" * 16),
)
FACTS_OF = st.builds(
    facts,
    now=SHORT_AGO,
    zone=st.sampled_from(["Europe/Paris", "Pacific/Apia", ""]),
    consents=st.dictionaries(st.sampled_from(["commercial", "service/sms"]), st.sampled_from(ConsentState)),
    reach=st.lists(
        st.builds(ReachFact, CHANNELS, st.just("ab" * 16), st.sampled_from([None, "opted_out", "unknown_subscriber"])),
        max_size=4,
    ).map(tuple),
    recent=st.lists(st.builds(Recent, CHANNELS, st.sampled_from(Purpose), SHORT_AGO), max_size=40).map(tuple),
    extra=st.dictionaries(st.just("earliest"), st.integers(0, 9)),
)


@given(CANDIDATES, FACTS_OF, st.integers(0, 9))
def test_a_record_is_at_most_two_kilobytes_and_gives_back_candidate_facts_and_decision(
    what: Candidate, known: Facts, number: int
) -> None:
    decision = decide(what, known, CAPS, GATES, number)
    packed = pack(decision, *VERSIONS)
    assert len(packed) <= LIMIT
    record = unpack(packed)
    assert record.decision == without_pass_reasons(decision)
    assert (record.code_version, record.zone_data_version, record.config_digest) == VERSIONS


@given(CANDIDATES, FACTS_OF, st.integers(0, 9))
def test_a_decision_is_rederived_from_its_own_record(what: Candidate, known: Facts, number: int) -> None:
    decision = decide(what, known, CAPS, GATES, number)
    assert rederive(pack(decision, *VERSIONS), CAPS, GATES) == decision


class Talkative:
    """A gate that writes more than a record may hold."""

    phase = Phase.GAP
    order = 0

    def __init__(self, name: str, length: int) -> None:
        self.name, self.length = name, length

    def judge(self, case: Case) -> Judgment:
        return Judgment(GateVerdict.PASS, "Fine.", "m" * self.length)


def test_what_does_not_fit_is_left_out_least_missed_first_and_rederived() -> None:
    gates = [Talkative("talkative", LIMIT)]
    decision = decide(candidate(), facts(), policy(), gates)
    packed = pack(decision, *VERSIONS)
    assert len(packed) <= LIMIT
    (result,) = unpack(packed).decision.results
    assert (result.gate, result.channel, result.judgment) == ("talkative", "push", Judgment(GateVerdict.PASS, ""))
    assert rederive(packed, policy(), gates) == decision


def test_when_even_the_names_of_the_gates_do_not_fit_the_answer_and_the_facts_stay() -> None:
    gates = [Talkative(f"gate {number:060}", 1) for number in range(40)]
    decision = decide(candidate(), facts(), policy(), gates)
    packed = pack(decision, *VERSIONS)
    assert len(packed) <= LIMIT
    assert unpack(packed).decision == msgspec.structs.replace(decision, results=())
    assert rederive(packed, policy(), gates) == decision


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        pytest.param(b"", "cannot be read", id="nothing"),
        pytest.param(b"\xc1", "cannot be read", id="no MessagePack"),
        pytest.param(msgspec.msgpack.encode([1]), "cannot be read", id="too short"),
        pytest.param(
            b"\x9c\x02" + bytes.fromhex(GOLDEN)[2:], "has format 2; this version reads 1", id="another format"
        ),
    ],
)
def test_bytes_that_are_no_record_are_refused(record: bytes, problem: str) -> None:
    with pytest.raises(BadRecord, match=problem):
        unpack(record)


@given(st.integers(0, 300), st.binary(min_size=1, max_size=3))
def test_a_damaged_record_is_read_or_refused_never_anything_else(at: int, noise: bytes) -> None:
    golden = bytes.fromhex(GOLDEN)
    damaged = golden[:at] + noise + golden[at + len(noise) :]
    try:
        read = unpack(damaged)
    except BadRecord:
        return
    assert isinstance(read, Record)
