"""What every value from outside must keep to before it may enter the log, as findings of a request."""

from __future__ import annotations

from typing import Any

from outrider.api.problems import Wrong
from outrider.ingest.values import wrong_value as wrong_place


def wrong_value(value: Any, path: str) -> Wrong | None:
    """The first place of a JSON value that cannot be stored; None when all of it can."""
    found = wrong_place(value, path)
    return Wrong(*found) if found else None
