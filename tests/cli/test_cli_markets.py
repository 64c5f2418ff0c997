"""`outrider markets` shows the packs, what differs, and how much is common; its page is the one the data gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from outrider.cli.markets import BEGIN, COMMAND, markets_page
from outrider.cli.sms import COMMAND as SMS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "markets.md"


def run(*words: str) -> Result:
    return CliRunner().invoke(COMMAND, [*words])


def test_the_committed_page_is_the_one_the_packs_give() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"{BEGIN}\n{markets_page()}<!-- end -->" in page, f"python -m outrider.cli.markets list --write {PAGE}"


def test_the_page_is_renewed_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "markets.md"
    page.write_text(f"before\n{BEGIN}\nold\n<!-- end -->\nafter\n")
    assert run("list", "--write", str(page)).exit_code == 0
    assert page.read_text() == f"before\n{BEGIN}\n{markets_page()}<!-- end -->\nafter\n"
    assert run("list", "--markdown").output == markets_page()


def test_every_unconfirmed_row_is_marked_on_the_page_and_on_the_screen() -> None:
    shown = run("show", "FR").output
    assert "[unconfirmed]\n    Vendors citing the CNIL" in shown
    assert "| Vendors citing the CNIL: Monday to Saturday 08 to 20" in markets_page()
    row = next(line for line in markets_page().splitlines() if "Vendors citing" in line)
    assert "| **no** |" in row


def test_the_list_names_every_market_with_what_is_confirmed() -> None:
    assert [line[:2] for line in run("list").output.splitlines()] == ["DE", "ES", "FR", "GB", "IT", "PT"]
    listed = json.loads(run("list", "--json").output)
    assert [one["code"] for one in listed] == ["DE", "ES", "FR", "GB", "IT", "PT"]
    assert all(0 <= one["confirmed"] < one["rules"] for one in listed)
    assert listed[1]["zones"] == ["Europe/Madrid", "Atlantic/Canary", "Africa/Ceuta"]


def test_a_market_is_shown_whole_and_in_any_case() -> None:
    shown = json.loads(run("show", "es", "--json").output)
    assert (shown["code"], shown["zone"], shown["prices"][0]["confirmed"]) == ("ES", "Europe/Madrid", False)


@pytest.mark.parametrize("command", ["show", "diff"])
def test_an_unknown_market_is_refused_with_the_known_ones(command: str) -> None:
    result = run(command, "xx")
    assert (result.exit_code, "there is no market 'xx'; known: DE, ES" in result.output) == (2, True)


def company(folder: Path) -> Path:
    for path, text in {
        "outrider.toml": "",
        "journeys/a.yaml": "",
        "templates/hello/template.yaml": "",
        "templates/hello/sms.en.j2": "",
        "templates/hello/markets/es/sms.es.j2": "",
        "templates/hello/markets/gb/sms.en.j2": "",
        "markets/spain.yaml": "market: ES\n",
        "markets/broken.yaml": "market: [\n",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def test_the_difference_counts_rules_and_files(tmp_path: Path) -> None:
    found = json.loads(run("diff", "ES", "--folder", str(company(tmp_path)), "--json").output)
    assert found["own_files"] == ["markets/spain.yaml", "templates/hello/markets/es/sms.es.j2"]
    # Seven files: Britain's overlay is not counted.
    assert found["files"] == 7
    common = found["rules"] - len(found["own_rules"]) + 5
    assert found["common"] == round(common / (found["rules"] + 7), 4)
    assert all(not row["common"] for row in found["own_rules"])
    topics = [row["topic"] for row in found["own_rules"]]
    assert {"hours", "holidays", "zones by number", "opt-out words", "senders", "prices"} <= set(topics)
    assert topics.count("hours") == 1


def test_the_difference_is_told_in_words_with_its_definition(tmp_path: Path) -> None:
    told = run("diff", "DE", "--folder", str(company(tmp_path))).output
    assert "hours: commercial: Mon-Sat 08:00-20:00, not on public holidays [unconfirmed]" in told
    assert "has 0 of 5 files for DE alone." in told
    assert "Common: " in told
    assert "Counted are the six purposes" in told
    assert "files for" not in run("diff", "DE").output


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    result = run("diff", "DE", "--folder", str(tmp_path / "none"))
    assert (result.exit_code, "is not a folder" in result.output) == (1, True)


def count(*words: str, text: str = "a" * 170) -> Result:
    return CliRunner().invoke(SMS, ["count", *words], input=text)


def test_a_price_is_counted_by_segments_and_says_that_nobody_confirmed_it() -> None:
    line = count("--market", "de").output.splitlines()[-1]
    assert line.startswith("Price in DE: 0.18 EUR (0.09 EUR a segment; unconfirmed: ")
    price = json.loads(count("--market", "DE", "--provider", "smsmode", "--json").output)["price"]
    assert (price["total"], price["segment"], price["currency"], price["confirmed"]) == (0.18, 0.09, "EUR", False)
    assert "Price" not in count().output


def test_a_price_in_an_unknown_market_is_refused() -> None:
    assert count("--market", "XX").exit_code == 2
