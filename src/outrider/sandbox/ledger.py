"""What the simulated providers truly accepted: one JSON line per message, written before the answer.

The file is the judge of every test of loss and duplication. It is appended with plain `write` calls, so it survives
the death of every process; only a crash of the machine may cost its last lines.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from outrider.sandbox.counterpart import Taken


class Line(msgspec.Struct, frozen=True):
    """One accepted message."""

    #: Unix seconds of acceptance.
    at: float
    provider: str
    account: str
    id: str
    to: str
    text: str
    #: Our attempt id as it arrived; empty when none did.
    echo: str
    #: The faults that touched this message, such as ``reset_after``; empty for an ordinary acceptance.
    did: tuple[str, ...] = ()
    #: The subject of a mail, the title of a push; not written where a channel has none.
    subject: str | msgspec.UnsetType = msgspec.UNSET


class Summary(msgspec.Struct, frozen=True):
    """Counts over a ledger."""

    accepted: int
    #: Provider → accepted messages.
    providers: dict[str, int]
    #: Attempt ids the providers accepted more than once for the same address, with the number of times.
    repeated_attempts: dict[str, int]
    #: Messages (attempt id without its ``.n``) accepted more than once for the same address over all attempts and
    #: providers. To several devices of a person a message goes once each.
    repeated_messages: dict[str, int]
    #: Accepted messages that carried no attempt id.
    without_echo: int


ENCODER = msgspec.json.Encoder()
DECODER = msgspec.json.Decoder(Line)


class Ledger:
    """The writing end. Lines are gathered by `add` and reach the file together by `flush`."""

    def __init__(self, path: Path) -> None:
        """Open for appending; creates the file. Raises OSError when the folder is not there or not writable."""
        self.path = path
        self.accepted = 0
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        #: Where this run's lines begin; reset moves it.
        self.start = os.fstat(self._file).st_size
        self._lines: list[bytes] = []

    def add(self, provider: str, taken: Taken, did: Sequence[str] = ()) -> None:
        """Note one acceptance."""
        at = taken.at.timestamp()
        subject = taken.subject or msgspec.UNSET
        line = Line(at, provider, taken.account, taken.id, taken.to, taken.text, taken.echo, tuple(did), subject)
        self._lines.append(ENCODER.encode(line))
        self.accepted += 1

    def flush(self) -> None:
        """Write what was gathered, completely. Raises OSError when the disk refuses."""
        if not self._lines:
            return
        rest = memoryview(b"\n".join(self._lines) + b"\n")
        self._lines.clear()
        while rest:
            rest = rest[os.write(self._file, rest) :]

    def begin_anew(self) -> None:
        """Count from here on; the lines written so far stay in the file."""
        self.flush()
        self.start = os.fstat(self._file).st_size
        self.accepted = 0

    def close(self) -> None:
        """Write the rest and close the file."""
        self.flush()
        os.close(self._file)


def read_ledger(path: Path, start: int = 0) -> Iterator[Line]:
    """The lines of a ledger from a byte offset on. A last line cut off by a crash is left out."""
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if line.endswith(b"\n"):
                yield DECODER.decode(line)


def summarize(lines: Iterator[Line]) -> Summary:
    """Count accepted messages by provider, by attempt and by message."""
    providers: Counter[str] = Counter()
    attempts: Counter[tuple[str, str]] = Counter()
    messages: Counter[tuple[str, str]] = Counter()
    without_echo = 0
    for line in lines:
        providers[line.provider] += 1
        if line.echo:
            attempts[line.echo, line.to] += 1
            messages[message_of(line.echo), line.to] += 1
        else:
            without_echo += 1
    return Summary(providers.total(), dict(providers), _repeated(attempts), _repeated(messages), without_echo)


def message_of(echo: str) -> str:
    """The message id of an attempt id: what stands before the last dot."""
    return echo.rpartition(".")[0] or echo


def _repeated(counts: Counter[tuple[str, str]]) -> dict[str, int]:
    """By name, the most for one address."""
    repeated: dict[str, int] = {}
    for (name, _), times in counts.items():
        if times > max(1, repeated.get(name, 1)):
            repeated[name] = times
    return repeated
