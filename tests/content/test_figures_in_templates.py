"""Templates write numbers, money, dates and weekdays by the habits of locale and market, within the segment budget."""

from __future__ import annotations

import msgspec
import pytest
from content_folder import compiled, errors, folder, mjml

from outrider.content.rendering import RenderError, homes
from outrider.content.template import compile_templates
from outrider.plugged import shipped

YAML = """\
transliterate: POLICY
segments: 1
variables:
  total: {type: number, example: 12.5, largest: 9999}
  currency: {type: string, example: EUR}
  at: {type: datetime, example: "2026-07-01T14:05:00Z"}
  there: {type: string, example: Atlantic/Canary}
"""
VALUES = {"total": 1234.5, "currency": "EUR", "at": "2026-07-01T14:05:00Z", "zone": "Europe/Paris"}


def yaml(*names: str, policy: str = "transliterate", segments: int = 1) -> str:
    """The declaration with these variables only."""
    lines = YAML.replace("POLICY", policy).replace("segments: 1", f"segments: {segments}").splitlines()
    kept = [line for line in lines if not line.startswith("  ") or line.split(":")[0].strip() in names]
    return "\n".join(kept) + "\n"


@pytest.mark.parametrize(
    ("locale", "market", "expected"),
    [
        ("fr", "FR", "1 234,50 € / 1 234,5 / mercredi 01/07 16h05"),
        ("en", "GB", "€1,234.50 / 1,234.5 / Wednesday 01/07 16:05"),
        ("fr", "GB", "1 234,50 € / 1 234,5 / mercredi 01/07 16h05"),
    ],
)
def test_an_sms_writes_as_people_of_the_locale_in_the_market_do(locale: str, market: str, expected: str) -> None:
    text = '{{ total|money(currency) }} / {{ total|number }} / {{ at|weekday }} {{ at|date("day") }} {{ at|time }}'
    templates = compiled({"sms.fr.j2": text, "sms.en.j2": text}, yaml("total", "currency", "at"))
    assert templates.render("t", "sms", locale, market, VALUES).text == expected


def test_an_email_and_a_push_keep_the_spaces_that_do_not_break() -> None:
    files = {
        "push.fr.yaml": "title: Total\nbody: '{{ total|money(currency) }}'",
        "email.fr.mjml": mjml("<mj-text>{{ total|money(currency) }}</mj-text>"),
    }
    files |= {name.replace(".fr.", ".en."): text for name, text in files.items()}
    templates = compiled(files, yaml("total", "currency"))
    assert templates.render("t", "push", "fr", "FR", VALUES).text == "1\u202f234,50\u00a0€"
    assert "1\u202f234,50\u00a0€" in templates.render("t", "email", "fr", "FR", VALUES).body.html


def test_a_text_may_name_another_zone_than_the_persons() -> None:
    text = "{{ at|time(zone=there) }} {{ at|date(zone=there) }} {{ at|weekday('short', zone=there) }} {{ at|time }}"
    templates = compiled({"sms.en.j2": text}, yaml("at", "there"))
    context = {**VALUES, "there": "Pacific/Auckland"}
    assert templates.render("t", "sms", "en", "GB", context).text == "02:05 02/07/2026 Thu 16:05"
    assert templates.variables("t") == {"at", "there", "zone"}


def test_a_zone_that_is_named_and_has_no_value_is_a_failure_and_never_the_persons() -> None:
    templates = compiled({"sms.en.j2": "{{ at|time(zone=there) }}"}, yaml("at", "there"))
    with pytest.raises(RenderError, match="no `zone`"):
        templates.render("t", "sms", "en", "GB", VALUES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ total|money }}", 'such as money("EUR")'),
        ("{{ total|money('€') }}", "ISO 4217"),
        ("{{ currency|number }}", "expected a number such as 128.40, got 3 other characters"),
        ("{{ at|date('medium') }}", "expected short, day, long, full"),
        ("{{ at|time(zone='Mars/Base') }}", "unknown time zone 'Mars/Base'"),
        ("{{ total|number(decimals=99) }}", "expected 0 to 10 decimals"),
        ("{{ total|number(places=2) }}", "expected number, or number(2) for two decimals"),
        ("{{ at|time('UTC') }}", "expected time or time(zone=…)"),
        ("{{ at|date(style='day', place=1) }}", "perhaps with zone=…"),
    ],
)
def test_check_tells_what_cannot_be_written_where_it_stands(text: str, message: str) -> None:
    (problem,) = errors({"sms.en.j2": f"Hi {text}"}, yaml("total", "currency", "at"))
    assert message in problem.message
    assert (problem.line, problem.column) == (1, 7)


@pytest.mark.parametrize("name", ["formal", "zone", "locale", "market"])
def test_what_is_always_there_cannot_be_declared(name: str) -> None:
    found = errors({"sms.en.j2": "Hi"}, f"variables: {{{name}: {{type: string, example: x}}}}")
    assert any("is always there" in problem.message for problem in found)


def test_a_text_may_ask_how_people_are_spoken_to() -> None:
    text = "{% if formal %}Ihr{% else %}Dein{% endif %} Auto"
    files = folder({"sms.de.j2": text, "sms.en.j2": "x"}, "variables: {}\n")
    templates, problems = compile_templates(files, markets=shipped().markets)
    assert problems == []
    assert templates.render("t", "sms", "de", "DE", {}).text == "Ihr Auto"
    assert templates.render("t", "sms", "en", "GB", {}).text == "x"
    assert templates.variables("t") == frozenset()


def filled(text: str, length: int) -> str:
    """A text of so many characters with the given end."""
    return "x" * (length - len(text)) + text


@pytest.mark.parametrize(
    ("block", "widest", "policy"),
    [
        ("{{ at|weekday }}", "Wednesday", "transliterate"),
        ('{{ at|date("long") }}', "20 September 2026", "transliterate"),
        # In Great Britain €9,999.00; an English text in France needs one more.
        ("{{ total|money(currency) }}", "9 999,00 €", "strict"),
    ],
)
def test_the_budget_counts_the_longest_name_and_the_largest_amount(block: str, widest: str, policy: str) -> None:
    room = 160 - len(widest) - widest.count("€")
    declared = yaml("at", "total", "currency", policy=policy)
    assert errors({"sms.en.j2": "x" * room + block}, declared) == []
    (problem, *_) = errors({"sms.en.j2": "x" * (room + 1) + block}, declared)
    assert "2 segments with the longest values" in problem.message


def test_under_strict_and_unicode_the_month_that_gsm_7_lacks_is_found() -> None:
    files = {"sms.fr.j2": "x" * 80 + '{{ at|date("long") }}', "sms.en.j2": "x"}
    (strict,) = errors(files, yaml("at", policy="strict"))
    assert "U+00FB" in strict.message
    (problem, *_) = errors(files, yaml("at", policy="unicode"))
    assert "août" in problem.message
    assert errors(files, yaml("at", policy="transliterate")) == []


def test_a_preview_with_the_longest_values_keeps_an_example_that_is_as_long() -> None:
    templates = compiled({"sms.en.j2": "{{ at|date }} {{ at|weekday }}"}, yaml("at"))
    assert templates.preview("t", "sms", "en", "GB", longest=True).text == "01/07/2026 Wednesday"


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("{type: string, example: x, largest: 3}", "for a variable of type integer or number"),
        ("{type: integer, example: 3, largest: 3.5}", "expected a whole number"),
        ("{type: number, example: 3, largest: .inf}", "expected a number"),
        ("{type: number, example: 3, largest: many}", "expected a number"),
        ("{type: number, example: 3, longest: 3}", "for a variable of type string"),
    ],
)
def test_the_largest_value_is_a_number_of_the_declared_type(variable: str, message: str) -> None:
    found = errors({"sms.en.j2": "Hi"}, f"variables: {{v: {variable}}}")
    assert any(message in problem.message for problem in found)


def test_a_language_is_at_home_where_it_needs_no_region() -> None:
    packs = dict(shipped().markets)
    known = {language: pack.code for language, pack in homes(packs.values()).items()}
    assert known == {"de": "DE", "en": "GB", "es": "ES", "fr": "FR", "it": "IT", "pt": "PT"}
    packs["AT"] = msgspec.structs.replace(packs["DE"], code="AT", locales=("de-AT", "de"))
    packs["ZZ"] = msgspec.structs.replace(packs["FR"], code="ZZ", locales=("fr",))
    assert {language: pack.code for language, pack in homes(packs.values()).items()} == known
