"""From a configuration to accounts, desk and renderer."""

from __future__ import annotations

import asyncio

import pytest

from configuration_toml import MINIMAL, configured
from outrider import wiring
from outrider.configuration.toml import AccountEntry, Toml
from outrider.settings import BadSetting
from outrider.testing import builders
from outrider.testing.memory_subject import HandClock
from outrider.workers.engine.library import Library, Version
from outrider.workers.prepare import Account, CannotRender


async def never(number):
    raise LookupError(number)


def library(configuration):
    return Library(configuration, never, Version("1", "2026a"))


def test_accounts_get_their_provider_their_secret_and_a_token_of_their_own(monkeypatch):
    monkeypatch.setenv("SMSMODE_KEY", "geheim")
    accounts = wiring.build_accounts(configured(MINIMAL), b"k" * 32, None)
    one, two = accounts["one"], accounts["two"]
    assert (one.name, one.provider.name, one.deadline, one.sandbox) == ("one", "smsmode", 10.0, False)
    assert (two.deadline, two.sandbox) == (3.0, True)
    assert len(one.token) == 32
    assert one.token != two.token
    assert one.token == wiring.build_accounts(configured(MINIMAL), b"k" * 32, None)["one"].token
    assert one.token != wiring.build_accounts(configured(MINIMAL), b"l" * 32, None)["one"].token


def test_a_secret_is_never_shown(monkeypatch):
    monkeypatch.setenv("SMSMODE_KEY", "geheim")
    accounts = wiring.build_accounts(configured(MINIMAL), b"k" * 32, None)
    assert "geheim" not in f"{accounts!r} {accounts['one'].provider} {configured(MINIMAL).toml!r}"


def test_a_secret_that_is_missing_stops_the_start_by_name(monkeypatch):
    monkeypatch.delenv("SMSMODE_KEY", raising=False)
    with pytest.raises(BadSetting, match="env:SMSMODE_KEY"):
        wiring.build_accounts(configured(MINIMAL), b"k" * 32, None)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"api_key": "x", "apikey": 1}, "account main: unknown setting 'apikey'; known: api_key"),
        ({}, "account main: Object missing required field `api_key`"),
        ({"api_key": "x", "append_stop": "geheim"}, "account main: Expected `bool`, got `str`"),
    ],
)
def test_settings_that_do_not_fit_the_provider_are_named(settings, reason):
    configuration = builders.changed(
        configured(""), toml=Toml(accounts=(AccountEntry("main", "smsmode", settings, sandbox=True),))
    )
    with pytest.raises(BadSetting) as error:
        wiring.build_accounts(configuration, b"k" * 32, None)
    assert str(error.value).startswith(reason)
    assert "geheim" not in str(error.value)


def test_credentials_the_provider_cannot_read_are_named_and_not_quoted():
    entry = AccountEntry("app", "fcm", {"service_account": "geheim"}, sandbox=True)
    configuration = builders.changed(configured(""), toml=Toml(accounts=(entry,)))
    with pytest.raises(BadSetting, match="account app: expected the JSON file of a service account") as error:
        wiring.build_accounts(configuration, b"k" * 32, None)
    assert "geheim" not in str(error.value)


@pytest.mark.parametrize(("environment", "allowed"), [("production", None), ("demo", ("+336*",))])
def test_only_production_writes_to_everybody(environment, allowed):
    text = f'environment = "{environment}"\nallow = ["+336*"]\n'
    desk = wiring.build_desk(library(configured(text)), {}, "https://x")
    assert desk.allowed == allowed


def test_a_message_is_rendered_with_the_templates_of_its_own_configuration():
    render = wiring.renderer(library(configured("")))
    message = builders.message(builders.stream("anna"), HandClock().at, "hello", config=1)
    assert (render(message).text, render(message).segments) == ("Bonjour Zoé.", 1)
    english = builders.changed(message, content=builders.changed(message.content, locale="en"))
    assert render(english).text == "Hello Zoé."
    with pytest.raises(CannotRender, match=r"sms\.fr\.j2:1"):
        render(builders.changed(message, content=builders.changed(message.content, values={})))
    with pytest.raises(KeyError):
        render(builders.changed(message, config=2))


def test_transports_of_their_own_are_closed_and_the_others_have_nothing_to_close(monkeypatch):
    monkeypatch.setenv("SMSMODE_KEY", "geheim")
    accounts = wiring.build_accounts(configured(MINIMAL), b"k" * 32, None)
    closed = []

    class Direct:
        async def send(self, message, deadline):
            raise AssertionError("nothing is sent")

        async def close(self):
            closed.append(1)

    accounts["mail"] = Account("mail", Direct(), "token")
    asyncio.run(wiring.close_accounts(accounts))
    assert closed == [1]


def test_a_password_in_clear_over_a_network_stops_the_start():
    settings = {"host": "mail.example.com", "tls": "none", "username": "me", "password": "geheim"}
    for host, stops in (("mail.example.com", True), ("127.0.0.1", False)):
        entry = AccountEntry("mail", "smtp", {**settings, "host": host}, sandbox=True)
        configuration = builders.changed(configured(""), toml=Toml(accounts=(entry,)))
        if stops:
            with pytest.raises(BadSetting, match="account mail: tls = none would send the password in clear"):
                wiring.build_accounts(configuration, b"k" * 32, None)
        else:
            assert wiring.build_accounts(configuration, b"k" * 32, None)["mail"].provider.name == "smtp"
