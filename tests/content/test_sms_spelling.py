"""Transliteration loses accents, never meaning, and never invents a question mark."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.content.gsm7 import ALL_GSM, ALPHABET
from outrider.content.sms import count, transliterate
from outrider.content.spelling import SPELLINGS, TABLE, replacements, spelled

CAR = "\U0001f697"
MIXED = st.text(
    st.sampled_from([*"aeE ,.\n12°nl", "ê", "\u0301", "\u200d", "\ufe0f", CAR, "❤", "✅", "½", "²", "³", "я", "’", "·"])
)
ADDRESSES = st.builds("{} https://{}/{}".format, MIXED, st.text("abê", max_size=4), MIXED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ç â ê î ô û ë ï", "c a e i o u e i"),
        ("À È Ù Á Í Ó Ú Ã Õ", "A E U A I O U A O"),
        ("á í ó ú ã õ ÿ", "a i o u a o y"),
        ("œuf ŒUVRE", "oeuf OEUVRE"),
        ("Łódź, Đà Nẵng, Þór, ŋ", "Lodz, Dà Nang, Thor, ng"),
        ("«oui» ‹non› “a” „b‟ ‘c’ ‚d‛", "\"oui\" 'non' \"a\" \"b\" 'c' 'd'"),
        ("a‐b‑c‒d–e—f―g−h", "a-b-c-d-e-f-g-h"),
        ("• un\n· deux", "- un\n- deux"),
        ("suite…", "suite..."),
        ("5\u00a0km\u202f!\t.", "5 km ! ."),
        ("a\u200bb\u2060c\ufeffd\u180ee\u00adf", "abcdef"),
        ("a\u2028b\u2029c\vd", "a\nb\nc\nd"),
        ("´ ` ′ ″", "' ' ' \""),
        ("3 × 4 ± 1 ≤ 9 ≠ 8", "3 x 4 +/- 1 <= 9 != 8"),
        ("A → B ⇒ C ← D", "A -> B => C <- D"),
        ("X™ Y® Z© №", "X(TM) Y(R) Z(C) No"),
        ("ﬁn ㎏ ⅷ １２ Ｋ", "fin kg viii 12 K"),
        ("① ❷ 5①", "(1) (2) 5(1)"),
        ("\u212a \u212b \u2126", "K Å Ω"),
        ("ǟ ǿ ȫ ấ ậ", "ä ø ö a a"),
        ("ẞ ß", "SS ß"),
        ("100 ₽, 5 ₹, 20 ¢, 10 €", "100 RUB, 5 INR, 20 c, 10 €"),
        ("µm", "um"),
        ("ΑΒΓ ΜΟΤΟΡ", "ABΓ MOTOP"),
        ("✅ OK ✗ 🙂 ❤️ ⚠️", "OK OK X :-) <3 !"),
    ],
)
def test_what_is_written_instead(text: str, expected: str) -> None:
    assert transliterate(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10²", "10^2"),
        ("m² et m³", "m2 et m3"),
        ("10²³ et 10⁻³", "10^23 et 10^-3"),
        ("H₂O", "H2O"),
        ("2½ ou ½", "2 1/2 ou 1/2"),
        ("20°C, n°5, N° 6", "20degC, no5, No 6"),
        ("1ᵉʳ, 2º, 3ª", "1er, 2o, 3a"),
        ("col·legi, coŀlegi, a·b", "col.legi, col.legi, a-b"),
        ("5½²", "5 1/2^2"),
    ],
)
def test_neighbors_are_heeded_where_they_would_change_the_meaning(text: str, expected: str) -> None:
    assert transliterate(text) == expected


@pytest.mark.parametrize(
    "text", ["Привет", "مرحبا", "日本語", "שלום", "한국어", "नमस्ते", "می\u200cخواهم", "Й и\u0306", "\u05d0\u05b8"]
)
def test_a_foreign_script_stays_as_it_is(text: str) -> None:
    assert transliterate(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e\u0301 a\u0300 c\u0327 e\u0302 n\u0303", "é à c e ñ"),
        ("1\ufe0f\u20e3 premier", "1 premier"),
        ("\u0301abc", "abc"),
        ("a\u200d\u0302b", "ab"),
    ],
)
def test_combining_characters_join_the_letter_before_them(text: str, expected: str) -> None:
    assert transliterate(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Hi {CAR}", "Hi"),
        (f"{CAR} Hi", "Hi"),
        (f"Your car {CAR} is here", "Your car is here"),
        (f"Your car{CAR}is here", "Your caris here"),
        (f"a {CAR}{CAR} {CAR} b", "a b"),
        (f"a {CAR}\n{CAR} b", "a\nb"),
        (f"Ready {CAR}.", "Ready."),
        (f"Ready {CAR} !", "Ready !"),
        ("\U0001f1eb\U0001f1f7 Paris", "Paris"),
        ("ok \U0001f44d\U0001f3fd!", "ok !"),
        ("\U0001f469\u200d\U0001f680 go", "go"),
    ],
)
def test_pictures_are_left_out_with_the_space_they_stood_in(text: str, expected: str) -> None:
    assert transliterate(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("«https://a.fr/é/ê?q=ç»", '"https://a.fr/é/%C3%AA?q=%C3%A7"'),
        (f"https://a.fr/{CAR} {CAR}", "https://a.fr/%F0%9F%9A%97"),
        ("https://a.fr/x… suite", "https://a.fr/x... suite"),
        ("https://forêt.fr/forêt", "https://forêt.fr/for%C3%AAt"),
        ("https://a.fr/я я", "https://a.fr/%D1%8F я"),
    ],
)
def test_a_web_address_keeps_leading_to_the_same_place(text: str, expected: str) -> None:
    assert transliterate(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("’", "'"),
        ("…", "..."),
        ("\u200b", ""),
        ("ê", "e"),
        ("œ", "oe"),
        (CAR, None),
        ("я", None),
        ("\u2764", "<3"),
        ("\x00", ""),
        ("\x1b", ""),
        ("\x7f", ""),
    ],
)
def test_the_replacement_of_one_character(text: str, expected: str | None) -> None:
    assert list(replacements(text)) == [(0, text, expected)]


def test_a_mark_on_a_foreign_letter_has_no_replacement_and_on_a_plain_one_an_empty_one() -> None:
    assert [each[2] for each in replacements("я\u0301")] == [None, None]
    assert [each[2] for each in replacements("x\u0301")] == [""]


def test_no_character_stands_twice_in_the_table_and_all_replacements_are_gsm() -> None:
    assert len("".join(SPELLINGS.values())) == len(set("".join(SPELLINGS.values())))
    assert all(ALL_GSM.fullmatch(written) for written in TABLE.values())
    assert not set(TABLE) & ALPHABET


def test_every_replacement_in_unicode_is_gsm_and_no_question_mark_is_invented() -> None:
    for char in map(chr, [*range(0xD800), *range(0xE000, 0x20000)]):
        written = spelled(char)
        if written is not None:
            assert ALL_GSM.fullmatch(written)
            assert "?" not in written or "?" in unicodedata.normalize("NFKD", char)


def test_every_latin_letter_with_an_accent_is_replaceable() -> None:
    for char in map(chr, range(0xC0, 0x180)):
        assert spelled(char) is not None or char == "ĸ", char


@given(st.text(st.sampled_from(sorted(ALPHABET))))
def test_a_gsm_text_comes_back_as_it_is(text: str) -> None:
    assert transliterate(text) == text


@given(st.one_of(st.text(), MIXED, ADDRESSES))
def test_doing_it_twice_changes_nothing_more(text: str) -> None:
    once = transliterate(text)
    assert transliterate(once) == once


@given(st.one_of(st.text(), MIXED, ADDRESSES))
def test_no_question_mark_is_added(text: str) -> None:
    assert transliterate(text).count("?") <= unicodedata.normalize("NFKD", text).count("?")


@given(st.one_of(st.text(), MIXED))
def test_only_what_has_no_replacement_stays_an_offender(text: str) -> None:
    hopeless = {char for _, char, replacement in replacements(text) if replacement is None}
    assert {offender.char for offender in count(transliterate(text)).offenders} <= hopeless


@given(st.one_of(st.text(), MIXED, ADDRESSES))
def test_writing_the_replacements_makes_a_text_gsm_when_each_offender_has_one(text: str) -> None:
    offenders = count(text).offenders
    if all(offender.replacement is not None for offender in offenders):
        instead = {offender.index: offender.replacement or "" for offender in offenders}
        assert count("".join(instead.get(i, char) for i, char in enumerate(text))).encoding == "GSM-7"
