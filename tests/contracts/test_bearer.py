"""What an OAuth 2.0 token endpoint answers, in our words."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.contracts.bearer import UNSAID_SECONDS, Bearer, bearer_of
from outrider.contracts.http import Response
from outrider.domain.attempt import Reason, Refused


def answer(status: int, document: object, headers: dict[str, str] | None = None) -> Bearer | Refused:
    return bearer_of(Response(status, headers or {}, msgspec.json.encode(document)))


def test_a_grant_is_a_token_and_the_seconds_it_lasts() -> None:
    assert answer(200, {"access_token": "ya29.a", "expires_in": 3599, "token_type": "Bearer"}) == Bearer("ya29.a", 3599)


def test_a_grant_that_does_not_say_how_long_it_lasts_is_not_trusted_for_long() -> None:
    assert answer(200, {"access_token": "ya29.a"}) == Bearer("ya29.a", UNSAID_SECONDS)


@pytest.mark.parametrize(
    ("status", "document", "reason"),
    [
        (400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, Reason.UNAUTHORIZED),
        (401, {"error": "invalid_client"}, Reason.UNAUTHORIZED),
        (403, "no document", Reason.UNAUTHORIZED),
        (429, {"error": "slow_down"}, Reason.NOT_CONNECTED),
        (500, "no document", Reason.NOT_CONNECTED),
        (503, {"error": "temporarily_unavailable"}, Reason.NOT_CONNECTED),
        (200, {}, Reason.NOT_CONNECTED),
        (200, {"access_token": ""}, Reason.NOT_CONNECTED),
        (200, {"access_token": "a\r\nx-evil: 1"}, Reason.NOT_CONNECTED),
        (200, {"access_token": "é"}, Reason.NOT_CONNECTED),
        (302, {}, Reason.NOT_CONNECTED),
    ],
)
def test_without_a_token_the_message_was_not_sent(status: int, document: object, reason: Reason) -> None:
    refused = answer(status, document)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_what_the_endpoint_says_is_kept_for_the_operator() -> None:
    refused = answer(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
    assert isinstance(refused, Refused)
    assert refused.detail == "no access token: 400 invalid_grant Invalid JWT Signature."


def test_how_long_to_wait_is_kept() -> None:
    refused = answer(503, {"error": "temporarily_unavailable"}, {"retry-after": "9"})
    assert isinstance(refused, Refused)
    assert refused.retry_after == 9.0


def test_a_token_is_never_shown() -> None:
    assert "ya29" not in repr(Bearer("ya29.a", 60))


@given(st.integers(100, 599), st.binary(max_size=200))
def test_every_answer_is_a_token_or_a_refusal(status: int, body: bytes) -> None:
    assert isinstance(bearer_of(Response(status, {}, body)), Bearer | Refused)
