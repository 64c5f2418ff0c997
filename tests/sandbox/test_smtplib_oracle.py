"""Python's own SMTP client talks to the sandbox's mail server: a second opinion on the wire format."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from mail_stage import ATTEMPT, MailStage, play_mail

from outrider.sandbox.certificate import certificate

FROM, TO = "cars@example.com", "zoe@example.org"


def talk(folder: Path, words: Callable[[smtplib.SMTP, MailStage], Any]) -> list[Any]:
    """What a scene between smtplib and the server gives, and what the ledger holds then."""
    found: list[Any] = []

    async def scene(stage: MailStage) -> None:
        address = urlsplit(stage.sandbox.urls["smtp"])

        def speak() -> Any:
            with smtplib.SMTP(str(address.hostname), address.port or 0, timeout=10) as client:
                return words(client, stage)

        found.extend([await asyncio.to_thread(speak), [line.text for line in stage.sandbox.lines()]])

    play_mail(folder, scene)
    return found


@pytest.mark.parametrize("how", ["PLAIN", "LOGIN"])
def test_a_mail_goes_through_after_either_login_in_tls(tmp_path: Path, how: str) -> None:
    def words(client: smtplib.SMTP, stage: MailStage) -> Any:
        account = stage.sandbox.account("smtp")
        client.starttls(context=ssl.create_default_context(cadata=certificate().decode()))
        client.ehlo()
        client.user, client.password = account.id, account.secret
        client.auth(how, client.auth_plain if how == "PLAIN" else client.auth_login)  # type: ignore[arg-type]
        return client.sendmail(FROM, [TO], "Subject: Hi\r\n\r\n.dots\r\n..more\r\nend")

    assert talk(tmp_path, words) == [{}, [".dots\n..more\nend"]]


def test_our_own_mail_by_another_client_is_the_same(tmp_path: Path) -> None:
    def words(client: smtplib.SMTP, stage: MailStage) -> Any:
        account = stage.sandbox.account("smtp")
        client.login(account.id, account.secret)
        request = stage.provider.request(stage.message(text="Größe\n.\n"))
        return client.sendmail(FROM, [TO], request.body, [f"ENVID={ATTEMPT.format(1)}"])

    assert talk(tmp_path, words) == [{}, ["Größe\n."]]


@pytest.mark.parametrize(
    ("commands", "code"),
    [
        (["MAIL FROM:<a@b.example>"], 530),
        (["RCPT TO:<a@b.example>"], 503),
        (["DATA"], 503),
        (["VRFY zoe"], 502),
        (["AUTH CRAM-MD5"], 504),
        (["AUTH PLAIN !!"], 535),
        (["NOOP"], 250),
        (["HELO me"], 250),
        (["NOOP", "RSET"], 250),
        (["QUIT"], 221),
        (["\x00\xff"], 502),
    ],
)
def test_commands_out_of_order_are_answered_as_the_standard_says(
    tmp_path: Path, commands: list[str], code: int
) -> None:
    def words(client: smtplib.SMTP, stage: MailStage) -> Any:
        client.ehlo()
        client.command_encoding = "latin-1"
        return [client.docmd(command)[0] for command in commands][-1]

    assert talk(tmp_path, words) == [code, []]


def test_after_a_login_the_envelope_is_checked(tmp_path: Path) -> None:
    def words(client: smtplib.SMTP, stage: MailStage) -> Any:
        account = stage.sandbox.account("smtp")
        client.login(account.id, account.secret)
        asked = [
            "MAIL FROM:a@b.example",
            "MAIL FROM:<a@b.example>",
            "RCPT TO:<nobody>",
            f"RCPT TO:<{TO}>",
            f"RCPT TO:<{TO}>",
        ]
        return [client.docmd(command)[0] for command in asked]

    assert talk(tmp_path, words)[0] == [501, 250, 501, 250, 503]
