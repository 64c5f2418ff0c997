"""A provider is added by one file and its case files, and is then everywhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from outrider.cli.providers import providers_matrix
from outrider.lib.discover import plugins
from outrider.testing.provider_cases import FILES, UPDATE, orphans, subjects
from outrider.testing.provider_suite import ProviderSuite, run_all

HERE = Path(__file__).parent
#: smsmode under another name and host: a provider written by somebody else.
PROVIDER = '''
"""Acme speaks smsmode's wire format."""

from datetime import date
from typing import Any, ClassVar

from outrider.contracts.provider import Abilities
from outrider.providers.sms.smsmode import Smsmode, SmsmodeSettings


class Acme(Smsmode):
    name: ClassVar[str] = "acme"
    title: ClassVar[str] = "Acme Text"
    abilities: ClassVar[Abilities] = Abilities(
        "both", False, False, inbound=True, verified_on=date(2026, 10, 1), verified_with="a friend"
    )


PROVIDER = Acme
'''


@pytest.fixture
def extra(tmp_path: Path) -> Path:
    """A folder with one provider file and its case files."""
    (tmp_path / "sms").mkdir()
    (tmp_path / "sms" / "acme.py").write_text(PROVIDER)
    shutil.copytree(HERE / "sms" / "smsmode", tmp_path / "sms" / "acme")
    return tmp_path


def change(file: Path, place: int, **fields: Any) -> None:
    document = json.loads(file.read_text())
    document["cases"][place].update(fields)
    file.write_text(json.dumps(document))


def test_it_is_discovered_beside_the_shipped_ones(extra: Path) -> None:
    found = plugins("outrider.providers", "PROVIDER", extra=[extra])
    assert {"acme", "smsmode", "twilio"} <= set(found)


def test_it_stands_in_the_matrix(extra: Path) -> None:
    [row] = set(providers_matrix([extra]).splitlines()) - set(providers_matrix().splitlines())
    assert row == "| acme | sms | Acme Text | both | no | no | yes | callback | none | 2026-10-01 | a friend |"


def test_it_passes_the_whole_contract_suite(extra: Path) -> None:
    [acme] = [subject for subject in subjects(HERE, [extra]) if str(subject) == "acme"]
    assert acme.folder == extra / "sms" / "acme"
    run_all(acme)


@pytest.mark.parametrize("file", FILES)
def test_without_a_case_file_it_fails(extra: Path, file: str) -> None:
    (extra / "sms" / "acme" / file).unlink()
    [acme] = [subject for subject in subjects(HERE, [extra]) if str(subject) == "acme"]
    with pytest.raises(AssertionError, match=rf"provider acme has no .*{file}: write its cases"):
        run_all(acme)


def test_a_wrong_expectation_fails_and_names_the_case(extra: Path) -> None:
    change(extra / "sms" / "acme" / "outcome.json", 0, expect={"type": "refused"})
    [acme] = [subject for subject in subjects(HERE, [extra]) if str(subject) == "acme"]
    with pytest.raises(AssertionError, match="'accepted with parts and price'"):
        run_all(acme)


def test_update_mode_rewrites_a_wrong_expectation(extra: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = extra / "sms" / "acme" / "outcome.json"
    before = json.loads(file.read_text())
    change(file, 0, expect={"type": "refused"})
    monkeypatch.setenv(UPDATE, "1")
    [acme] = [subject for subject in subjects(HERE, [extra]) if str(subject) == "acme"]
    run_all(acme)
    assert json.loads(file.read_text()) == before


def test_two_cases_of_one_name_and_unknown_fields_fail(extra: Path) -> None:
    [acme] = [subject for subject in subjects(HERE, [extra]) if str(subject) == "acme"]
    file = extra / "sms" / "acme" / "send.json"
    whole = file.read_text()
    change(file, 1, case="a plain message goes to digits only")
    with pytest.raises(AssertionError, match="two cases have the same name"):
        run_all(acme)
    file.write_text(whole)
    change(file, 1, expected={})
    with pytest.raises(AssertionError, match="unknown field `expected`"):
        run_all(acme)


def test_case_folders_without_a_provider_and_files_nobody_reads_are_found(tmp_path: Path) -> None:
    shutil.copytree(HERE / "sms", tmp_path / "sms")
    assert orphans(tmp_path, subjects(tmp_path)) == []
    (tmp_path / "sms" / "gone").mkdir()
    (tmp_path / "sms" / "twilio" / "send2.json").touch()
    assert orphans(tmp_path, subjects(tmp_path)) == [
        tmp_path / "sms" / "gone",
        tmp_path / "sms" / "twilio" / "send2.json",
    ]


@pytest.mark.parametrize(
    ("broken", "check", "failure"),
    [
        pytest.param(
            "def outcome(self, response): return super().outcome(response) if response.body else 1 / 0",
            "test_outcome_is_total",
            ZeroDivisionError,
            id="an outcome that raises",
        ),
        pytest.param(
            "def __repr__(self): return self._settings.api_key.value",
            "test_secrets_stay_inside",
            AssertionError,
            id="a chatty repr",
        ),
        pytest.param(
            "def receipts(self, callback): return [{}['x']]",
            "test_receipts_refuses_junk_politely",
            KeyError,
            id="receipts that crash",
        ),
        pytest.param(
            "def found(self, doubt, response): return None",
            "test_an_unreadable_lookup_shows_nothing",
            pytest.fail.Exception,
            id="a page taken for absence",
        ),
        pytest.param(
            "def request(self, message):\n"
            "        from msgspec.structs import replace\n"
            "        text = message.body.text.strip()\n"
            "        return super().request(replace(message, body=replace(message.body, text=text)))",
            "test_any_text_travels_unharmed",
            AssertionError,
            id="a text improved on the way",
        ),
        pytest.param(
            "def outcome(self, response):\n"
            "        from outrider.domain.attempt import Refused, Reason\n"
            "        told = super().outcome(response)\n"
            "        return Refused(Reason.UNAVAILABLE) if response.status == 502 else told",
            "test_429_and_5xx_mean_what_they_mean_everywhere",
            AssertionError,
            id="a gateway's page taken for a refusal",
        ),
    ],
)
def test_the_suite_catches_a_provider_that_breaks_its_promise(
    extra: Path, broken: str, check: str, failure: type[Exception]
) -> None:
    name = '    name: ClassVar[str] = "acme"'
    (extra / "sms" / "acme.py").write_text(PROVIDER.replace(name, f"    {broken}\n\n{name}"))
    [acme] = [subject for subject in subjects(HERE, [extra]) if str(subject) == "acme"]
    with pytest.raises(failure):
        getattr(ProviderSuite(), check)(subject=acme)
