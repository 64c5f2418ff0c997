"""The configuration page names every key, setting and variable, and its examples are read without a mistake."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from outrider import secrets, settings
from outrider.configuration import kinds, overrides, routing, sources, toml
from outrider.configuration.retention import RetentionEntry
from outrider.content.declaration import READERS, Variable
from outrider.delivery.budget import RetryRules
from outrider.domain.problem import Problem
from outrider.plugged import providers, shipped

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")


def part(title: str, level: str = "##") -> str:
    """The part of the page below a heading, up to the next one of its level."""
    found = re.search(
        rf"^{level} {re.escape(title)}\n(.*?)(?=^#{{2,{len(level)}}} |\Z)", PAGE, re.MULTILINE | re.DOTALL
    )
    assert found is not None, title
    return found[1]


def named(text: str) -> set[str]:
    """The names in the tables' first two columns."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", "|".join(row.split("|")[1:3]))}


def fields(struct: Any) -> set[str]:
    return set(struct.__struct_fields__)


@pytest.mark.parametrize(
    ("title", "level", "keys"),
    [
        ("outrider.toml", "##", fields(toml._Document)),
        ("accounts", "###", {"provider", "sandbox", "deadline"}),
        ("routes", "###", fields(toml._RouteEntry)),
        ("caps", "###", fields(toml._Cap)),
        ("gaps", "###", fields(toml._Gap)),
        ("ceilings", "###", fields(toml._Ceilings)),
        ("purposes", "###", fields(toml._PurposeEntry)),
        ("registrations", "###", fields(routing.RegistrationEntry)),
        ("health", "###", fields(routing.HealthEntry)),
        ("retries", "###", fields(RetryRules)),
        ("soft_bounces", "###", fields(routing.BouncesEntry)),
        ("retention", "###", fields(RetentionEntry)),
        ("objects/*.yaml", "##", {"kind", "traits", "sealed", "roles", *kinds.TYPES}),
        ("sources/*.yaml", "##", {"source", "events", "default", *sources.KEYS, *sources.FIELDS, *sources.ATTRIBUTES}),
        ("template.yaml", "##", {*READERS, "type", "example", "longest"}),
    ],
)
def test_every_key_is_described(title: str, level: str, keys: set[str]) -> None:
    text = part(title, level)
    assert {key for key in keys if f"`{key}`" not in text} == set()


def test_every_key_the_readers_of_yaml_know_is_described() -> None:
    for module, title in ((kinds, "objects/*.yaml"), (sources, "sources/*.yaml"), (overrides, "markets/*.yaml")):
        text = Path(str(module.__file__)).read_text(encoding="utf-8")
        calls = re.findall(r'\.mapping\(((?:"\w+",? ?)+)', text) + re.findall(r"^    known = \((.*?)\)", text, re.M)
        keys = {key for call in calls for key in re.findall(r'"(\w+)"', call)}
        assert len(keys) > 2
        assert {key for key in keys if f"`{key}`" not in part(title)} == set(), title


def test_every_setting_of_every_provider_is_described() -> None:
    rows = [line for line in part("accounts", "###").splitlines() if line.startswith("| ")]
    for name, provider in providers().items():
        text = " ".join(row for row in rows if row.startswith(f"| {name} |"))
        assert {field for field in fields(provider.Settings) if f"`{field}`" not in text} == set(), name


def test_every_environment_variable_is_described_and_no_other() -> None:
    code = "".join(Path(str(module.__file__)).read_text(encoding="utf-8") for module in (settings, secrets))
    assert named(part("Environment variables")) & {name for name in named(PAGE) if name.startswith("OUTRIDER_")} == set(
        re.findall(r"OUTRIDER_[A-Z_]+", code)
    )


def test_the_defaults_of_the_environment_are_those_of_the_code() -> None:
    found = settings.read_settings({})
    text = part("Environment variables")
    assert f"| `{found.host}:{found.port}` |" in text
    for seconds in (found.lease_seconds, found.rescue_grace_seconds, found.engine_lease_seconds):
        assert f"| `{seconds:g}` |" in text


def test_the_defaults_of_routes_and_ceilings_are_those_of_the_code() -> None:
    document, route = toml._Document(), toml.Route("r", "sms", "a", "s")
    assert f"| `{document.environment}` |" in PAGE
    assert f"| `{document.home_market}` |" in PAGE
    assert f"| `{route.weight}` |" in part("routes", "###")
    assert f"| `{route.currency}` |" in part("routes", "###")
    assert f"| `{document.ceilings.per_hour}` |" in part("ceilings", "###")
    assert f"| `{document.ceilings.per_day}` |" in part("ceilings", "###")


def example(title: str) -> str:
    """The first block of a part."""
    found = re.search(r"^```\w+\n(.*?)^```", part(title), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_of_outrider_toml_is_read_and_uses_every_key() -> None:
    text = example("outrider.toml")
    read, problems = toml.read_toml(text)
    assert problems == []
    assert {key for key in fields(toml._Document) if not re.search(rf"(^|\[){key}\b", text, re.MULTILINE)} == set()
    assert read.routes[0].per_second == 50
    assert len(read.resolve_within) == 1


def test_the_examples_of_yaml_files_are_read() -> None:
    problems: list[Problem] = []
    vehicle, found = kinds.read_kind(example("objects/*.yaml"), "objects/vehicle.yaml")
    problems += found
    booking = kinds.Kind("booking")
    profile = kinds.Kind("profile", {"first_name": kinds.TYPES["string"]})
    known = {"booking": booking, "profile": profile}
    source, found = sources.read_source(example("sources/*.yaml"), "sources/a.yaml", known, tuple(shipped().channels))
    problems += found
    override, found = overrides.read_override(example("markets/*.yaml"), "markets/fr.yaml")
    problems += found
    assert problems == []
    assert vehicle is not None
    assert vehicle.open_traits == {"model"}
    assert source is not None
    assert override is not None
    assert override.valid_to == date(2026, 12, 31)


def test_a_variable_of_a_template_has_no_other_key() -> None:
    declared = {field.name for field in msgspec.structs.fields(Variable)} - {"line", "column"}
    assert {key for key in declared if f"`{key}`" not in part("template.yaml")} == set()
