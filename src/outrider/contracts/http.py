"""The HTTP values that cross from a provider (pure) to the transport (I/O), and how their failures differ."""

from __future__ import annotations

from typing import Protocol

from outrider.domain.attempt import Reason, Refused, Unknown
from outrider.lib.http.wire import Broken, NotSent, Request, Response

__all__ = ["Broken", "Http", "NotSent", "Request", "Response", "general_failure", "retry_after"]


class Http(Protocol):
    """The transport port. Keeps connections open; follows no redirect; reads no proxy from the environment."""

    async def send(self, request: Request, deadline: float) -> Response:
        """Send one request and read the whole answer within `deadline` seconds.

        Raises NotSent when no byte of the request left, Broken for every failure after that.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


def retry_after(response: Response) -> float | None:
    """Seconds of a Retry-After header in its delta form (RFC 9110 10.2.3); None otherwise."""
    value = response.headers.get("retry-after", "").strip()
    return float(value) if value.isascii() and value.isdigit() else None


def general_failure(response: Response, *, understood: bool) -> Refused | Unknown | None:
    """What every HTTP provider's failure means alike; None when the status is the provider's own to explain.

    `understood` says that the body parsed as one of the provider's own error documents. 429 was not
    processed; 503 and other 5xx with the provider's error are refusals that may pass; a bare 5xx or a
    gateway's page is in doubt (provider facts 0.6, reliability plan 2.2).
    """
    if response.status == 429:
        return Refused(Reason.THROTTLED, "429", retry_after(response))
    if response.status >= 500:
        if understood:
            return Refused(Reason.UNAVAILABLE, str(response.status), retry_after(response))
        return Unknown(f"{response.status} without the provider's own error document")
    if response.status in (401, 403) and understood:
        return Refused(Reason.UNAUTHORIZED, str(response.status))
    return None
