"""Previews on a terminal: an SMS as bubbles, one for each segment; a push as a card; an e-mail as subject and text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.box import ROUNDED, SQUARE
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from outrider.content.preview import Shown
from outrider.content.preview_page import fact
from outrider.content.rendering import Rendered
from outrider.content.savings import described
from outrider.content.sms import parts

#: Columns of a bubble or card; an e-mail takes the width of the terminal.
NARROW = 60


def draw(found: Iterable[Shown]) -> None:
    """Print previews, channel after channel."""
    console = Console(highlight=False)
    for shown in found:
        console.print(Text(f"{shown.channel} · {shown.locale} · {', '.join(shown.markets)}", "bold"))
        if shown.rendered is None:
            console.print(Text(f"error: {shown.problem}", "red"))
        for each in _drawn(shown, min(NARROW, console.width)) if shown.rendered else ():
            console.print(each)
        console.print()


def _drawn(shown: Shown, width: int) -> Iterator[RenderableType]:
    assert shown.rendered is not None
    if shown.rendered.count is not None:
        yield from _bubbles(shown.rendered, width)
        yield from [Text(described(saving), "yellow") for saving in shown.savings]
    elif shown.rendered.body.html:
        yield Panel(Text(shown.rendered.text), box=SQUARE, title=Text(shown.rendered.body.subject), title_align="left")
    else:
        yield _card(shown.rendered, width)


def _bubbles(rendered: Rendered, width: int) -> Iterator[RenderableType]:
    counted = rendered.count
    assert counted is not None
    tables = frozenset([counted.table]) if counted.table else frozenset[str]()
    for part in parts(rendered.text, tables):
        yield Panel(Text(part), box=ROUNDED, width=width, border_style="blue")
    yield Text(fact(counted), "dim")


def _card(rendered: Rendered, width: int) -> RenderableType:
    body = rendered.body
    facts = [Text(f"{name}: {text}", "dim") for name, text in sorted(body.data.items())]
    return Panel(Group(Text(body.subject, "bold"), Text(body.text), *facts), box=ROUNDED, width=width)
