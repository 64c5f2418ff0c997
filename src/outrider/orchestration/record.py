"""A decision as bytes: what was asked, the facts, each gate's answer; enough to read it back and to take it again.

MessagePack, positions instead of names, each text once, at most 2 kB. The reasons of gates that passed are left out,
their margins are kept. Where that is still too much, the texts of gates go too, then their answers; the decision's own
reason and the facts always stay. `rederive` brings back what was left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import msgspec

from outrider.contracts.gate import Gate
from outrider.domain.decision import (
    Candidate,
    Decision,
    Facts,
    GateResult,
    GateVerdict,
    Judgment,
    Recent,
    Verdict,
)
from outrider.domain.policy import Policy
from outrider.domain.purpose import Purpose
from outrider.orchestration.decide import decide

#: Raised when the layout below changes; older layouts stay readable.
FORMAT = 1
#: The most a record may take.
LIMIT = 2048
#: A result's first fields: gate, channel, verdict.
PLACE = 3

#: The layout: fields in this order. A new one goes to the end and needs a default, so that older records stay readable.
CANDIDATE = (
    *("id", "stream", "journey", "node", "template", "purpose", "strategy", "asked_at", "valid_until"),
    *("time_critical", "blocked", "config", "enrollment", "about", "rung", "root", "fallback", "dedupe"),
)
FACTS = ("now", "market", "zone", "zone_rung", "locale", "consents", "reach", "extra")
VERDICTS = tuple(Verdict)
ANSWERS = tuple(GateVerdict)

_candidate_values = attrgetter(*CANDIDATE)
_facts_values = attrgetter(*FACTS)
_encoder = msgspec.msgpack.Encoder()
MICROSECOND = timedelta(microseconds=1)


class BadRecord(ValueError):
    """The bytes are no decision record this version can read."""


class Record(msgspec.Struct, frozen=True):
    """A decision with what it was decided by."""

    decision: Decision
    code_version: str
    #: Version of the time-zone data, for example ``2025b``.
    zone_data_version: str
    #: Digest of the configuration, in hexadecimal digits.
    config_digest: str


class _Wire(msgspec.Struct, frozen=True, array_like=True):
    """The layout of the bytes."""

    format: int
    code_version: str
    zone_data_version: str
    config_digest: bytes
    number: int
    candidate: list[Any]
    facts: list[Any]
    #: Pairs of channel and purpose, then for each message its pair and how many microseconds before now it was.
    pairs: list[tuple[str, Purpose]]
    recent: list[int]
    #: Every text of the answer and the results, which point here.
    texts: list[str]
    #: Verdict, gate, reason, channel, not before, not after, until, leave.
    answer: tuple[int, int, int, int, datetime | None, datetime | None, datetime | None, bool]
    #: Gate, channel, verdict, then what is not empty of: margin, not after, reason, until, otherwise.
    results: list[list[Any]]


class _Texts(dict[str, int]):
    """Numbers texts in the order in which they are first asked for; the empty one is 0."""

    def __init__(self) -> None:
        super().__init__({"": 0})

    def __missing__(self, text: str) -> int:
        self[text] = number = len(self)
        return number


_decoder = msgspec.msgpack.Decoder(_Wire)


def pack(decision: Decision, code_version: str, zone_data_version: str, config_digest: str) -> bytes:
    """The record of a decision, to be kept beside it; see `Record` for the versions.

    Raises ValueError when the digest is not written in pairs of hexadecimal digits.
    """
    facts = decision.facts
    head = (FORMAT, code_version, zone_data_version, bytes.fromhex(config_digest), decision.number)
    body = (_candidate_values(decision.candidate), _facts_values(facts), *_pack_recent(facts))
    for pack_result in (_with_texts, _bare):
        packed = _encoder.encode((*head, *body, *_pack_answer(decision, pack_result)))
        if len(packed) <= LIMIT:
            return packed
    return _encoder.encode((*head, *body, *_pack_answer(msgspec.structs.replace(decision, results=()), _bare)))


def unpack(record: bytes) -> Record:
    """The decision of a record. Raises BadRecord when it cannot be read."""
    try:
        wire = _decoder.decode(record)
        decision = _decision(wire) if wire.format == FORMAT else None
    except (ValueError, TypeError, IndexError, OverflowError) as error:  # msgspec's errors are ValueErrors
        raise BadRecord(f"the decision record cannot be read: {error}") from error
    if decision is None:
        raise BadRecord(f"the decision record has format {wire.format}; this version reads {FORMAT}")
    return Record(decision, wire.code_version, wire.zone_data_version, wire.config_digest.hex())


def rederive(record: bytes, policy: Policy, gates: Sequence[Gate]) -> Decision:
    """Take a recorded decision again from nothing but its own facts, under a policy and gates.

    Under the configuration, code and zone data of the record it gives the same decision. Raises BadRecord.
    """
    decision = unpack(record).decision
    return decide(decision.candidate, decision.facts, policy, gates, decision.number)


def _pack_recent(facts: Facts) -> tuple[list[tuple[str, Purpose]], list[int]]:
    pairs: dict[tuple[str, Purpose], int] = {}
    flat: list[int] = []
    for one in facts.recent:
        flat.append(pairs.setdefault((one.channel, one.purpose), len(pairs)))
        flat.append((facts.now - one.at) // MICROSECOND)
    return list(pairs), flat


def _pack_answer(
    decision: Decision, pack_result: Callable[[GateResult, _Texts], list[Any]]
) -> tuple[list[str], tuple[Any, ...], list[list[Any]]]:
    texts = _Texts()
    answer = (
        VERDICTS.index(decision.verdict),
        texts[decision.gate],
        texts[decision.reason],
        texts[decision.channel],
        decision.not_before,
        decision.not_after,
        decision.until,
        decision.leave,
    )
    results = [pack_result(result, texts) for result in decision.results]
    return list(texts), answer, results


def _with_texts(result: GateResult, texts: _Texts) -> list[Any]:
    judgment = result.judgment
    packed = [*_place(result, texts), texts[judgment.margin], judgment.not_after]
    if judgment.verdict is not GateVerdict.PASS:
        packed += (texts[judgment.reason], judgment.until, texts[judgment.otherwise])
    while not packed[-1] and len(packed) > PLACE:
        packed.pop()
    return packed


def _bare(result: GateResult, texts: _Texts) -> list[Any]:
    return _place(result, texts)


def _place(result: GateResult, texts: _Texts) -> list[Any]:
    return [texts[result.gate], texts[result.channel], ANSWERS.index(result.judgment.verdict)]


def _decision(wire: _Wire) -> Decision:
    verdict, gate, reason, channel, not_before, not_after, until, leave = wire.answer
    candidate = msgspec.convert(dict(zip(CANDIDATE, wire.candidate, strict=False)), Candidate)
    facts = msgspec.convert(dict(zip(FACTS, wire.facts, strict=False)), Facts)
    return Decision(
        candidate,
        msgspec.structs.replace(facts, recent=_unpack_recent(wire, facts.now)),
        VERDICTS[verdict],
        tuple(_unpack_result(wire, *result) for result in wire.results),
        wire.texts[gate],
        wire.texts[reason],
        wire.texts[channel],
        not_before,
        not_after,
        until,
        leave,
        wire.number,
    )


def _unpack_recent(wire: _Wire, now: datetime) -> tuple[Recent, ...]:
    flat = iter(wire.recent)
    return tuple(Recent(*wire.pairs[pair], now - ago * MICROSECOND) for pair, ago in zip(flat, flat, strict=True))


def _unpack_result(
    wire: _Wire,
    gate: int,
    channel: int,
    verdict: int,
    margin: int = 0,
    not_after: datetime | None = None,
    reason: int = 0,
    until: datetime | None = None,
    otherwise: int = 0,
) -> GateResult:
    texts = wire.texts
    judgment = Judgment(ANSWERS[verdict], texts[reason], texts[margin], until, not_after, texts[otherwise])
    return GateResult(texts[gate], texts[channel], judgment)
