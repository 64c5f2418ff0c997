"""A company folder becomes a Configuration, or a list of mistakes with their places."""

from __future__ import annotations

import re

import pytest

from outrider.configuration import build, digest_of, read_folder
from outrider.configuration.files import NoFolder
from outrider.domain.problem import show
from outrider.domain.purpose import Purpose
from outrider.plugged import shipped

TOML = """\
environment = "demo"
home_market = "FR"

[accounts.main]
provider = "smsmode"
api_key = "env:SMSMODE_KEY"

[[routes]]
name = "main"
channel = "sms"
account = "main"
sender = "RENTAL"
weight = 60

[[caps]]
name = "offers"
at_most = 2
within = "7d"
purposes = ["commercial"]

[ceilings]
per_hour = 10
"""
FILES = {
    "outrider.toml": TOML,
    "objects/booking.yaml": """\
kind: booking
traits:
  starts_at: timestamp
  spot: {type: string, sealed: false}
roles: [renter]
""",
    "objects/profile.yaml": "kind: profile\ntraits: {name: string, tier: {type: string, sealed: false}}\n",
    "sources/shop.yaml": """\
source: /shop
events:
  booked:
    subject: data.who.id
    profile: {market: data.market}
    traits: {name: data.who.name}
    addresses: {sms: data.who.phone}
    objects:
      - {kind: booking, key: data.id, traits: {starts_at: data.at}}
    relations:
      - {from: booking, to: profile, role: renter}
  left:
""",
    "journeys/hello.yaml": """\
journey: hello
about: booking
start: {on: booked}
exit: [{on: left}]
steps:
  - {send: hello, purpose: transactional, channels: {first: [sms]}}
""",
    "markets/fr.yaml": """\
market: fr
quiet:
  - purposes: [commercial]
    windows: [{from: "10:00", to: "18:00", days: [mon, tue, wed, thu, fri]}]
    not_on_holidays: true
consent_also_for: [service]
""",
    "templates/hello/template.yaml": """\
languages: [en, fr]
variables:
  profile.name: {type: string, example: Zoe, longest: 20}
""",
    "templates/hello/sms.en.j2": "Hello {{ profile.name }}.\n",
    "templates/hello/sms.fr.j2": "Bonjour {{ profile.name }}.\n",
}


def built(**changes):
    return build({**FILES, **changes}, shipped(), number=7)


def errors(**changes):
    """The places and messages of all errors; None of them may come with a configuration."""
    configuration, problems = built(**changes)
    found = [problem for problem in problems if problem.is_error]
    assert (configuration is None) == bool(found)
    for problem in found:
        assert show(problem, changes.get(problem.file, ""))
    return [(problem.file, problem.line, problem.column, problem.message, problem.hint) for problem in found]


def test_a_good_folder_is_built_without_a_word():
    configuration, problems = built()
    assert problems == []
    assert (configuration.number, configuration.digest) == (7, digest_of(FILES))
    assert configuration.open_traits == {"tier"}
    assert configuration.kinds["booking"].open_traits == {"spot"}
    assert configuration.kinds["booking"].roles == ("renter",)
    assert [program.journey for program in configuration.starts["booked"]] == ["hello"]
    assert [program.journey for program in configuration.exits["left"]] == ["hello"]
    assert configuration.toml.ceiling.per_hour == 10
    (cap,) = configuration.policy.caps
    assert (cap.name, cap.at_most, cap.within.days, cap.purposes) == ("offers", 2, 7, (Purpose.COMMERCIAL,))
    assert configuration.policy.config == 7


def test_an_override_tightens_the_shipped_rules_and_keeps_them():
    configuration, _ = built()
    plain = shipped().markets["FR"]
    market = configuration.policy.markets["FR"]
    assert market.quiet[0].windows[0].start.hour == 10
    assert market.quiet[1:] == plain.quiet
    assert Purpose.SERVICE in market.consent_also_for


def test_the_smallest_folder_is_an_empty_file():
    configuration, problems = build({"outrider.toml": ""}, shipped())
    assert (problems, configuration.journeys, configuration.toml.environment) == ([], {}, "production")


# ── planted mistakes: outrider.toml ──


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ('home_market = "FR"', 'home_market = "ZZ"', (2, 1), "there is no market 'ZZ'"),
        ('home_market = "FR"', "home_market = FR", (2, 15), "Invalid value"),
        ('environment = "demo"', 'enviroment = "demo"', (1, 1), "object contains unknown field `enviroment`"),
        ('provider = "smsmode"', 'provider = "smsmod"', (5, 1), "there is no provider 'smsmod'"),
        ('provider = "smsmode"', "", (4, 1), "names no provider"),
        ("[accounts.main]", "[accounts.Main]", (4, 1), "'Main' is not a name"),
        ('api_key = "env:SMSMODE_KEY"', 'api_key = "abc"', (6, 1), "a secret stands in the configuration"),
        ('api_key = "env:SMSMODE_KEY"', "api_key = 5", (6, 1), "expected a text"),
        ('api_key = "env:SMSMODE_KEY"', "", (4, 1), "smsmode needs the setting 'api_key'"),
        ('api_key = "', 'apikey = 1\napi_key = "', (6, 1), "smsmode has no setting 'apikey'"),
        ('api_key = "', 'append_stop = "yes"\napi_key = "', (6, 1), "expected `bool`, got `str`"),
        ('api_key = "', 'sandbox = "no"\napi_key = "', (6, 1), "expected sandbox = true or sandbox = false"),
        ('api_key = "', 'deadline = 13\napi_key = "', (6, 1), "deadline is out of range"),
        ('api_key = "', 'deadline = true\napi_key = "', (6, 1), "deadline is out of range"),
        ('api_key = "', 'deadline = "5s"\napi_key = "', (6, 1), "deadline is out of range"),
        ('channel = "sms"', 'channel = "smss"', (10, 1), "there is no channel 'smss'"),
        ('account = "main"', 'account = "mian"', (11, 1), "there is no account 'mian'"),
        ("weight = 60", "weight = -1", (13, 1), "expected a weight of 0 or more"),
        ("weight = 60", "weight = 1.5", (13, 1), "expected `int`, got `float`"),
        ("weight = 60", "wieght = 60", (13, 1), "object contains unknown field `wieght`"),
        ("weight = 60", 'markets = ["FR", "QQ"]', (13, 1), "there is no market 'QQ'"),
        ("weight = 60", 'shift_tables = ["it"]', (13, 1), "there is no shift_table 'it'"),
        ("weight = 60", "per_second = 0", (13, 1), "expected a number of messages above 0"),
        ("weight = 60", "per_second = -2.5", (13, 1), "expected a number of messages above 0"),
        ("weight = 60", "per_second = nan", (13, 1), "expected a number of messages above 0"),
        ("weight = 60", 'purposes = ["advert"]', (13, 1), "invalid enum value"),
        ('within = "7d"', 'within = "a week"', (18, 1), "expected a duration, found 'a week'"),
        ('within = "7d"', 'within = "999999999w"', (18, 1), "expected a duration, found '999999999w'"),
        ("at_most = 2", 'at_most = "2"', (17, 1), "expected `int`, got `str`"),
        ("at_most = 2", "at_most = 0", (15, 1), "at most"),
        ("at_most = 2", 'at_most = 2\nchannels = ["fax"]', (18, 1), "there is no channel 'fax'"),
        ("at_most = 2", "at_most = 200", (15, 1), "together they allow 200 messages"),
        ('within = "7d"', 'per = "year"', (18, 1), "invalid enum value"),
        ('within = "7d"', 'within = "7d"\nper = "day"', (19, 1), "needs either `within`"),
        ('within = "7d"\n', "", (15, 1), "needs either `within`"),
        (
            "[ceilings]",
            '[[gaps]]\nname = "g"\nat_least = "soon"\n[ceilings]',
            (23, 1),
            "expected a duration, found 'soon'",
        ),
        ("[ceilings]", '[[gaps]]\nname = "g"\nat_least = "0h"\n[ceilings]', (21, 1), "is not above zero"),
        (
            "[ceilings]",
            '[[gaps]]\nname = "g"\nat_least = "4h"\nchannels = ["fax"]\n[ceilings]',
            (24, 1),
            "there is no channel 'fax'",
        ),
        ("per_hour = 10", "per_hour = 0", (22, 1), "expected at least 1"),
        ("per_hour = 10", "per_day = -5", (22, 1), "expected at least 1"),
        ("per_hour = 10", "[[[", (22, 3), "nvalid"),
    ],
)
def test_a_mistake_in_outrider_toml_is_found_where_it_stands(old, new, place, message):
    assert TOML.count(old) >= 1
    found = errors(**{"outrider.toml": TOML.replace(old, new, 1)})
    matching = [one for one in found if message in one[3]]
    assert matching, found
    assert matching[0][0] == "outrider.toml"
    assert matching[0][1:3] == place


def test_two_routes_of_one_name_and_two_caps_of_one_name_are_refused():
    route = TOML[TOML.index("[[routes]]") : TOML.index("[[caps]]")]
    (found,) = errors(**{"outrider.toml": TOML + route})
    assert found[1:4] == (TOML.count("\n") + 2, 1, "two routes are called 'main'")
    cap = TOML[TOML.index("[[caps]]") : TOML.index("[ceilings]")]
    (found,) = errors(**{"outrider.toml": TOML + cap})
    assert found[1:4] == (TOML.count("\n") + 1, 1, "cap offers: two caps have this name; expected one")


def test_a_wrong_word_comes_with_a_hint():
    found = errors(**{"outrider.toml": TOML.replace('"smsmode"', '"smsmod"')})
    assert found[0][4] == "did you mean 'smsmode'?"


# ── planted mistakes: YAML ──


@pytest.mark.parametrize(
    ("file", "old", "new", "place", "message"),
    [
        ("objects/booking.yaml", "timestamp", "timestmp", (3, 14), "expected a type"),
        ("objects/booking.yaml", "kind: booking", "knd: booking", (1, 1), "knd"),
        ("objects/booking.yaml", "sealed: false", "sealed: maybe", (4, 32), "maybe"),
        ("objects/booking.yaml", "traits:\n  starts_at: timestamp", "traits: 5\nother:", (2, 9), "expected a mapping"),
        ("objects/booking.yaml", "roles: [renter]", "roles: [renter", (5, 8), ""),
        ("sources/shop.yaml", "data.who.id", "date.who.id", (4, 14), "no path into an event"),
        ("sources/shop.yaml", "data.who.id", "data..id", (4, 14), "no path into an event"),
        ("sources/shop.yaml", "{market: data.market}", "{markt: data.market}", (5, 15), "unknown name 'markt'"),
        ("sources/shop.yaml", "traits: {name:", "traits: {nam:", (6, 14), "unknown name 'nam'"),
        ("sources/shop.yaml", "addresses: {sms:", "addresses: {fax:", (7, 17), "unknown name 'fax'"),
        ("sources/shop.yaml", "{kind: booking,", "{kind: bookng,", (9, 16), "no kind 'bookng'"),
        ("sources/shop.yaml", "{starts_at: data", "{start_at: data", (9, 48), "unknown name 'start_at'"),
        ("sources/shop.yaml", "{from: booking,", "{from: vehicle,", (11, 16), "no kind 'vehicle'"),
        ("sources/shop.yaml", "  left:\n", "  left: 5\n", (12, 9), "expected a mapping"),
        ("sources/shop.yaml", "source: /shop", "sorce: /shop", (1, 1), "sorce"),
        ("journeys/hello.yaml", "send: hello", "send: helo", (6, 12), "there is no template 'helo'"),
        ("journeys/hello.yaml", "[sms]", "[email]", (6, 62), "there is no channel 'email'"),
        ("journeys/hello.yaml", "about: booking", "about: vehicle", (2, 8), "vehicle"),
        ("markets/fr.yaml", "market: fr", "market: zz", (1, 9), "ZZ"),
        ("markets/fr.yaml", '"10:00"', '"25:00"', (4, 22), "'25:00' is no local time"),
        ("markets/fr.yaml", "mon, tue", "mon, teu", (4, 56), "'teu' is no day"),
        ("markets/fr.yaml", "[commercial]", "[advert]", (3, 16), "expected one of"),
        ("markets/fr.yaml", "market: fr", "market: fr\nvalid_from: soon", (2, 13), "expected a date"),
        ("markets/fr.yaml", "market: fr", "market: fr\nopen: true", (2, 1), "open"),
        ("markets/fr.yaml", "    windows:", "    window:", (4, 5), "window"),
    ],
)
def test_a_mistake_in_a_yaml_file_is_found_where_it_stands(file, old, new, place, message):
    assert FILES[file].count(old) == 1, FILES[file]
    found = errors(**{file: FILES[file].replace(old, new)})
    assert (file, *place) in [one[:3] for one in found if message in one[3]], found


@pytest.mark.parametrize(
    "window",
    ['{from: "07:00", to: "23:00"}', '{from: "10:00", to: "18:00", days: [sun]}', '{from: "00:00", to: "00:00"}'],
)
def test_an_override_that_loosens_is_refused(window):
    text = re.sub(r"\{from.*\}\]", f"{window}]", FILES["markets/fr.yaml"])
    found = errors(**{"markets/fr.yaml": text})
    assert {one[:3] for one in found} == {("markets/fr.yaml", 4, 14)}
    assert "opens hours that the market pack closes" in found[0][3]
    assert "may tighten, never loosen" in found[0][4]


def test_the_rule_that_loosens_is_found_among_several_and_a_rule_without_windows_too():
    good = '  - {purposes: [service], windows: [{from: "10:00", to: "11:00"}]}\n'
    loose = '  - {purposes: [commercial], windows: [{from: "00:00", to: "00:00"}]}\n'
    found = errors(**{"markets/fr.yaml": f"# hours\nmarket: FR\nquiet:\n{good}{loose}"})
    assert {one[:3] for one in found} == {("markets/fr.yaml", 5, 39)}
    found = errors(**{"markets/fr.yaml": f"market: FR\nquiet:\n{good}  - {{windows: []}}\n"})
    assert [one[:4] for one in found] == [("markets/fr.yaml", 4, 15, "there is no window")]
    assert found[0][4].startswith("expected at least one")


@pytest.mark.parametrize(
    ("file", "words"), [("objects/other.yaml", "the kind 'booking'"), ("journeys/other.yaml", "the journey 'hello'")]
)
def test_what_is_declared_twice_is_refused(file, words):
    original = {"objects/other.yaml": "objects/booking.yaml", "journeys/other.yaml": "journeys/hello.yaml"}[file]
    found = errors(**{file: FILES[original]})
    column = FILES[original].index(":") + 3
    assert (file, 1, column, f"{words} is declared twice") in [one[:4] for one in found]


def test_a_template_needs_what_a_source_can_fill():
    text = FILES["templates/hello/template.yaml"].replace("profile.name", "booking.gate")
    found = errors(
        **{
            "templates/hello/template.yaml": text,
            **{f"templates/hello/sms.{language}.j2": "{{ booking.gate }}" for language in ("en", "fr")},
        }
    )
    assert any(one[0] == "journeys/hello.yaml" and "'booking' has no field 'gate'" in one[3] for one in found)


def test_a_template_with_a_mistake_is_not_called_missing():
    found = errors(**{"templates/hello/sms.fr.j2": "Bonjour {{ profile.nam }}."})
    assert {one[0] for one in found} == {"templates/hello/sms.fr.j2"}


def test_a_source_that_cannot_be_read_brings_no_warnings_about_its_events():
    _, problems = built(**{"sources/shop.yaml": "source: [\n"})
    assert {problem.file for problem in problems} == {"sources/shop.yaml"}


def test_many_mistakes_come_sorted_by_place():
    found = errors(
        **{
            "outrider.toml": TOML.replace("weight = 60", "weight = -1").replace('"smsmode"', '"x"'),
            "markets/fr.yaml": "5",
        }
    )
    assert [one[:2] for one in found] == sorted(one[:2] for one in found)
    assert len(found) >= 3


# ── folders ──


def test_a_folder_is_read_with_what_belongs_to_it_and_nothing_else(tmp_path):
    for path, text in {**FILES, "notes.txt": "x", "journeys/old.txt": "x", "events/e.json": "{}"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    assert read_folder(tmp_path) == FILES
    assert list(read_folder(tmp_path)) == sorted(FILES)


def test_what_is_no_company_folder_says_why(tmp_path):
    with pytest.raises(NoFolder, match="is not a folder"):
        read_folder(tmp_path / "missing")
    with pytest.raises(NoFolder, match=r"has no outrider\.toml"):
        read_folder(tmp_path)
    (tmp_path / "outrider.toml").write_bytes(b"a = '\xff'")
    with pytest.raises(NoFolder, match="byte 5 is not UTF-8"):
        read_folder(tmp_path)


def test_the_digest_changes_with_every_path_and_text_and_not_with_the_order():
    assert digest_of(dict(reversed(FILES.items()))) == digest_of(FILES)
    changes = [
        {"outrider.toml": ""},
        {"outrider.toml": TOML, "a": ""},
        {"outrider.tomlx": TOML[1:]},
        {"outrider.toml": TOML},
    ]
    assert len({digest_of(files) for files in changes}) == 4


@pytest.mark.parametrize(
    ("routes", "wrong"),
    [(['["es"]'], False), (['["es", "pt"]', '["es"]'], False), (['["es"]', "[]"], True), (["[]"], True), ([], True)],
)
def test_a_budget_counts_with_the_shift_tables_every_sms_route_sends_with(routes, wrong):
    template = "shift_tables: [es]\nsegments: 1\ntransliterate: unicode\n"
    route = '[[routes]]\nname = "r{}"\nchannel = "sms"\naccount = "main"\nsender = "X"\nshift_tables = {}\n'
    toml = TOML[: TOML.index("[[routes]]")] + "".join(route.format(n, each) for n, each in enumerate(routes))
    files = FILES | {
        "outrider.toml": toml,
        "templates/accents/template.yaml": template,
        "templates/accents/sms.en.j2": "á" * 75,
    }
    _, problems = build(files, shipped())
    assert any("2 segments with the longest values" in problem.message for problem in problems) is wrong
