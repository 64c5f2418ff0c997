"""Counters of the API, bound to their labels once; the registry is shared with the workers of the process."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class Metrics:
    """What the API counts, and the gauges filled at each scrape."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        events = Counter("outrider_events", "Events by result of their intake.", ["result"], registry=registry)
        self.accepted = events.labels("accepted")
        self.duplicates = events.labels("duplicate")
        self.rejected = events.labels("rejected")
        callbacks = Counter(
            "outrider_callbacks", "Callbacks of providers by what came of them.", ["result"], registry=registry
        )
        self.received = callbacks.labels("received")
        self.forged = callbacks.labels("forged")
        self.unreadable = callbacks.labels("unreadable")
        self.acknowledged = Counter(
            "outrider_acknowledgments", "Acknowledgments of apps by what came of them.", ["result"], registry=registry
        )
        self._backlog = Gauge(
            "outrider_backlog", "What waits: counts, and ages in seconds.", ["what"], registry=registry
        )

    def render(self, backlog: Mapping[str, float]) -> bytes:
        """Everything in Prometheus' text format 0.0.4."""
        for name, value in backlog.items():
            self._backlog.labels(name).set(value)
        return generate_latest(self._registry)
