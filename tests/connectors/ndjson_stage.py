"""A file with events, for the contract suite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from outrider.connectors.ndjson import NdjsonSettings


class NdjsonStage:
    """One file in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "events.ndjson"
        self.path.touch()

    def settings(self) -> NdjsonSettings:
        return NdjsonSettings(str(self.path))

    def put(self, raws: Sequence[bytes]) -> None:
        with self.path.open("ab") as file:
            file.writelines(raw + b"\n" for raw in raws)


STAGE = NdjsonStage
