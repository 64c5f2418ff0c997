"""Partials are put in when the configuration is built, by the locale chain, the market and the extension."""

from __future__ import annotations

import pytest
from content_folder import YAML, compiled, errors, mjml, warnings
from hypothesis import given, settings
from hypothesis import strategies as st

from outrider.content.template import TemplateSet, compile_templates

FOOT = "templates/_partials/foot"
GB = "templates/_partials/markets/gb/foot"
FILES = {
    "sms.en.j2": 'Hi {{ name }}\n{% include "foot" %}\nBye',
    "sms.fr.j2": "Salut\n{% include 'foot' %}",
    "email.en.mjml": mjml('<mj-text>Hi {{ name }}</mj-text>\n{% include "foot" %}'),
    "push.en.yaml": "title: a\nbody: 'x {% include \"foot\" %}'",
    f"{FOOT}.en.j2": "Text us, {{ name }}.\n",
    f"{FOOT}.en.mjml": "<mj-text>Write to us, {{ name }}.</mj-text>\n",
    f"{GB}.en.j2": "Ring us, {{ name }}.\n",
    f"{GB}.en.mjml": "<mj-text>Drop us a line, {{ name }}.</mj-text>\n",
}


@pytest.fixture(scope="module")
def templates() -> TemplateSet:
    return compiled(FILES)


@pytest.mark.parametrize(
    ("channel", "locale", "market", "text", "overlay"),
    [
        ("sms", "en", "FR", "Hi Anna\nText us, Anna.\nBye", None),
        ("sms", "en", "GB", "Hi Anna\nRing us, Anna.\nBye", "gb"),
        ("sms", "fr", "FR", "Salut\nText us, Anna.", None),
        ("sms", "fr", "GB", "Salut\nRing us, Anna.", "gb"),
        ("email", "en", "FR", "Hi Anna\n\nWrite to us, Anna.", None),
        ("email", "en", "GB", "Hi Anna\n\nDrop us a line, Anna.", "gb"),
        ("push", "en", "FR", "x Text us, Anna.", None),
        ("push", "en", "GB", "x Ring us, Anna.", "gb"),
    ],
)
def test_the_partial_of_the_channel_language_and_market_is_put_in(
    templates: TemplateSet, channel: str, locale: str, market: str, text: str, overlay: str | None
) -> None:
    rendered = templates.preview("t", channel, locale, market)
    assert (rendered.text, rendered.overlay) == (text, overlay)


def test_a_variant_for_a_market_is_no_language_of_its_own(templates: TemplateSet) -> None:
    assert templates.locales("t", "sms") == ("en", "fr")
    assert templates.variants("t", "sms") == ((None, "en"), (None, "fr"), ("gb", "en"), ("gb", "fr"))


def test_a_text_of_a_market_keeps_its_words_and_gets_the_partial_of_the_market() -> None:
    files = {
        "sms.en.j2": "a",
        "markets/gb/sms.en.j2": "b {% include 'foot' %}",
        f"{GB}.en.j2": "c",
        f"{FOOT}.en.j2": "d",
    }
    assert compiled(files).preview("t", "sms", "en", "GB").text == "b c"


def test_partials_may_hold_partials_and_html_serves_mjml() -> None:
    files = {
        "email.en.mjml": mjml("<mj-text>{% include 'outer' %}</mj-text>"),
        "templates/_partials/outer.en.html": "<p>1 {% include 'inner' %}</p>",
        "templates/_partials/inner.en.html": "{{ name }}",
    }
    assert compiled(files).preview("t", "email", "en", None).text == "1 Anna"


WITHOUT = "there is no partial 'foot': expected templates/_partials/foot.<locale>"


@pytest.mark.parametrize(
    ("files", "place", "message", "hint"),
    [
        (
            {"sms.en.j2": "a\n{% include 'fot' %}", f"{FOOT}.en.j2": "x"},
            "t/sms.en.j2:2:4",
            "no partial 'fot'",
            "'foot'",
        ),
        ({"sms.en.j2": "{% include 'foot' %}", f"{FOOT}.en.mjml": "x"}, "t/sms.en.j2:1:4", f"{WITHOUT}.j2", ""),
        ({"sms.en.j2": "{% include 'foot' %}", f"{FOOT}.fr.j2": "x"}, "t/sms.en.j2:1:4", "has no text for en", ""),
        ({"sms.en.j2": "{% include name %}"}, "t/sms.en.j2:1:4", "expected the name of a partial in quotes", ""),
        (
            {"sms.en.j2": "{% include 'foot' %}", f"{FOOT}.en.j2": "x\n {{ nobody }}"},
            "_partials/foot.en.j2:2:5",
            "'nobody' is not declared",
            "declare it in templates/t/template.yaml",
        ),
        (
            {"sms.en.j2": "{% include 'foot' %}", f"{FOOT}.en.j2": "{% include 'foot' %}"},
            "_partials/foot.en.j2:1:4",
            "the partial 'foot' includes itself: foot → foot",
            "",
        ),
        (
            {"email.en.mjml": mjml("{% include 'foot' %}"), f"{FOOT}.en.mjml": "\n<mj-txt>x</mj-txt>"},
            "_partials/foot.en.mjml:2:2",
            "unknown tag 'mj-txt'",
            "'mj-text'",
        ),
        (
            {"sms.en.j2": "{% include 'foot' %}", f"{FOOT}.en.j2": "x", f"{GB}.en.j2": "{{ nobody }}"},
            "_partials/markets/gb/foot.en.j2:1:4",
            "'nobody' is not declared",
            "",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(files: dict[str, str], place: str, message: str, hint: str) -> None:
    found = errors(files)
    assert [f"{each.file}:{each.line}:{each.column}" for each in found] == [f"templates/{place}"]
    assert message in found[0].message
    assert hint in found[0].hint


def test_a_partial_nobody_includes_and_a_file_nobody_reads_are_warned_about() -> None:
    found = warnings({"sms.en.j2": "a", f"{FOOT}.en.j2": "x", "templates/_partials/foot.txt": "x"})
    assert [(each.file.rpartition("/")[2], each.severity, each.message) for each in found] == [
        ("foot.en.j2", "warning", "no template includes the partial 'foot'"),
        ("foot.txt", "warning", "this file is not read"),
    ]


LOCALES = st.sampled_from(["en", "en-GB", "fr", "fr-CA"])


@given(st.sets(LOCALES), st.sets(LOCALES), LOCALES, st.sampled_from([None, "GB", "FR"]))
@settings(max_examples=80)
def test_the_nearest_locale_wins_and_within_it_the_market(
    general: set[str], overlays: set[str], wanted: str, market: str | None
) -> None:
    files = {f"sms.{each}.j2": each for each in general | {"en"}}
    files |= {f"markets/gb/sms.{each}.j2": f"{each} gb" for each in overlays}
    text = compiled(files).render("t", "sms", wanted, market, {}).text
    chain = [each for each in (wanted, wanted.split("-")[0], "en") if each in general | {"en"} | overlays]
    candidates = [
        found
        for each in chain
        for found in ([f"{each} gb"] if market == "GB" and each in overlays else [])
        + ([each] if each in general | {"en"} else [])
    ]
    assert text == candidates[0]


def test_a_template_cannot_be_called_like_the_folder_of_partials() -> None:
    templates, problems = compile_templates({"templates/_partials/template.yaml": YAML})
    assert (templates.names, len(problems)) == (frozenset(), 1)
