"""A provider's cases as data: JSON in, JSON out, one folder per provider with four files.

send.json     settings and message → the request
outcome.json  answer → the outcome
receipts.json callback → receipts and replies, or the refusal
lookup.json   doubt → the request; answers → the id they prove

Every `expect` can be rewritten from what the code does now (`OUTRIDER_UPDATE_CASES=1`); the reviewer reads the diff.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from outrider.contracts.http import Request, Response
from outrider.contracts.provider import Callback, Doubt, Forged, Outbound, Provider, Unreadable
from outrider.lib.discover import plugins

FILES = ("send.json", "outcome.json", "receipts.json", "lookup.json")
UPDATE = "OUTRIDER_UPDATE_CASES"


class SendCase(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A message and the request it becomes."""

    case: str
    message: Outbound
    expect: dict[str, Any] | None = None
    #: Settings other than the file's.
    settings: dict[str, Any] | None = None


class OutcomeCase(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """An answer and the outcome it means. The body is `json` or `text`."""

    case: str
    status: int
    headers: dict[str, str] = {}
    json: Any = None
    text: str | None = None
    expect: dict[str, Any] | None = None

    def response(self) -> Response:
        """The answer as the transport gives it."""
        body = msgspec.json.encode(self.json) if self.text is None else self.text.encode()
        return Response(self.status, self.headers, body)


class ReceiptCase(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A callback and what it says. The body is `json`, `form` or `text`; signatures are the provider's own."""

    case: str
    url: str
    method: str = "POST"
    headers: dict[str, str] = {}
    json: Any = None
    form: dict[str, str] | None = None
    text: str | None = None
    settings: dict[str, Any] | None = None
    expect: list[dict[str, Any]] | str | None = None

    def callback(self) -> Callback:
        """The callback as the API hands it on."""
        query = dict(parse_qsl(urlsplit(self.url).query))
        return Callback(self.method, self.url, query, self.headers, self._body(), datetime.fromisoformat(RECEIVED))

    def _body(self) -> bytes:
        if self.form is not None:
            return urlencode(self.form).encode()
        return msgspec.json.encode(self.json) if self.text is None else self.text.encode()


class Found(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """An answer to a look-up and the id it proves; nothing when it shows absence, "Unreadable" when neither."""

    case: str
    status: int
    json: Any = None
    text: str | None = None
    expect: str | None = None


class LookupCase(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A doubt, the request that asks, and what answers to it prove."""

    case: str
    doubt: Doubt
    expect: dict[str, Any] | None = None
    answers: list[Found] = []


RECEIVED = "2026-11-01T12:00:00+00:00"
Case = TypeVar("Case", SendCase, OutcomeCase, ReceiptCase, LookupCase)


class CaseFile(msgspec.Struct, Generic[Case], forbid_unknown_fields=True):
    """One file: the settings its cases share, and the cases."""

    settings: dict[str, Any]
    cases: list[Case]


class Subject(msgspec.Struct, frozen=True):
    """A provider under test and its case folder."""

    provider: type[Provider]
    folder: Path

    def __str__(self) -> str:
        return self.provider.name

    @property
    def direct(self) -> bool:
        """Whether the provider brings its own transport."""
        return hasattr(self.provider, "send")

    def build(self, settings: dict[str, Any]) -> Provider:
        """An instance with these settings. Raises msgspec.ValidationError when they do not fit."""
        return self.provider(msgspec.convert(settings, self.provider.Settings))

    def read(self, file: str, shape: type[CaseFile[Case]]) -> CaseFile[Case]:
        """The cases in one of the four files. Raises AssertionError naming the file when there are none."""
        path = self.folder / file
        assert path.is_file(), f"provider {self.provider.name} has no {path}: write its cases"
        try:
            cases = msgspec.json.decode(path.read_bytes(), type=shape)
        except msgspec.DecodeError as error:
            raise AssertionError(f"{path}: {error}") from error
        names = [case.case for case in cases.cases]
        assert names, f"{path}: no cases"
        assert len(set(names)) == len(names), f"{path}: two cases have the same name"
        return cases

    def check(self, file: str, cases: CaseFile[Case], told: Sequence[Any]) -> None:
        """Compare what the code said about each case; in update mode write it into the file instead."""
        if os.environ.get(UPDATE):
            for case, actual in zip(cases.cases, told, strict=True):
                case.expect = actual
            write(self.folder / file, cases)
        wrong = [
            f"{self.folder / file}: {case.case!r}\n  expected {case.expect}\n  got      {actual}"
            for case, actual in zip(cases.cases, told, strict=True)
            if case.expect != actual
        ]
        assert not wrong, "\n".join(wrong)


def subjects(cases: Path, extra: Sequence[Path] = ()) -> list[Subject]:
    """Every provider and its case folder `{cases}/{channel}/{name}`.

    extra: folders with further providers; each may carry the case folder beside the file: `{channel}/{name}/`.
    """
    found = plugins("outrider.providers", "PROVIDER", extra=extra)
    return [Subject(provider, _folder(provider, (cases, *extra))) for provider in found.values()]


def _folder(provider: type[Provider], roots: Sequence[Path]) -> Path:
    folders = [root / provider.channel / provider.name for root in roots]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def orphans(cases: Path, known: Sequence[Subject]) -> list[Path]:
    """Case folders no provider uses, and files in case folders that no check reads."""
    used = {subject.folder for subject in known}
    folders = [folder for channel in cases.iterdir() if channel.is_dir() for folder in channel.iterdir()]
    unknown = [folder for folder in folders if folder.is_dir() and folder not in used and folder.name != "__pycache__"]
    unread = [file for folder in used if folder.is_dir() for file in folder.iterdir() if file.name not in FILES]
    return sorted(unknown + unread)


def shown(request: Request | None) -> dict[str, Any] | None:
    """A request as a case file has it: JSON and form bodies opened up, mail in its lines."""
    if request is None:
        return None
    return {
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
        "body": _opened(request.body, dict(request.headers).get("content-type", "")),
    }


def _opened(body: bytes, kind: str) -> Any:
    if kind.startswith("application/json"):
        return msgspec.json.decode(body)
    if kind.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
    if kind.startswith("message/rfc822"):
        return body.decode("ascii").split("\r\n")
    return body.decode()


def told_receipts(provider: Provider, callback: Callback) -> list[dict[str, Any]] | str:
    """The receipts and replies in a callback, or the name of the refusal."""
    try:
        found = provider.receipts(callback)
    except (Forged, Unreadable) as refusal:
        return type(refusal).__name__
    return [{"type": type(one).__name__, **_without_defaults(one)} for one in found]


def _without_defaults(value: Any) -> dict[str, Any]:
    """Fields that say something, in the order of the struct."""
    plain: dict[str, Any] = msgspec.to_builtins(value)
    return {name: field for name, field in plain.items() if field not in (None, "", ())}


def told_found(provider: Provider, doubt: Doubt, answer: Found) -> str | None:
    """The id an answer to a look-up proves, nothing, or "Unreadable"."""
    body = msgspec.json.encode(answer.json) if answer.text is None else answer.text.encode()
    try:
        return provider.found(doubt, Response(answer.status, {}, body))
    except Unreadable:
        return "Unreadable"


def told_outcome(provider: Provider, case: OutcomeCase) -> dict[str, Any]:
    """The outcome as a case file has it."""
    return _without_defaults(provider.outcome(case.response()))


def write(path: Path, cases: Any) -> None:
    """Write a case file the way a person would."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(cases), indent=2) + b"\n")
