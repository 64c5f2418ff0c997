"""The ledger keeps what was accepted and counts it by attempt and by message."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.sandbox.counterpart import Taken
from outrider.sandbox.ledger import Ledger, Line, Summary, message_of, read_ledger, summarize

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)


def taken(identifier: str = "SM1", echo: str = "msg_1.1") -> Taken:
    return Taken(identifier, "AC1", "+33612345678", "Drive", "Réservé\nligne 2", echo, "", AT)


def line(echo: str, provider: str = "twilio", to: str = "+33612345678") -> Line:
    return Line(AT.timestamp(), provider, "AC1", "SM1", to, "text", echo)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.ndjson"


def test_what_is_added_reaches_the_file_with_the_flush_and_not_before(file: Path) -> None:
    ledger = Ledger(file)
    ledger.add("twilio", taken("SM1"))
    ledger.add("smsmode", taken("SM2"), ("reset_after",))
    assert file.read_bytes() == b""
    ledger.flush()
    first, second = read_ledger(file)
    ledger.close()
    assert (first.provider, first.id, first.text, first.did) == ("twilio", "SM1", "Réservé\nligne 2", ())
    assert (second.provider, second.id, second.did) == ("smsmode", "SM2", ("reset_after",))
    assert first.at == AT.timestamp()


def test_closing_writes_the_rest_and_opening_again_appends(file: Path) -> None:
    for identifier in ("SM1", "SM2"):
        ledger = Ledger(file)
        ledger.add("twilio", taken(identifier))
        ledger.close()
    assert [one.id for one in read_ledger(file)] == ["SM1", "SM2"]


def test_a_run_and_a_reset_count_from_their_own_beginning(file: Path) -> None:
    for _ in range(2):
        ledger = Ledger(file)
        ledger.add("twilio", taken())
        ledger.flush()
        assert len(list(read_ledger(file, ledger.start))) == ledger.accepted == 1
        ledger.begin_anew()
        assert list(read_ledger(file, ledger.start)) == []
        assert ledger.accepted == 0
        ledger.close()
    assert len(list(read_ledger(file))) == 2


def test_a_line_cut_off_by_a_crash_is_left_out(file: Path) -> None:
    ledger = Ledger(file)
    ledger.add("twilio", taken())
    ledger.close()
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:40])
    assert len(list(read_ledger(file))) == 1


def test_a_folder_that_is_not_there_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Ledger(tmp_path / "nowhere" / "ledger.ndjson")


@pytest.mark.parametrize(
    ("lines", "summary"),
    [
        pytest.param([], Summary(0, {}, {}, {}, 0), id="empty"),
        pytest.param([line("m.1"), line("n.1")], Summary(2, {"twilio": 2}, {}, {}, 0), id="two messages"),
        pytest.param(
            [line("m.1", to="phone"), line("m.1", to="tablet")],
            Summary(2, {"twilio": 2}, {}, {}, 0),
            id="two devices of a person",
        ),
        pytest.param(
            [line("m.1", to="phone"), line("m.1", to="tablet"), line("m.2", to="phone")],
            Summary(3, {"twilio": 3}, {}, {"m": 2}, 0),
            id="one of two devices twice",
        ),
        pytest.param(
            [line("m.1"), line("m.1")], Summary(2, {"twilio": 2}, {"m.1": 2}, {"m": 2}, 0), id="an attempt twice"
        ),
        pytest.param(
            [line("m.1"), line("m.2", "smsmode")],
            Summary(2, {"twilio": 1, "smsmode": 1}, {}, {"m": 2}, 0),
            id="a message by two attempts at two providers",
        ),
        pytest.param([line(""), line("")], Summary(2, {"twilio": 2}, {}, {}, 2), id="without an echo"),
    ],
)
def test_a_summary_counts(lines: list[Line], summary: Summary) -> None:
    assert summarize(iter(lines)) == summary


@pytest.mark.parametrize(("echo", "message"), [("msg_1.2", "msg_1"), ("msg_1", "msg_1"), ("a.b.10", "a.b")])
def test_the_message_stands_before_the_last_dot(echo: str, message: str) -> None:
    assert message_of(echo) == message


@given(st.lists(st.sampled_from(["a.1", "a.2", "b.1", ""])))
def test_nothing_is_lost_in_a_summary(echoes: list[str]) -> None:
    counted = summarize(line(echo) for echo in echoes)
    assert counted.accepted == len(echoes)
    once = len(set(echoes) - {""} - counted.repeated_attempts.keys())
    assert counted.accepted == once + sum(counted.repeated_attempts.values()) + counted.without_echo
