"""What commands share: one event loop, and every expected failure as one friendly sentence."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

import click

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on uvloop; expected failures become an error message and exit code 1."""
    import sys

    import structlog
    import uvloop

    from outrider.contracts.reading_store import Unavailable
    from outrider.installation import NothingApplied
    from outrider.settings import BadSetting
    from outrider.store.durability import UnsafeDurability
    from outrider.store.launcher import CannotStart
    from outrider.store.migrate import MigrationFailed, MigrationRefused

    expected = (
        NothingApplied,
        BadSetting,
        UnsafeDurability,
        CannotStart,
        MigrationFailed,
        MigrationRefused,
        Unavailable,
        ConnectionError,
    )
    # Standard output belongs to what a command answers, so that scripts can read it.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    try:
        return uvloop.run(work)
    except expected as error:
        raise click.ClickException(str(error)) from error
    except ExceptionGroup as group:
        known, unknown = group.split(expected)
        if known is None or unknown is not None:
            raise
        raise click.ClickException("; ".join(str(error) for error in known.exceptions)) from group
