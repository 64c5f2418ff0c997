"""The suites that every implementation of the store's ports passes.

A test file supplies one fixture and inherits; the suites then speak only through the ports::

    class TestMemoryDelivery(DeliveryStoreSuite):
        @pytest.fixture
        def store_factory(self) -> StoreFactory: ...
"""

from __future__ import annotations

from outrider.testing.answer_suite import AnswerSuite
from outrider.testing.bounce_suite import BounceSuite
from outrider.testing.claim_suite import ClaimSuite, SetBackSuite, StopSuite
from outrider.testing.dedupe_suite import DedupeSuite
from outrider.testing.doubt_suite import DoubtSuite
from outrider.testing.engine_suite import LeaseSuite, QuarantineSuite, StimulusSuite
from outrider.testing.journey_suite import JourneySuite
from outrider.testing.keeping_suite import KeepingSuite
from outrider.testing.log_suite import LogSuite
from outrider.testing.outcome_suite import OutcomeSuite, RescueSuite
from outrider.testing.people_suite import PeopleSuite, ThingSuite
from outrider.testing.receipt_suite import OrphanSuite, ReceiptSuite
from outrider.testing.route_suite import RouteSuite
from outrider.testing.slot_suite import SlotSuite

__all__ = ["AnswerSuite", "DeliveryStoreSuite", "EngineStoreSuite", "LogSuite", "RouteSuite"]


class EngineStoreSuite(
    LeaseSuite, StimulusSuite, QuarantineSuite, PeopleSuite, ThingSuite, JourneySuite, SlotSuite, DedupeSuite
):
    """The port `EngineStore`."""


class DeliveryStoreSuite(
    ClaimSuite,
    SetBackSuite,
    StopSuite,
    OutcomeSuite,
    RescueSuite,
    DoubtSuite,
    ReceiptSuite,
    OrphanSuite,
    BounceSuite,
    KeepingSuite,
):
    """The port `DeliveryStore`."""
