"""Settings of an account that do not go together are refused where they stand, before anything is applied."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from outrider.cli import main
from outrider.configuration.accounts import account_problems
from outrider.configuration.toml import read_toml
from outrider.contracts.provider import Secret
from outrider.plugged import providers

MAIL = """environment = "test"

[accounts.mail]
provider = "smtp"
host = "{host}"
tls = "none"
username = "rental"
password = "env:MAIL_PASSWORD"
"""


def problems(text: str, kind: type | None = None) -> list[tuple[int, int, str]]:
    (account,) = read_toml(text)[0].accounts
    found = account_problems(account, kind or providers()[account.provider].Settings, text)
    return [(one.line, one.column, one.message) for one in found]


def test_a_password_that_would_travel_in_clear_is_found_at_its_setting() -> None:
    words = "tls = none would send the password in clear: use starttls or implicit"
    assert problems(MAIL.format(host="mail.example.com")) == [(6, 1, words)]
    assert problems(MAIL.format(host="localhost")) == []


def test_settings_that_are_wrong_one_by_one_are_told_alone() -> None:
    text = MAIL.format(host="mail.example.com") + 'port = "none"\n'
    assert [place[0] for place in problems(text)] == [9]


class Strange(msgspec.Struct):
    """Settings whose check names none of them."""

    host: str
    tls: str
    username: str
    password: Secret

    def __post_init__(self) -> None:
        raise ValueError("no luck today")


def test_a_check_that_names_no_setting_is_told_at_its_account() -> None:
    assert problems(MAIL.format(host="x"), Strange) == [(3, 1, "no luck today")]


def test_check_says_so_with_file_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "outrider.toml").write_text(MAIL.format(host="mail.example.com"))
    result = CliRunner().invoke(main, ["check", str(tmp_path)])
    assert result.exit_code == 1
    assert "outrider.toml:6:1" in result.output
    assert "would send the password in clear" in result.output


@pytest.mark.parametrize("provider", sorted(providers()))
def test_no_check_of_settings_wants_a_secret_that_is_not_there_yet(provider: str) -> None:
    kind = providers()[provider].Settings
    needed = [field for field in msgspec.structs.fields(kind) if field.required]
    rows = [f'{field.name} = "{"env:KEY" if field.type is Secret else "x"}"' for field in needed]
    text = "\n".join(["[accounts.one]", f'provider = "{provider}"', *rows])
    assert not [words for _, _, words in problems(text) if "env" in words.lower()]
