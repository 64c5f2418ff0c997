"""The published JSON Schemas: committed as made, every good document fits, and mistakes of structure do not."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from outrider.cli.schemas import COMMAND
from outrider.configuration import build, read_folder
from outrider.configuration.schemas import FILES, pretty, schemas
from outrider.demo.example import example_folder
from outrider.journeys.read import KEYS
from outrider.journeys.read_steps import known_steps
from outrider.lib.yaml12 import read
from outrider.plugged import shipped

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "docs" / "reference" / "schemas"
SCHEMAS = schemas(shipped())
RENTAL = read_folder(example_folder())


def fits(name: str, document: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(SCHEMAS[name]).is_valid(document))


def documents(files: dict[str, str]) -> list[tuple[str, str, Any]]:
    """Schema, path and document of every file that has a schema."""
    found = []
    for path, text in files.items():
        for name, pattern in FILES.items():
            if fnmatch(path, pattern.replace("**", "*")):
                # Editors give validators the dates of TOML as text.
                value = msgspec.to_builtins(tomllib.loads(text)) if path.endswith(".toml") else read(text).value
                found.append((name, path, value))
    return found


def folders() -> list[dict[str, str]]:
    """Every complete company folder of the repository."""
    examples = [path.parent for path in sorted((ROOT / "examples").glob("*/outrider.toml"))]
    return [read_folder(folder) for folder in examples]


def test_the_committed_schemas_are_those_of_the_code(tmp_path: Path) -> None:
    assert CliRunner().invoke(COMMAND, ["--out", str(tmp_path)]).exit_code == 0
    made = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    committed = {path.name: path.read_text(encoding="utf-8") for path in COMMITTED.iterdir()}
    assert made == committed, "outrider schemas --out docs/reference/schemas"


@pytest.mark.parametrize("name", FILES)
def test_every_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert pretty(SCHEMAS[name]).endswith("}\n")


def test_every_document_of_the_examples_fits() -> None:
    found = [each for folder in folders() for each in documents(folder)]
    assert len(found) > 15
    assert [path for name, path, document in found if not fits(name, document)] == []


def test_every_step_and_part_of_a_journey_is_known() -> None:
    journey = SCHEMAS["journey"]
    assert set(journey["properties"]) == set(KEYS)
    kinds = [way["required"][0] for way in journey["$defs"]["steps"]["items"]["anyOf"]]
    assert kinds == list(known_steps())
    for step in known_steps().values():
        assert set(step.shapes) == {step.name, *step.keys}, step.name


def test_every_provider_is_known_with_its_settings() -> None:
    ways = SCHEMAS["outrider"]["properties"]["accounts"]["additionalProperties"]["anyOf"]
    assert [way["properties"]["provider"]["const"] for way in ways] == sorted(shipped().providers)


GOOD: list[tuple[str, str]] = [
    ("object", "kind: profile\n"),
    ("object", "kind: a\ntraits: {b: string, c: {type: list, sealed: false}}\nroles: [d]\n"),
    ("source", "source: /a\nevents:\n"),
    ("source", "source: /a\nevents: {b: , c: {subject: subject}}\ndefault: {subject: data.x-y.z}\n"),
    ("source", 'source: "*"\nevents: {b: {objects: [{kind: k, key: data.k, traits: {"*": data.k}}]}}\n'),
    ("journey", "journey: a\nstart: {on: no}\nsteps: [{exit: done}]\n"),
    ("journey", "journey: a\nstart: {on: x, again: {cooldown: 7d}}\ngoal: {on: y}\nsteps: [{wait: 10m, id: b}]\n"),
    ("journey", "journey: a\nstart: {on: x}\nexit: [{on: y, then: t}, {on: z, then: {send: t}}]\nsteps: [{send: t}]\n"),
    ("journey", "journey: a\nstart: {on: x}\nsteps: [{wait: {until: a.b, plus: 1h, if_past: skip}}, {send: t}]\n"),
    ("journey", "journey: a\nstart: {on: x}\nsteps: [{branch: [{when: '1 < 2', steps: []}, {else: [{wait: 1s}]}]}]\n"),
    ("journey", "journey: a\nstart: {on: x}\nsteps: [{wait: {on: y, timeout: 1w, missed: [{exit: late}]}}]\n"),
    (
        "journey",
        "journey: a\nstart: {on: x}\nsteps: [{send: t, channels: {escalate: [push, sms], after: 1m}}]\n",
    ),
    ("template", "languages: [no, fr-CA]\nvariables: {a.b: {type: date, example: 2030-01-01}}\n"),
    ("template", "variables: {n: {type: number, example: 3}, l: {type: list, example: [1]}}\ntransliterate: strict\n"),
    ("push", "title: Hi {{ name }}\nbody: There\nlink: app://x\ndata: {a: b}\n"),
    (
        "template",
        "variables: {n: {type: number, example: 3, largest: 9.5}, i: {type: integer, example: 3, largest: 9}}\n",
    ),
    ("market", "market: fr\nregional_holidays: true\n"),
    ("market", "market: fr\nquiet: [{windows: [{from: 21:00, to: 9:30, days: [mon]}]}]\nvalid_from: 2030-01-01\n"),
]

#: Mistakes of structure: what a schema can see.
BAD: list[tuple[str, str]] = [
    ("object", "knd: profile\n"),
    ("object", "kind: a\ntraits: {b: text}\n"),
    ("object", "kind: a\ntraits: {b: {type: string, sealed: no}}\n"),
    ("source", "source: /a\nevents: {b: {subject: date.id}}\n"),
    ("source", "source: /a\nevents: {b: {profile: {markt: data.m}}}\n"),
    ("source", "source: /a\nevents: {b: {objects: [{kind: k}]}}\n"),
    ("journey", "journey: a\nsteps: [{wait: 1m}]\n"),
    ("journey", "journey: a\nstart: {on: true}\nsteps: [{wait: 1m}]\n"),
    ("journey", "journey: a\nstart: {on: x}\nsteps: [{wait: 3x}]\n"),
    ("journey", "journey: a\nstart: {on: x}\nsteps: [{wait: 3}]\n"),
    ("journey", "journey: a\nstart: {on: x}\nsteps: []\n"),
    ("journey", "journey: a\nstart: {on: x}\nsteps: [{pause: 3h}]\n"),
    ("journey", "journey: a\nstart: {on: x}\nsteps: [{send: t, purpse: service}]\n"),
    ("journey", "journey: a\nstart: {on: x}\nsteps: [{send: t, purpose: advert}]\n"),
    ("journey", "journey: a\nstart: {on: x}\nsteps: [{branch: []}]\n"),
    ("template", "languages: fr\n"),
    ("template", "variables: {a: {type: string}}\n"),
    ("template", "variables: {a: {type: string, example: 5}}\n"),
    ("template", "variables: {a: {type: integer, example: 5, longest: 3}}\n"),
    ("template", "variables: {a: {type: string, example: x, largest: 3}}\n"),
    ("template", "variables: {1a: {type: integer, example: 5}}\n"),
    ("market", "market: fr\nquiet: [{windows: [{from: 25:00, to: 09:00}]}]\n"),
    ("market", "market: fr\nquiet: [{windows: [{from: 08:00, to: 09:00, days: [monday]}]}]\n"),
    ("market", "market: fr\nvalid_from: soon\n"),
]


@pytest.mark.parametrize(("name", "text"), GOOD)
def test_what_is_well_formed_fits(name: str, text: str) -> None:
    assert fits(name, read(text).value)


@pytest.mark.parametrize(("name", "text"), BAD)
def test_what_is_malformed_does_not_fit(name: str, text: str) -> None:
    assert not fits(name, read(text).value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('environment = "demo"', 'enviroment = "demo"'),
        ("weight = 60", 'weight = "60"'),
        ("weight = 60", "wieght = 60"),
        ('within = "30d"', 'within = "3x"'),
        ('provider = "smsmode"', 'provider = "smsmod"'),
        ('api_key = "sandbox-smsmode-key"', ""),
        ("per_hour = 20", "per_hour = 20.5"),
        ("[accounts.smsmode-main]", "[accounts.SmsMode]"),
        ("[accounts.smsmode-main]", "[accounts.smsmode-main]\ndeadline = 13"),
    ],
)
def test_a_malformed_outrider_toml_does_not_fit_and_check_refuses_it_too(old: str, new: str) -> None:
    text = RENTAL["outrider.toml"]
    assert old in text
    assert not fits("outrider", tomllib.loads(text.replace(old, new, 1)))
    assert build({**RENTAL, "outrider.toml": text.replace(old, new, 1)}, shipped())[0] is None


leaves = (
    st.none() | st.booleans() | st.integers(-2, 90) | st.sampled_from(["3h", "3x", "sms", "data.a", "no", "", "FR"])
)
mutants = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("x"), inner), max_leaves=3
)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_what_check_accepts_always_fits(data: st.DataObject) -> None:
    """A document of the example with one value replaced: a schema never refuses what `check` takes."""
    name, path, document = data.draw(st.sampled_from([each for each in documents(RENTAL) if each[0] != "outrider"]))
    places = list(_places(document))
    document = _replaced(document, data.draw(st.sampled_from(places)), data.draw(mutants))
    text = pretty(document)
    _, problems = build({**_around(path), path: text}, shipped())
    if not any(problem.is_error and problem.file == path for problem in problems):
        assert fits(name, document), text


def _around(path: str) -> dict[str, str]:
    """The files that `check` needs to judge one: for a file of a template not those of others, nor the journeys."""
    if not path.startswith("templates/"):
        return RENTAL
    mine = ("templates/_partials/", path[: path.index("/", len("templates/")) + 1])
    return {
        one: text
        for one, text in RENTAL.items()
        if one.startswith(mine) or not one.startswith(("templates/", "journeys/"))
    }


def _places(value: Any, path: tuple[Any, ...] = ()) -> Any:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*path, key)
        yield from _places(inner, (*path, key))


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(copy[path[0]], path[1:], new)
    return copy
