"""The guide to push: its configuration is read, its journey checked, its acknowledgment taken, its commands run."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
from page_runner import page

from outrider.api import acknowledgements
from outrider.configuration.accounts import account_problems
from outrider.configuration.toml import Toml, read_toml
from outrider.contracts.surroundings import Surroundings, TemplateFacts
from outrider.journeys import check
from outrider.plugged import providers, shipped
from outrider.providers.push.fcm import LARGEST, OURS, REASONS, RESERVED, RESERVED_STARTS
from outrider.receipts.acknowledgment import GRACE
from outrider.sandbox.push.fcm import FATES, SEEN, SILENT

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "how-to" / "send-push.md").read_text(encoding="utf-8")
TRYING = TEXT.partition("## Try it without Firebase")[2]


def blocks(kind: str, text: str = TEXT) -> list[str]:
    """The blocks of a language, without their indent."""
    found = re.findall(rf"^( *)```{kind}\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", body, flags=re.MULTILINE) for indent, body in found]


def read(text: str) -> Toml:
    toml, problems = read_toml(text)
    assert problems == []
    for account in toml.accounts:
        assert list(account_problems(account, providers()[account.provider].Settings, text)) == []
    return toml


def test_the_account_and_the_route_of_the_page_are_read() -> None:
    toml = read(blocks("toml")[0])
    (route,) = toml.routes
    assert (toml.accounts[0].provider, route.channel, route.account) == ("fcm", "push", "app")
    assert route.channel in shipped().channels


def test_the_journey_of_the_page_is_checked_without_a_finding() -> None:
    texts = TemplateFacts({"push": ("fr",), "sms": ("fr",)})
    around = Surroundings(
        {"booking-confirmed": texts, "find-your-car": texts},
        channels=tuple(shipped().channels),
        events={"booking.confirmed": None},
    )
    (journey,) = blocks("yaml")
    assert list(check(journey, "journeys/a.yaml", around).problems) == []


def test_the_acknowledgment_of_the_page_is_one() -> None:
    (text,) = blocks("json")
    assert isinstance(acknowledgements.read(text.encode()), acknowledgements.Acknowledgment)
    assert GRACE.days == 3
    assert f"up to {acknowledgements.MOST} at once" in TEXT


def test_every_name_of_the_provider_is_on_the_page() -> None:
    assert {name for name in (*REASONS, *OURS, *RESERVED, *RESERVED_STARTS) if f"`{name}`" not in TEXT} == set()
    assert f"at most {LARGEST} bytes" in TEXT


def test_every_token_with_a_fate_is_in_the_reference() -> None:
    reference = (ROOT / "docs" / "reference" / "providers.md").read_text(encoding="utf-8")
    endings = [*(f"-{name}" for name in FATES), SILENT, SEEN]
    assert [ending for ending in endings if f"| {ending} |" not in reference] == []


def test_a_push_and_its_fallback_go_out_and_are_explained_as_the_page_says(tmp_path: Path) -> None:
    with page(TRYING, tmp_path) as guide:
        guide.run()
        document = msgspec.json.decode((tmp_path / ".outrider" / "firebase.json").read_bytes())
        assert document["token_uri"] == guide.local("http://127.0.0.1:4020/token")
        assert "got no message" not in guide.output
        assert len(guide.blocks) > 20
