"""Every discovered provider keeps the contract, on its own cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from outrider.testing.direct_suite import DirectSuite
from outrider.testing.provider_cases import orphans, subjects
from outrider.testing.provider_suite import ProviderSuite

HERE = Path(__file__).parent
SUBJECTS = subjects(HERE)


@pytest.mark.parametrize("subject", [one for one in SUBJECTS if not one.direct], ids=str)
class TestEveryProvider(ProviderSuite):
    """The shipped suite, once per provider."""


@pytest.mark.parametrize("subject", [one for one in SUBJECTS if one.direct], ids=str)
class TestEveryDirectProvider(DirectSuite):
    """The same for providers with a transport of their own."""


def test_every_case_folder_and_file_is_used() -> None:
    assert orphans(HERE, SUBJECTS) == []
