"""Draws the demo's terminal view as an SVG for the README: plays a day and keeps the picture from the outage at noon.

python scripts/demo_picture.py docs/pictures/demo.svg
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from outrider.demo.screen import screen
from outrider.demo.show import Options, perform
from outrider.demo.watching import Snapshot

COLUMNS, ROWS = 120, 36
#: A picture with this many failovers shows one happening.
FAILOVERS = 8
#: rich asks a foreign server for its font; a picture in a README must not.
FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def main(arguments: Sequence[str]) -> int:
    """Exit status: 0 when the picture is written, 1 when the day had no outage, 2 for wrong arguments."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    shots: list[Snapshot] = []
    with tempfile.TemporaryDirectory() as home:
        asyncio.run(perform(Options(home=Path(home)), lambda line: print(line), shots.append, stay=False))
    chosen = [shot for shot in shots if shot.outage and len(shot.tally.failovers) >= FAILOVERS]
    if not chosen:
        print("error: no picture shows an outage", file=sys.stderr)
        return 1
    target = Path(arguments[0])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(drawn(chosen[-1]), encoding="utf-8")
    return 0


def drawn(shot: Snapshot) -> str:
    """The view as an SVG without anything to load."""
    with Path("/dev/null").open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, height=ROWS, force_terminal=True, file=nowhere)
        console.print(screen(shot, COLUMNS, ROWS), height=ROWS)
        return FONTS.sub("", console.export_svg(title="make demo", unique_id="demo"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
