"""exit: leave the journey here, with a reason. Messages still held or queued from before are canceled.

Messages asked for since the last wait go out: they are what the author says on the way out.
"""

from __future__ import annotations

from outrider.contracts.reading import Reading
from outrider.contracts.shapes import TEXT
from outrider.contracts.step import Leave, Move, Node, Parsed, Scene, Stimulus


class Exit:
    """The step; its settings are the reason."""

    name = "exit"
    keys = ()
    shapes = {"exit": TEXT}  # noqa: RUF012  constant

    def parse(self, reading: Reading) -> Parsed:
        """The reason, a text for reports."""
        return Parsed(reading.at("exit").text("a reason"), walks_on=False)

    def enter(self, node: Node, scene: Scene) -> Move:
        """Leave."""
        return Leave(node.settings)

    def resume(self, node: Node, scene: Scene, stimulus: Stimulus) -> Move | None:
        """Nobody ever stays here."""
        return None


STEP = Exit()
