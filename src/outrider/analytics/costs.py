"""Estimated against told costs."""

from __future__ import annotations

from outrider.contracts.reading_store import CostLine

#: A larger difference between estimate and price is flagged: the price list or the count of segments is wrong.
TOLERANCE = 0.02

#: What costs are summed up by.
BY = ("market", "route", "template", "purpose")


def drift(line: CostLine) -> float | None:
    """How far the told costs are from the estimates, as a part of them; None where nothing can be compared."""
    if not line.estimated_of_told or line.told_of_estimated is None:
        return None
    return line.told_of_estimated / line.estimated_of_told - 1


def is_off(line: CostLine) -> bool:
    """Whether somebody should look: the drift passes the tolerance, or providers counted other segments than we."""
    found = drift(line)
    return line.recounted > 0 or (found is not None and abs(found) > TOLERANCE)
