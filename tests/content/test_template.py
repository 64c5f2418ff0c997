"""Templates compile with precise problems and render the best text for a locale and a market."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.content.declaration import Policy
from outrider.content.rendering import locale_chain
from outrider.content.sms import Count, count
from outrider.content.template import RenderError, TemplateSet, compile_templates
from outrider.domain.problem import Problem, show

CAR = "\U0001f697"
YAML = """\
purpose: transactional
languages: [fr, en]
transliterate: transliterate
variables:
  booking.spot: {type: string, example: "B12", longest: 20}
  booking.starts_at: {type: datetime, example: "2026-12-24T14:05:00+01:00"}
"""
FR = "Place {{ booking.spot }}, départ le {{ booking.starts_at|date }} à {{ booking.starts_at|time }}\n"
EN = "Spot {{ booking.spot }}, {{ booking.starts_at|datetime }}\n"
FILES = {
    "templates/car/template.yaml": YAML,
    "templates/car/sms.fr.j2": FR,
    "templates/car/sms.en.j2": EN,
    "templates/car/sms.fr-CA.j2": "Espace {{ booking.spot }}\n",
    "templates/car/markets/gb/sms.en.j2": "Bay {{ booking.spot }}\n",
    "templates/car/markets/us/sms.fr.j2": "Stationnement {{ booking.spot }}\n",
}
CONTEXT = {"booking": {"spot": "B12", "starts_at": "2026-12-24T13:05:00Z"}, "zone": "Europe/Paris"}


def one(text: str, yaml: str = "", more: Mapping[str, str] | None = None) -> tuple[TemplateSet, list[Problem]]:
    """A set of one template `t` with one English text."""
    files = {"templates/t/template.yaml": yaml or "variables: {}", "templates/t/sms.en.j2": text}
    return compile_templates(files | dict(more or {}))


def compiled(text: str, **values: Any) -> TemplateSet:
    """A template whose variables are declared as the given texts, numbers or lists are."""
    types = {str: "string", int: "integer", list: "list", bool: "boolean", float: "number"}
    lines = [
        f"  {path.replace('__', '.')}: {{type: {types[type(v)]}, example: {shown(v)}}}" for path, v in values.items()
    ]
    templates, problems = one(text, "variables:\n" + "\n".join(lines) if lines else "")
    assert [problem for problem in problems if problem.is_error] == []
    return templates


def shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


@pytest.fixture(scope="module")
def templates() -> TemplateSet:
    compiled, problems = compile_templates(FILES)
    assert problems == []
    return compiled


@pytest.mark.parametrize(
    ("locale", "market", "text", "used", "overlay"),
    [
        ("fr", "FR", "Place B12, départ le 24/12/2026 à 14:05", "fr", None),
        ("fr-FR", None, "Place B12, départ le 24/12/2026 à 14:05", "fr", None),
        ("fr-CH", "CH", "Place B12, départ le 24.12.2026 à 14:05", "fr", None),
        ("fr-CA", "CA", "Espace B12", "fr-CA", None),
        ("fr_ca", "US", "Espace B12", "fr-CA", None),
        ("fr", "US", "Stationnement B12", "fr", "us"),
        ("fr-BE", "us", "Stationnement B12", "fr", "us"),
        ("en-GB", "GB", "Bay B12", "en", "gb"),
        ("en-US", "US", "Spot B12, 12/24/2026 2:05 PM", "en", None),
        ("de-DE", "DE", "Spot B12, 24/12/2026 14:05", "en", None),
        ("de-DE", "GB", "Bay B12", "en", "gb"),
        ("", None, "Spot B12, 24/12/2026 14:05", "en", None),
    ],
)
def test_the_nearest_locale_is_used_and_the_market_wins_within_it(
    templates: TemplateSet, locale: str, market: str | None, text: str, used: str, overlay: str | None
) -> None:
    rendered = templates.render("car", "sms", locale, market, CONTEXT)
    assert (rendered.text, rendered.locale, rendered.overlay) == (text, used, overlay)
    assert rendered.count == count(text)


def test_the_set_knows_its_templates_channels_and_variables(templates: TemplateSet) -> None:
    assert templates.names == {"car"}
    assert templates.channels("car") == {"sms"}
    assert templates.variables("car") == {"booking.spot", "booking.starts_at", "zone"}
    assert templates.declaration("car").policy is Policy.TRANSLITERATE


def test_variables_leave_out_what_the_renderer_puts_in_and_the_zone_when_no_date_is_written() -> None:
    assert compiled("{{ a }} {{ locale }} {{ market }}", a="x").variables("t") == {"a"}


def test_locale_and_market_can_be_written() -> None:
    assert compiled("{{ locale }} {{ market }}").render("t", "sms", "en-GB", "GB", {}).text == "en-GB GB"


@pytest.mark.parametrize(
    ("wanted", "fallback", "chain"),
    [
        ("fr-CA", "en", ["fr-ca", "fr", "en"]),
        ("zh-Hant-TW", "en-GB", ["zh-hant-tw", "zh-hant", "zh", "en-gb", "en"]),
        ("en_GB", "en", ["en-gb", "en"]),
        ("", "fr", ["fr"]),
    ],
)
def test_the_locale_chain_goes_from_special_to_general(wanted: str, fallback: str, chain: list[str]) -> None:
    assert list(locale_chain(wanted, fallback)) == chain


@pytest.mark.parametrize(
    ("source", "values", "text"),
    [
        ("Hi {{ a }}", {"a": "x"}, "Hi x"),
        ("{{ n }} + {{ f }}", {"n": 2, "f": 1.5}, "2 + 1.5"),
        ("a\n{% if b %}\nb\n{% endif %}\nc\n", {"b": True}, "a\nb\nc"),
        ("  {% if b %}\nb\n  {% endif %}\nc", {"b": False}, "c"),
        ("{% for x in l %}- {{ x }}\n{% endfor %}", {"l": ["a", "b"]}, "- a\n- b\n"),
        ("{{ l|join(', ') }}", {"l": ["a", "b"]}, "a, b"),
        ("{{ a|upper }} <&> {{ a }}", {"a": "<b>"}, "<B> <&> <b>"),
        ("{% if a is defined %}{{ a }}{% endif %}!", {"a": "x"}, "x!"),
        ("a\r\nb", {}, "a\nb"),
        ("two\n\n", {}, "two\n"),
    ],
)
def test_the_syntax_of_templates(source: str, values: dict[str, Any], text: str) -> None:
    assert compiled(source, **values).render("t", "sms", "en", None, values).text == text


@pytest.mark.parametrize(
    ("source", "context", "line", "column", "message"),
    [
        ("Hi\n{{ a }}", {}, 2, 4, "'a' is undefined"),
        ("ê {{ g.b }}", {"g": {}}, 1, 6, "'g.b' is undefined"),
        ("Hi\n{{ a }}", {"a": None}, 2, 4, "'a': the value is null"),
        ("Hi {{ a }}\n{{ a }}", {"a": True}, 1, 7, "'a': a truth value cannot be written"),
        ("{{ a }}", {"a": ["x"]}, 1, 4, "'a': a list cannot be written"),
        ("{{ a }}", {"a": {"b": 1}}, 1, 4, "'a': a group of values cannot be written"),
        ("{{ a }}", {"a": b"x"}, 1, 4, "cannot be written"),
        (
            "{% if a %}\n{{ a }} {{ d|date }}\n{% endif %}",
            {"a": "x", "d": "secret", "zone": "UTC"},
            2,
            12,
            "'d|date': expected",
        ),
        ("{{ a }}{{ d|time }}", {"a": "x", "d": "2026-12-24T14:05:00Z"}, 1, 11, "'d|time': the context has no `zone`"),
        ("{% for x in range(n) %}{{ x }}{% endfor %}", {"n": 100000}, 1, 27, "more than 20000 steps"),
        ("{{ a * 100 }}", {"a": "x" * 20}, 1, 1, "2000 characters: expected at most 1600"),
        ("{{ a }}", {"a": ""}, 1, 1, "the text is empty"),
    ],
)
def test_a_failure_to_render_names_the_place_and_never_a_value(
    source: str, context: dict[str, Any], line: int, column: int, message: str
) -> None:
    yaml = "variables:\n" + "".join(
        f"  {path}: {{type: {kind}, example: {example}}}\n"
        for path, kind, example in [
            ("a", "string", "x"),
            ("g.b", "string", "x"),
            ("n", "integer", 3),
            ("d", "datetime", "2026-12-24T14:05:00Z"),
        ]
    )
    templates, problems = one(source, yaml)
    assert [show(problem) for problem in problems if problem.is_error] == []
    with pytest.raises(RenderError) as caught:
        templates.render("t", "sms", "en", None, context)
    problem = caught.value.problem
    assert (problem.file, problem.line, problem.column) == ("templates/t/sms.en.j2", line, column)
    assert message in problem.message
    assert str(caught.value).startswith(f"templates/t/sms.en.j2:{line}:{column}: ")
    assert "secret" not in str(caught.value)


def test_an_unknown_template_and_a_missing_channel_are_told(templates: TemplateSet) -> None:
    with pytest.raises(RenderError, match="there is no template 'bike'"):
        templates.render("bike", "sms", "fr", None, CONTEXT)
    with pytest.raises(RenderError, match="no push text for locale 'fr'"):
        templates.render("car", "push", "fr", None, CONTEXT)


@pytest.mark.parametrize(
    ("policy", "value", "text"),
    [
        ("transliterate", "Benoît", "Hi Benoit"),
        ("transliterate", "Иван", "Hi Иван"),
        ("unicode", "Benoît", "Hi Benoît"),
        ("strict", "Renée", "Hi Renée"),
    ],
)
def test_the_policy_decides_what_becomes_of_foreign_characters(policy: str, value: str, text: str) -> None:
    templates, _ = one("Hi {{ a }}", f"transliterate: {policy}\nvariables:\n  a: {{type: string, example: x}}")
    rendered = templates.render("t", "sms", "en", None, {"a": value})
    assert (rendered.text, rendered.count) == (text, count(text))


def test_strict_refuses_a_value_that_would_cost_ucs2() -> None:
    templates, _ = one("Hi {{ a }}", "transliterate: strict\nvariables:\n  a: {type: string, example: x}")
    with pytest.raises(RenderError, match=r"U\+00EE"):
        templates.render("t", "sms", "en", None, {"a": "Benoît"})


def test_the_preview_uses_the_examples_and_the_longest_values(templates: TemplateSet) -> None:
    assert templates.preview("car", "sms", "fr", None).text == "Place B12, départ le 24/12/2026 à 13:05"
    longest = templates.preview("car", "sms", "fr", None, longest=True)
    assert longest.text == "Place B12B12B12B12B12B12B1, départ le 24/12/2026 à 13:05"
    assert longest.count == Count("GSM-7", 56, 56, 1)


@pytest.mark.parametrize(
    ("text", "yaml", "file", "line", "column", "message", "hint"),
    [
        ("{{ a", "", "sms.en.j2", 1, 4, "unexpected end of input", ""),
        ("x\n{{ booking.sport }}", YAML, "sms.en.j2", 2, 4, "'booking.sport' is not declared", "'booking.spot'"),
        ("{{ a }}", "", "sms.en.j2", 1, 4, "'a' is not declared", "declare it in templates/t/template.yaml"),
        ("{{ 'a'|uper }}", "", "sms.en.j2", 1, 8, "unknown filter 'uper'", ""),
        ("{% if false %}{{ 'a'|uper }}{% endif %}x", "", "sms.en.j2", 1, 22, "unknown filter 'uper'", ""),
        ("{{ locale.upper() }}", "", "sms.en.j2", 1, 11, "calls are not available", ""),
        ("{% include 'x' %}", "", "sms.en.j2", 1, 4, "there is no partial 'x'", ""),
        ("{% extends 'x' %}", "", "sms.en.j2", 1, 4, "the tag 'extends' is not available", ""),
        ("{{ 1 is even2 }}", "", "sms.en.j2", 1, 9, "even2", ""),
        ("{{ locale|date(1) }}", "", "sms.en.j2", 1, 4, "'locale|date(1)'", ""),
        ("{% for x in range(100000) %}{{ x }}{% endfor %}", "", "sms.en.j2", 1, 32, "more than 20000 steps", ""),
        ("l’été", "transliterate: strict", "sms.en.j2", 1, 2, "U+2019 '’' forces UCS-2", 'write "\'" instead'),
        ("x", "fallback: de", "template.yaml", 1, 11, "no sms text in de: it is the `fallback` locale", "sms.de.j2"),
        ("x", "languages: [en, fr]", "template.yaml", 1, 17, "no sms text in fr: `languages` names it", "sms.fr.j2"),
        ("x", "purpose: marketing", "template.yaml", 1, 10, "unknown purpose", ""),
        ("{% if true %}{% endif %}", "", "sms.en.j2", 1, 1, "the text is empty", ""),
    ],
)
def test_what_is_wrong_is_found_when_compiling(
    text: str, yaml: str, file: str, line: int, column: int, message: str, hint: str
) -> None:
    templates, problems = one(text, yaml)
    errors = [problem for problem in problems if problem.is_error and problem.file.endswith(file)]
    assert [(problem.line, problem.column) for problem in errors] == [(line, column)]
    assert message in errors[0].message
    assert hint in errors[0].hint
    assert templates.names == frozenset()


@pytest.mark.parametrize(
    ("text", "yaml", "more", "message"),
    [
        ("x", "variables:\n  a: {type: string, example: x}", {}, "'a' is declared but no text uses it"),
        (f"x {CAR}", "", {}, "U+1F697"),
        ("П", "", {}, "U+041F"),
        ("x", "", {"templates/t/sms.fr.jinja": "y"}, "this file is not read"),
        ("x", "", {"templates/t/markets/GB/sms.en.j2": "y"}, "this file is not read"),
    ],
)
def test_a_warning_leaves_the_template_usable(text: str, yaml: str, more: dict[str, str], message: str) -> None:
    templates, problems = one(text, yaml, more)
    assert [problem.severity for problem in problems] == ["warning"]
    assert message in problems[0].message
    assert templates.names == {"t"}


@pytest.mark.parametrize("policy", ["unicode", "transliterate"])
def test_what_the_policy_agrees_with_gives_no_warning(policy: str) -> None:
    assert one("l’été, fenêtre {# ’ я #}{{ '…' }}", f"transliterate: {policy}")[1] == []


def test_a_missing_declaration_is_an_error_and_other_folders_are_left_alone() -> None:
    files = {"templates/t/sms.en.j2": "x", "journeys/a.yaml": "x"}
    templates, problems = compile_templates(files)
    assert [(problem.file, problem.line) for problem in problems] == [("templates/t/template.yaml", 0)]
    assert templates.names == frozenset()


def test_a_broken_template_does_not_take_the_others_with_it() -> None:
    templates, problems = compile_templates(FILES | {"templates/bad/template.yaml": "x: ["})
    assert templates.names == {"car"}
    assert {problem.file for problem in problems} == {"templates/bad/template.yaml"}


def test_a_broken_declaration_is_not_repeated_for_every_variable_used() -> None:
    _, problems = one("{{ a }} {{ b }}", "variables:\n  a: {type: string}\n  b: {type: string, example: x}")
    assert [problem.message for problem in problems] == ["variable 'a' has no example"]


def test_an_overlay_is_checked_like_a_text() -> None:
    _, problems = one("x", "", {"templates/t/markets/gb/sms.en.j2": "{{ nobody }}"})
    assert [problem.file for problem in problems] == ["templates/t/markets/gb/sms.en.j2"]


def test_a_group_of_declared_variables_may_be_asked_for() -> None:
    _, problems = one("{% if booking is defined %}{{ booking.spot }}{{ booking.starts_at|date }}{% endif %}", YAML)
    assert [problem.message for problem in problems if "sms.fr" not in problem.hint] == []


def test_the_context_is_left_as_it_was(templates: TemplateSet) -> None:
    context = {"booking": dict(CONTEXT["booking"]), "zone": "UTC"}  # type: ignore[call-overload]
    templates.render("car", "sms", "fr", "FR", context)
    assert context == {"booking": CONTEXT["booking"], "zone": "UTC"}


@given(st.text(max_size=60))
def test_any_text_compiles_or_is_explained_with_its_place(text: str) -> None:
    templates, problems = one(text)
    assert templates.names == ({"t"} if not any(problem.is_error for problem in problems) else frozenset())
    assert all(show(problem, text).startswith("templates/t/") for problem in problems)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_a_value_arrives_as_it_is_under_unicode(value: str) -> None:
    templates, _ = one("{{ a }}", "transliterate: unicode\nvariables:\n  a: {type: string, example: x}")
    assert templates.render("t", "sms", "en", None, {"a": value}).text == value
