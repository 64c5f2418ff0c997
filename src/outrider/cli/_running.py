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
    from outrider.store.answering import CANNOT_ENTER
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
        TimeoutError,
        *CANNOT_ENTER,
    )
    # Standard output belongs to what a command answers, so that scripts can read it.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    try:
        return uvloop.run(work)
    except expected as error:
        raise click.ClickException(_told(error)) from error
    except ExceptionGroup as group:
        known, unknown = group.split(expected)
        if known is None or unknown is not None:
            raise
        raise click.ClickException("; ".join(map(_told, known.exceptions))) from group


def _told(error: BaseException) -> str:
    """The error's own sentence; the driver's and the system's with whom they are about."""
    from outrider.store.answering import CANNOT_ENTER

    if isinstance(error, CANNOT_ENTER):
        return f"the database of OUTRIDER_DATABASE_URL cannot be used: {error}"
    if (isinstance(error, OSError) and error.errno is not None) or not str(error):
        return f"the database does not answer: {getattr(error, 'strerror', None) or 'the time is over'}"
    return str(error)
