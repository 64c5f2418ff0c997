"""The list of providers, for people, programs and the reference page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from outrider.cli._page import END, renew
from outrider.cli.providers import BEGIN, COMMAND, duration, providers_matrix

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "providers.md"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(COMMAND, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_list_names_every_provider_with_what_it_can_do() -> None:
    listed = run()
    assert "twilio (sms): Twilio SMS (Messages resource)" in listed
    assert "look-up yes, after 10 s" in listed
    assert "smsmode (sms)" in listed
    assert "receipt retries 30 s, 2 min, 10 min, 1 h, 5 h, 24 h" in listed


def test_programs_get_json() -> None:
    found = {one["name"]: one for one in json.loads(run("--json"))}
    assert {"fcm", "smsmode", "twilio"} <= found.keys()
    assert found["fcm"]["abilities"]["receipts"] is False
    twilio = found["twilio"]
    assert twilio["abilities"]["signed_callbacks"] is True
    assert twilio["abilities"]["verified_on"] == "2026-11-01"


def test_the_committed_page_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert renew(page, BEGIN, providers_matrix()) == page, f"python -m outrider.cli.providers --write {PAGE}"


def test_the_page_lists_every_fault_and_number_of_the_sandbox() -> None:
    from outrider.sandbox.faults import Kind
    from outrider.sandbox.magic import FATES, MAILBOXES, SILENT, SILENT_MAILBOX, SLOW_MAILBOX
    from outrider.sandbox.running import counterparts

    page = PAGE.read_text(encoding="utf-8")
    assert [kind for kind in Kind if f"| `{kind}` |" not in page] == []
    assert [digit for digit in (*FATES, SILENT) if f"| 555 000{digit} |" not in page] == []
    boxes = (*MAILBOXES, SILENT_MAILBOX, SLOW_MAILBOX)
    assert [name for name in boxes if f"| `{name}@` |" not in page] == []
    secrets = [account.secret for one in counterparts().values() for account in one.accounts]
    assert [secret for secret in secrets if secret not in page] == []


def test_write_renews_the_table_between_the_markers_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    run("--write", str(page))
    assert page.read_text() == f"before\n{BEGIN}\n{providers_matrix()}{END}\nafter\n"
    assert run("--markdown") == providers_matrix()


@pytest.mark.parametrize(
    ("seconds", "words"), [(15, "15 s"), (90, "90 s"), (120, "2 min"), (3600, "1 h"), (86_400, "24 h"), (0.5, "0.5 s")]
)
def test_durations_are_written_in_the_largest_unit_that_divides_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words
