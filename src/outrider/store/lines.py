"""Rows of the pages to the lines of contracts/reading_store.py."""

from __future__ import annotations

from typing import Any

from outrider.contracts.reading_store import AttemptLine, DecisionLine, LedgerLine, MessageLine, ReceiptLine
from outrider.domain.message import Content, Rendition
from outrider.domain.profile import Identity
from outrider.store.vault import Vault


def person(row: Any, vault: Vault) -> str | None:
    """The profile's key of a row joined with its profile; its data key is remembered. None for an erased person."""
    if not row["data_key"]:
        return None
    vault.learn(row["stream"], row["person_key_id"], row["data_key"])
    identity: Identity = vault.open_for(row["stream"], Identity, row["person"], row["stream"])
    return identity.key


def message_line(row: Any, vault: Vault) -> MessageLine:
    """A message joined with its profile."""
    profile = person(row, vault)
    return MessageLine(
        id=row["id"],
        stream=row["stream"],
        profile=profile,
        journey=row["journey"],
        template=row["template"],
        purpose=row["purpose"],
        channel=row["channel"],
        market=row["market"],
        status=row["status"],
        status_at=row["status_at"],
        not_before=row["not_before"],
        not_after=row["not_after"],
        intent_at=row["intent_at"],
        attempts=row["attempts"],
        engagement=row["engagement"],
        reason=row["reason"],
        config=row["config"],
        root=row["root"],
        content=None if profile is None else vault.open_for(row["stream"], Content, row["sealed"], row["id"]),
    )


def decision_line(row: Any, vault: Vault) -> DecisionLine:
    """A decision joined with its profile."""
    return DecisionLine(
        id=row["id"],
        number=row["number"],
        stream=row["stream"],
        profile=person(row, vault),
        at=row["at"],
        verdict=row["verdict"],
        gate=row["gate"],
        journey=row["journey"],
        template=row["template"],
        purpose=row["purpose"],
        channel=row["channel"],
        config=row["config"],
        record=row["record"],
    )


def attempt_line(row: Any, vault: Vault) -> AttemptLine:
    """An attempt joined with its message's stream, whose data key must be remembered if there is one."""
    stream = row["stream"]
    return AttemptLine(
        message=row["message"],
        number=row["number"],
        route=row["route"],
        account=row["account"],
        state=row["state"],
        at=row["at"],
        ended_at=row["ended_at"],
        reason=row["reason"],
        detail=row["detail"],
        label=row["label"],
        provider_id=row["provider_id"],
        segments=row["segments"],
        price=row["price"],
        currency=row["currency"],
        estimate=row["estimate"],
        body=vault.open_for(stream, Rendition, row["body"], row["message"]) if vault.knows(stream) else None,
    )


def receipt_line(row: Any) -> ReceiptLine:
    """A receipt."""
    names = ("message", "attempt", "status", "reason", "detail", "at", "received_at")
    return ReceiptLine(**{name: row[name] for name in names})


def ledger_line(row: Any, vault: Vault) -> LedgerLine:
    """A line of the consent ledger; its evidence is gone when the person was erased."""
    sealed = row["sealed"]
    return LedgerLine(
        number=row["number"],
        purpose=row["purpose"],
        channel=row["channel"],
        state=row["state"],
        at=row["at"],
        source=row["source"],
        evidence=vault.open(dict[str, object], row["key_id"], sealed, "consent") if sealed else None,
    )
