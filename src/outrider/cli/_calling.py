"""Calls of the HTTP API by commands: with a key, again while that is safe, and every refusal as friendly sentences."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import click
import msgspec

from outrider.contracts.http import Broken, Http, NotSent, Request, Response

#: Seconds for one call.
DEADLINE = 60.0
#: How often a call is made, and the seconds between.
TRIES = 5
PAUSE = 0.5


class _Document(msgspec.Struct, frozen=True):
    """A problem document, as far as it is read here."""

    errors: list[dict[str, str]] = []


class NotAnswered(click.ClickException):
    """The API cannot be reached or did not confirm."""


class Refused(click.ClickException):
    """The API refuses the request; the text says where and why."""

    def __init__(self, answer: Response) -> None:
        super().__init__(refusal(answer))
        #: Path and reason of each finding; none where the answer is no problem document.
        self.wrong = tuple((each["path"], each["reason"]) for each in _findings(answer))


@dataclass
class Api:
    """One installation's API."""

    http: Http
    url: str
    key: str

    async def post(self, path: str, media: str, body: bytes, headers: Sequence[tuple[str, str]] = ()) -> bytes:
        """The body of a 2xx answer. Only for requests that may be repeated. Raises NotAnswered, Refused."""
        every = (("content-type", media), ("authorization", f"Bearer {self.key}"), *headers)
        request = Request("POST", self.url + path, every, body)
        failure = ""
        for left in reversed(range(TRIES)):
            try:
                answer = await self.http.send(request, DEADLINE)
            except (NotSent, Broken) as error:
                failure = str(error)
            except ValueError as error:  # what may not be sent: a URL or a header; neither is quoted
                raise click.ClickException(f"{error}; check --url, OUTRIDER_URL and OUTRIDER_API_KEY") from None
            else:
                if answer.status < 300:
                    return answer.body
                if answer.status < 500:
                    raise Refused(answer)
                failure = refusal(answer)
            if left:
                await asyncio.sleep(PAUSE)
        raise NotAnswered(f"{self.url} does not answer: {failure}")


def refusal(answer: Response) -> str:
    """The problem document of an answer as lines; its status where there is none."""
    try:
        document: dict[str, Any] = msgspec.json.decode(answer.body)
        errors = [f"  {wrong['path']}: {wrong['reason']}" for wrong in _findings(answer)]
        head = f"{document['title']} ({answer.status})"
        return "\n".join([f"{head}: {document['detail']}" if document.get("detail") else head, *errors])
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        return f"answered {answer.status}"


def _findings(answer: Response) -> list[dict[str, str]]:
    try:
        return msgspec.json.decode(answer.body, type=_Document).errors
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []


@asynccontextmanager
async def calling(url: str | None) -> AsyncIterator[Api]:
    """The API at a URL, or at that of the environment. Raises ClickException without a key."""
    from outrider.lib.http import open_http
    from outrider.settings import read_settings

    settings = read_settings()
    if not settings.api_key:
        raise click.ClickException("set OUTRIDER_API_KEY to an API key; `outrider keys create` makes one")
    http = open_http()
    try:
        yield Api(http, (url or settings.url or settings.listen_url).rstrip("/"), settings.api_key)
    finally:
        await http.close()
