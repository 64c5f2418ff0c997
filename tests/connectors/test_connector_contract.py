"""Every discovered connector keeps the contract, on its own stage."""

from __future__ import annotations

from pathlib import Path

import pytest

from outrider.testing.connector_suite import ConnectorSuite, subjects

HERE = Path(__file__).parent
SUBJECTS = subjects(HERE)


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
class TestEveryConnector(ConnectorSuite):
    """The shipped suite, once per connector."""


def test_every_stage_belongs_to_a_connector() -> None:
    assert {path.name for path in HERE.glob("*_stage.py")} == {f"{subject}_stage.py" for subject in SUBJECTS}
