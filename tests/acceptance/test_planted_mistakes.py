"""Ten sorts of mistakes, planted one by one in a folder that works: each is found at its place, with reason and fix."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from outrider.cli import main
from outrider.configuration import build, read_folder
from outrider.plugged import shipped

JOURNEY = "journeys/welcome.yaml"
TEMPLATE = "templates/welcome/template.yaml"
STEPS = """\
journey: welcome
about: booking
start: {on: booking.confirmed, where: 'booking.reference != ""'}
exit:
  - {on: booking.canceled}
steps:
  - send: welcome
    purpose: transactional
    channels: {first: [sms]}
  - wait: {until: booking.starts_at, minus: 3h, if_past: continue}
  - exit: enough
"""
MARKET = """\
market: FR
quiet:
  - windows: [{from: 10:00, to: 21:00, days: [mon]}]
    not_on_holidays: true
    purposes: [commercial]
"""

SENDER = 'sender = "MyCompany"'
#: A route of an account whose messages leave the machine.
REAL = """

[accounts.real]
provider = "smsmode"
api_key = "env:KEY"

[[routes]]
name = "real"
channel = "sms"
account = "real"
markets = ["{market}"]
sender = "{sender}"
"""

#: File, what stands there (nothing: the file is new), what is planted, where in it the mistake is found, reason, fix.
MISTAKES = [
    pytest.param(
        JOURNEY, "purpose: transactional", "purpse: transactional", "purpse",
        "unknown key 'purpse'", "did you mean 'purpose'?", id="wrong field",
    ),
    pytest.param(
        TEMPLATE, "languages: [fr, en]", "languages: [fr, en, es]", "es]",
        "there is no sms text in es", "create templates/welcome/sms.es.j2", id="missing language",
    ),
    pytest.param(
        "templates/welcome/sms.en.j2", "My Company:", "My Company:" + " thank you," * 10, "My Company",
        "2 segments with the longest values, expected at most 1", "shorten it by 32 units", id="budget exceeded",
    ),
    pytest.param(
        "outrider.toml", 'name = "first"', 'name = "first"\nmarkets = ["UK"]', "markets",
        "there is no market 'UK'", "known: ", id="unknown market of a route",
    ),
    pytest.param(
        "markets/uk.yaml", "", MARKET.replace("FR", "UK"), "UK",
        "there is no market 'UK'", "expected one of", id="unknown market of an override",
    ),
    pytest.param(
        JOURNEY, "'booking.reference != \"\"'", "'market == \"ZZ\"'", '"ZZ"',
        "there is no market 'ZZ'", "known: FR, DE", id="unknown market in a condition",
    ),
    pytest.param(
        JOURNEY, "'booking.reference != \"\"'", "'!(profile.market in [\"GB\", \"fr\"])'", '"fr"',
        "there is no market 'fr'", "did you mean 'FR'?", id="a market in small letters",
    ),
    pytest.param(
        "outrider.toml", SENDER, SENDER + REAL.format(market="FR", sender="+33612345678"), 'sender = "+336',
        "in FR a mobile number must not send for a company", "use a name of letters or a short code",
        id="illegal sender: a French mobile number",
    ),
    pytest.param(
        "outrider.toml", SENDER, SENDER + REAL.format(market="IT", sender="4Rent"), 'sender = "4Rent',
        "in IT a sender must not begin with a digit", "begin it with a letter",
        id="illegal sender: an Italian alias that starts with a digit",
    ),
    pytest.param(
        "markets/fr.yaml", "", MARKET, "[{from",
        "opens hours that the market pack closes", "may tighten, never loosen", id="an override that loosens",
    ),
    pytest.param(
        JOURNEY, "minus: 3h", "minus: 3x", "3x",
        "expected a duration, found '3x'", "such as 10m", id="wrong unit",
    ),
    pytest.param(
        JOURNEY, "'booking.reference != \"\"'", "'booking.starts_at.getHours(\"Europe/Pariss\") < 9'",
        '"Europe/Pariss"', "'Europe/Pariss' is not a time zone", "such as Europe/Paris", id="bad zone",
    ),
    pytest.param(
        "objects/booking.yaml", "reference: string", "reference: {type: string, sealed: no}", "no}",
        "expected true or false, found 'no'", "write false", id="no is a text",
    ),
    pytest.param(
        JOURNEY, "{on: booking.canceled}", "{on: true}", "true",
        "expected an event type, found the boolean true", "put it in quotes", id="true is no text",
    ),
    pytest.param(
        JOURNEY, "minus: 3h", "minus: 2:30", "2:30",
        "expected a duration, found '2:30'", "such as 10m", id="2:30 is no number of seconds",
    ),
    pytest.param(
        JOURNEY, "  - exit: enough\n", "  - exit: enough\n  - wait: 1h\n", "wait",
        "this step is never reached", "move it up or remove it", id="a step after an exit",
    ),
    pytest.param(
        JOURNEY, "  - exit", "  - branch: [{when: 'market == \"GB\" && market == \"FR\"', steps: []}]\n  - exit",
        "'market", "this condition can never be true", "correct it", id="a branch that is never taken",
    ),
    pytest.param(
        JOURNEY, "  - exit",
        "  - branch:\n      - {when: 'now < now', steps: []}\n      - {steps: [], when: 'now < now'}\n  - exit",
        "'now < now'}", "a way above has the same condition", "remove one of them", id="a branch that repeats",
    ),
    pytest.param(
        "templates/welcome/sms.en.j2", "booking.reference", "booking.refrence", "booking.refrence",
        "'booking.refrence' is not declared", "'booking.reference'?", id="missing variable",
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What `outrider init` makes, with a longer journey and a budget for its text."""
    folder = tmp_path_factory.mktemp("company") / "new"
    assert CliRunner().invoke(main, ["init", str(folder)]).exit_code == 0
    files = {**read_folder(folder), JOURNEY: STEPS}
    files[TEMPLATE] += "segments: 1\n"
    assert build(files, shipped())[1] == []
    return files


def place_of(text: str, planted: str, mark: str) -> tuple[int, int]:
    """Line and column of a word of what was planted."""
    before = text[: text.index(planted) + planted.index(mark)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


@pytest.mark.parametrize(("file", "old", "new", "mark", "reason", "fix"), MISTAKES)
def test_a_planted_mistake_is_found_with_place_reason_and_fix(
    company: dict[str, str], file: str, old: str, new: str, mark: str, reason: str, fix: str
) -> None:
    text = company[file].replace(old, new, 1) if old else new
    assert text != company.get(file)
    configuration, problems = build({**company, file: text}, shipped())
    assert configuration is None
    matching = [problem for problem in problems if problem.is_error and reason in problem.message]
    assert matching, problems
    found = matching[0]
    assert (found.file, found.line, found.column) == (file, *place_of(text, new, mark))
    assert fix in found.message + found.hint


def test_the_command_shows_a_mistake_as_people_and_editors_read_it(tmp_path: Path, company: dict[str, str]) -> None:
    for path, text in {**company, JOURNEY: STEPS.replace("minus: 3h", "minus: 3x")}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    result = CliRunner().invoke(main, ["check", str(tmp_path)])
    assert result.exit_code == 1
    assert "journeys/welcome.yaml:10:45: error: expected a duration, found '3x'" in result.stderr
    assert "^^\n  hint: write a number and one of s m h d w, such as 10m" in result.stderr


def test_words_that_older_yaml_took_for_something_else_mean_what_is_written() -> None:
    template = "languages: [no]\nfallback: no\nvariables:\n  on: {type: string, example: on, longest: 3}\n"
    journey = "journey: off\nstart: {on: yes}\nsteps: [{send: trap, purpose: service, channels: {first: [sms]}}]\n"
    files = {
        "outrider.toml": "",
        "templates/trap/template.yaml": template.replace("  on:", "  profile.on:"),
        "templates/trap/sms.no.j2": "Hei {{ profile.on }}",
        "journeys/off.yaml": journey,
        "sources/s.yaml": "source: /s\nevents:\n  yes:\n",
        "markets/fr.yaml": MARKET.replace("10:00, to: 21:00", "10:00, to: 19:00"),
    }
    configuration, problems = build(files, shipped())
    assert problems == []
    assert configuration is not None
    assert configuration.templates.locales("trap", "sms") == ("no",)
    assert list(configuration.starts) == ["yes"]
    assert configuration.policy.markets["FR"].quiet[0].windows[0].end.hour == 19
