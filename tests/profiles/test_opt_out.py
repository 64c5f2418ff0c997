"""STOP and START are heard where a person means them, and nowhere else."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.domain.policy import MarketRules, OptOutWords
from outrider.lib.discover import plugins
from outrider.profiles.opt_out import Heard, Wish, folded, heard_in, words_for

PACKS: dict[str, MarketRules] = {pack.code: pack for pack in plugins("outrider.markets", "MARKET").values()}
EVERY = tuple(dict.fromkeys(row for pack in PACKS.values() for row in pack.opt_out))
STOPS = sorted({word for row in EVERY for word in row.stop})
STARTS = sorted({word for row in EVERY for word in row.start})
FRENCH = PACKS["FR"].opt_out


def wish(text: str, code: str = "FR") -> Wish | None:
    heard = heard_in(text, PACKS[code].opt_out)
    return heard.wish if heard else None


@pytest.mark.parametrize(
    "text",
    [
        *("STOP", "stop", " Stop. ", "«STOP»", "“stop”!", "stop pub", "STOP 36034", "stop svp", "STOP\n\nEnvoyé"),
        *(
            "arret",
            "ARRÊT",
            "arre\u0302t",
            "Arrêt !",
            "ＳＴＯＰ",
            "stop…",
            "S.T.O.P.",
            "s t o p",
            "opt-out",
            "Opt out please",
        ),
        *("Opt out please", "désinscrire", "DESINSCRIRE", "stop-pub", "🛑 stop", "unsubscribe me", "stopper"),
    ],
)
def test_a_french_stop_in_every_dress(text: str) -> None:
    assert wish(text) is Wish.STOP


@pytest.mark.parametrize(
    "text",
    [
        *("je ne peux pas m'arrêter", "don't stop", "please STOP", "stopwatch", "arretez", "l'arrêt de bus", "nonstop"),
        *("", "   ", "?!", "🛑", "START now", "restart", "I start tomorrow", "36034", "merci"),
    ],
)
def test_a_word_inside_a_sentence_or_another_word_is_none(text: str) -> None:
    assert wish(text) is None


@pytest.mark.parametrize("code", sorted(PACKS))
@pytest.mark.parametrize(
    "text",
    [
        "CANCEL",
        "cancel my booking",
        "Annuler",
        "FIN",
        "END",
        "end of rental?",
        "CANCELAR",
        "Cancella",
        "ANNULLA",
        "fim",
    ],
)
def test_what_may_mean_the_booking_is_no_wish_in_any_market(code: str, text: str) -> None:
    assert wish(text, code) is None


@pytest.mark.parametrize(
    ("code", "text"),
    [("ES", "Baja"), ("ES", "PARAR por favor"), ("PT", "sair"), ("DE", "Stopp!"), ("IT", "Basta"), ("GB", "quit")],
)
def test_each_market_has_its_own_words(code: str, text: str) -> None:
    assert wish(text, code) is Wish.STOP
    assert wish(text, "FR") is None


@pytest.mark.parametrize(("text", "expected"), [("START", Wish.START), ("“start”.", Wish.START), ("Start pub", None)])
def test_start_counts_as_the_whole_message_only(text: str, expected: Wish | None) -> None:
    assert wish(text) is expected


def test_what_is_kept_is_the_packs_word_and_never_the_persons_text() -> None:
    assert heard_in("arret! my number is 12", FRENCH) == Heard(Wish.STOP, "ARRÊT")
    assert heard_in("stopall", FRENCH) == Heard(Wish.STOP, "STOPALL")


def test_whoever_writes_both_is_left_alone() -> None:
    assert heard_in("stop", [OptOutWords("xx", ("STOP",), ("STOP",))]) == Heard(Wish.STOP, "STOP")


def test_a_person_is_also_understood_in_their_own_language() -> None:
    words = words_for(PACKS["FR"], "es-MX", PACKS.values())
    assert heard_in("baja", words) == Heard(Wish.STOP, "BAJA")
    assert heard_in("arrêt", words) == Heard(Wish.STOP, "ARRÊT")
    assert heard_in("baja", words_for(PACKS["FR"], None, PACKS.values())) is None


@given(
    st.sampled_from(STOPS),
    st.sampled_from(("NFC", "NFD", "NFKC", "NFKD")),
    st.sampled_from((str.lower, str.upper, str.title)),
    st.text(st.characters(categories=("P", "Z")), max_size=4),
    st.sampled_from(("", " svp", " 36034", "\n", "!", ", bitte")),
)
def test_case_accents_punctuation_and_what_follows_change_nothing(
    word: str, form: Any, case: Callable[[str], str], around: str, after: str
) -> None:
    text = f"{around}{unicodedata.normalize(form, case(word))}{after}{around}"
    heard = heard_in(text, EVERY)
    assert heard is not None
    assert heard.wish is Wish.STOP


@given(st.sampled_from(STARTS), st.text(st.characters(categories=("P", "Z")), max_size=3))
def test_a_start_word_alone_is_heard(word: str, around: str) -> None:
    heard = heard_in(around + word.lower() + around, EVERY)
    assert heard is not None
    assert heard.wish is Wish.START


@given(st.text(), st.sampled_from(STOPS))
def test_a_message_whose_first_word_is_another_is_no_stop(text: str, word: str) -> None:
    said = folded(text)
    if said and len("".join(said)) > 12 and not any(said[: len(folded(one))] == folded(one) for one in STOPS):
        assert heard_in(f"{text} {word}", EVERY) is None


@given(st.text())
def test_any_text_is_read_the_same_way_twice_and_folding_is_stable(text: str) -> None:
    assert heard_in(text, EVERY) == heard_in(text, EVERY)
    assert folded(" ".join(folded(text))) == folded(text)
