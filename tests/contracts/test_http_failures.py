"""What every provider's failure means alike."""

from __future__ import annotations

import pytest

from outrider.contracts.http import Response, general_failure, retry_after
from outrider.domain.attempt import Reason, Refused, Unknown


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": " 7 "}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_its_seconds_form(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after(Response(429, headers)) == expected


@pytest.mark.parametrize(
    ("status", "understood", "expected"),
    [
        (429, False, Refused(Reason.THROTTLED, "429", 9.0)),
        (503, True, Refused(Reason.UNAVAILABLE, "503", 9.0)),
        (503, False, Unknown("503 without the provider's own error document")),
        (500, False, Unknown("500 without the provider's own error document")),
        (401, True, Refused(Reason.UNAUTHORIZED, "401")),
        (403, True, Refused(Reason.UNAUTHORIZED, "403")),
        (401, False, None),
        (400, True, None),
        (200, True, None),
    ],
)
def test_a_failure_is_read_alike_for_every_provider(
    status: int, understood: bool, expected: Refused | Unknown | None
) -> None:
    assert general_failure(Response(status, {"retry-after": "9"}), understood=understood) == expected
