"""From a configuration to what delivery works with: accounts with their providers, routes, templates."""

from __future__ import annotations

import hashlib
import hmac
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from outrider.configuration.build import Configuration
from outrider.configuration.toml import AccountEntry, Toml
from outrider.content.template import Rendered, RenderError, TemplateSet
from outrider.contracts.provider import Secret, direct
from outrider.domain.message import Message
from outrider.domain.purpose import PURPOSES, Purpose, PurposeRules
from outrider.plugged import providers
from outrider.receipts.acknowledgment import Acknowledgments
from outrider.secrets import resolve
from outrider.settings import BadSetting
from outrider.workers.desk import Account, CannotRender, Desk, Render
from outrider.workers.engine.library import Library


def build_accounts(configuration: Configuration, token_key: bytes, folder: Path | None) -> dict[str, Account]:
    """The accounts of a configuration. Raises BadSetting, naming account and setting."""
    return {entry.name: _account(entry, token_key, folder) for entry in configuration.toml.accounts}


async def close_accounts(accounts: Mapping[str, Account]) -> None:
    """Close the connections of providers that bring their own transport; what is at work ends first."""
    for account in accounts.values():
        if (own := direct(account.provider)) is not None:
            await own.close()


def _account(entry: AccountEntry, token_key: bytes, folder: Path | None) -> Account:
    provider = providers()[entry.provider]
    settings = _settings(entry, provider.Settings, folder)
    try:
        made = provider(settings)
    except ValueError as error:
        raise BadSetting(f"account {entry.name}: {error}") from error
    return Account(entry.name, made, callback_token(entry.name, token_key), entry.deadline, entry.sandbox)


def callback_token(account: str, token_key: bytes) -> str:
    """The unguessable part of an account's callback URL."""
    return hmac.new(token_key, f"callback:{account}".encode(), hashlib.sha256).hexdigest()[:32]


def _settings(entry: AccountEntry, kind: type[Any], folder: Path | None) -> Any:
    secret_fields = {name for name, hint in typing.get_type_hints(kind).items() if hint is Secret}
    values: dict[str, Any] = dict(entry.settings)
    for name in secret_fields & values.keys():
        plain = resolve(str(values[name]), folder, plain_allowed=entry.sandbox)
        values[name] = {"value": plain}
    unknown = set(values) - set(kind.__struct_fields__)
    if unknown:
        known = ", ".join(kind.__struct_fields__)
        raise BadSetting(f"account {entry.name}: unknown setting {sorted(unknown)[0]!r}; known: {known}")
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise BadSetting(f"account {entry.name}: {error}") from error


def renderer(library: Library) -> Render:
    """Renders messages with the templates of their own configuration."""

    def render(message: Message, tables: frozenset[str] = frozenset()) -> Rendered:
        templates: TemplateSet = library.get(message.config).templates
        content = message.content
        try:
            return templates.render(
                message.template, message.channel, content.locale, message.market, content.values, tables
            )
        except RenderError as error:
            raise CannotRender(str(error)) from error

    return render


def build_desk(
    library: Library,
    accounts: Mapping[str, Account],
    public_url: str,
    acknowledgments: Acknowledgments | None = None,
    link_key: bytes = b"",
) -> Desk:
    """What delivery needs to know under the current configuration."""
    toml = library.current.toml
    return Desk(
        routes=toml.routes,
        accounts=accounts,
        render=renderer(library),
        public_url=public_url,
        allowed=None if toml.environment == "production" else toml.allow,
        purposes=purposes_of(toml),
        legality=toml.legality(library.current.policy.markets.values()),
        retries=toml.retries,
        soft_bounces=toml.soft_bounces,
        markets=library.current.policy.markets,
        acknowledgments=acknowledgments,
        link_key=link_key,
    )


def purposes_of(toml: Toml) -> dict[Purpose, PurposeRules]:
    """The purposes' rules, with what the company tightened."""
    return {
        purpose: msgspec.structs.replace(rules, resolve_within=toml.resolve_within.get(purpose, rules.resolve_within))
        for purpose, rules in PURPOSES.items()
    }
