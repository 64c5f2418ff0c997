"""The suite of providers with a transport of their own catches one that breaks its promise."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from outrider.testing.direct_suite import DirectSuite
from outrider.testing.provider_cases import Subject, subjects

HERE = Path(__file__).parent
PROVIDER = '''
"""Acme Mail speaks SMTP."""

from typing import ClassVar

from msgspec.structs import replace

from outrider.contracts.http import Response
from outrider.domain.attempt import Accepted, Reason, Refused, Unknown
from outrider.providers.email.smtp import Smtp, SmtpSettings


class Acme(Smtp):
    name: ClassVar[str] = "acme"
    {broken}


PROVIDER = Acme
'''


def acme(folder: Path, broken: str) -> Subject:
    (folder / "email").mkdir()
    (folder / "email" / "acme.py").write_text(PROVIDER.replace("{broken}", broken))
    shutil.copytree(HERE / "email" / "smtp", folder / "email" / "acme")
    [found] = [subject for subject in subjects(HERE, [folder]) if str(subject) == "acme"]
    return found


@pytest.mark.parametrize(
    ("broken", "check", "failure"),
    [
        pytest.param(
            "async def send(self, message, deadline): raise OSError('no route to host')",
            "test_where_nobody_listens_nothing_was_sent",
            OSError,
            id="a send that raises",
        ),
        pytest.param(
            "async def send(self, message, deadline): return Unknown('who knows')",
            "test_where_nobody_listens_nothing_was_sent",
            AssertionError,
            id="a doubt where nothing was sent",
        ),
        pytest.param(
            "async def send(self, message, deadline): return Accepted('x')",
            "test_a_server_that_says_nothing_is_left_at_the_deadline",
            AssertionError,
            id="an acceptance out of nothing",
        ),
        pytest.param(
            "def outcome(self, response):\n"
            "        return Accepted('x') if response.status == 250 else super().outcome(response)",
            "test_a_2xx_nobody_can_read_is_in_doubt",
            AssertionError,
            id="any 250 taken for acceptance",
        ),
        pytest.param(
            "def outcome(self, response): return Refused(Reason.UNKNOWN_SUBSCRIBER)",
            "test_its_own_503_is_a_refusal_that_may_pass",
            AssertionError,
            id="policy blamed on the person",
        ),
        pytest.param(
            "def outcome(self, response): return Refused(Reason.CONTENT_REJECTED)",
            "test_429_and_5xx_mean_what_they_mean_everywhere",
            AssertionError,
            id="passing trouble taken for a last word",
        ),
        pytest.param(
            "def request(self, message):\n"
            "        request = super().request(message)\n"
            "        return replace(request, body=b'Bcc: x@example.com\\r\\n' + request.body)",
            "test_any_text_travels_unharmed",
            AssertionError,
            id="a header nobody asked for",
        ),
        pytest.param(
            "def close(self): return None",
            "test_it_brings_its_own_transport",
            AssertionError,
            id="a close that cannot be awaited",
        ),
    ],
)
def test_a_broken_promise_is_caught(tmp_path: Path, broken: str, check: str, failure: type[Exception]) -> None:
    with pytest.raises(failure):
        getattr(DirectSuite(), check)(subject=acme(tmp_path, broken))


def test_a_whole_one_passes(tmp_path: Path) -> None:
    subject = acme(tmp_path, "")
    for check in ("test_sending", "test_outcomes", "test_it_brings_its_own_transport"):
        getattr(DirectSuite(), check)(subject=subject)
