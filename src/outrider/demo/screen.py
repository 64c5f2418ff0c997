"""The live view as text: pure from a snapshot and the size of the terminal.

Colors are the terminal's own and used for meaning only, so that light and dark backgrounds both work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.box import ROUNDED
from rich.console import Console, Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from outrider.demo.counting import AccountState, Tally
from outrider.demo.watching import Bubble, Conversation, Snapshot

#: Columns from which two conversations stand side by side, and of the column with the counts.
WIDE = 110
COUNTS = 28
#: Rows of everything but the conversation.
AROUND = 9
STATUS_STYLES = {"delivered": "green", "undelivered": "red", "failed": "red", "expired": "red", "unknown": "magenta"}
GATES = {
    "validity": "too late",
    "consent": "no consent",
    "suppression": "address suppressed",
    "reachability": "not reachable",
    "quiet_hours": "outside hours",
    "frequency_cap": "frequency cap",
    "minimum_gap": "minimum gap",
}


def screen(shot: Snapshot, width: int, height: int) -> RenderableType:
    """The whole view."""
    layout = Layout()
    layout.split_column(
        Layout(_header(shot), size=1),
        Layout(name="body"),
        Layout(_accounts(shot), size=7),
        Layout(_footer(shot), size=1),
    )
    shown = shot.conversations if width >= WIDE else shot.conversations[:1]
    rows = height - AROUND
    columns = (width - COUNTS) // max(1, len(shown))
    talks = [Layout(_conversation(each, columns, rows)) for each in shown]
    layout["body"].split_row(*talks, Layout(_counts(shot), size=COUNTS))
    return layout


def _header(shot: Snapshot) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(" Outrider ", "bold reverse")
    text.append(f" {shot.clock:%H:%M} ", "bold")
    if shot.done:
        text.append(shot.done, "bold")
    else:
        text.append("a day of a rental company")
    text.append(f" · events {shot.fed}/{shot.events}")
    return text


def _footer(shot: Snapshot) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f" API docs {shot.api}/docs", "bold")
    text.append(" · Ctrl-C stops everything", "dim")
    return text


def _conversation(talk: Conversation, width: int, rows: int) -> Panel:
    person = talk.person
    inner = width - 4
    bubbles = list(_fitting([_bubble(one, inner) for one in talk.bubbles], rows - 2, inner))
    content = Group(*bubbles) if bubbles else Text("no message yet", "dim")
    return Panel(content, title=f"{person.name}, {person.market}", title_align="left", box=ROUNDED, padding=(0, 1))


def _bubble(bubble: Bubble, width: int) -> Panel:
    style = STATUS_STYLES.get(bubble.status, "cyan")
    title, foot = Text(f"{bubble.at:%H:%M} AzurDrive", style), Text(f"{bubble.status} · {bubble.route}", "dim")
    return Panel(
        Text(bubble.text, "default"),
        title=title,
        title_align="left",
        subtitle=foot,
        subtitle_align="right",
        box=ROUNDED,
        border_style=style,
        width=min(width, 52),
    )


def _fitting(bubbles: list[Panel], rows: int, width: int) -> Iterable[Panel]:
    """The newest bubbles that fit, oldest first."""
    chosen: list[Panel] = []
    for bubble in reversed(bubbles):
        rows -= _height(bubble, width)
        if rows < 0 and chosen:
            break
        chosen.insert(0, bubble)
    return chosen


def _height(bubble: Panel, width: int) -> int:
    """Rows of a bubble: its text as it wraps, and two of border."""
    text = bubble.renderable
    assert isinstance(text, Text)
    return len(text.wrap(Console(width=width), (bubble.width or width) - 4)) + 2


def _counts(shot: Snapshot) -> Panel:
    tally = shot.tally
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True, ratio=1)
    table.add_column(justify="right")
    for name, count, style in _rows(tally):
        table.add_row(Text(name, style), Text(count, style))
    return Panel(table, title="so far", title_align="left", box=ROUNDED, padding=(0, 1))


def _rows(tally: Tally) -> Iterable[tuple[str, str, str]]:
    moving = tally.messages - tally.delivered - tally.failed - tally.held - tally.statuses.get("canceled", 0)
    yield "messages", str(tally.messages), "bold"
    yield "delivered", str(tally.delivered), "green"
    yield "on their way", str(moving), "cyan"
    yield "failed", str(tally.failed), "red" if tally.failed else "dim"
    yield "canceled", str(tally.statuses.get("canceled", 0)), "dim"
    yield "held", str(tally.held), ""
    yield from _reasons(tally, "hold")
    yield "not sent", str(tally.dropped), ""
    yield from _reasons(tally, "drop")
    yield "cost in EUR", f"{tally.cost:.2f}", "bold"


def _reasons(tally: Tally, verdict: str) -> Iterable[tuple[str, str, str]]:
    counts: Counter[str] = Counter()
    for one in tally.stopped:
        if one.verdict == verdict:
            counts[one.gate] += one.count
    for gate, count in counts.most_common(2 if verdict == "hold" else 3):
        yield f"  {GATES.get(gate, gate)}", str(count), "dim"


def _accounts(shot: Snapshot) -> Panel:
    table = Table.grid(padding=(0, 2))
    for account in shot.tally.accounts[:4]:
        table.add_row(*_account(account))
    news = Text(no_wrap=True, overflow="ellipsis")
    if shot.outage:
        news.append(f"{shot.outage}. ", "bold red")
    if shot.tally.failovers:
        last = shot.tally.failovers[0]
        count = len(shot.tally.failovers)
        news.append("1 failover" if count == 1 else f"{count} failovers", "bold magenta")
        news.append(f", last: {last.template}, {last.before} {last.reason} → {last.after}")
    if shot.tally.fallbacks:
        count = shot.tally.fallbacks
        news.append(". " if shot.tally.failovers else "").append(
            "1 fallback" if count == 1 else f"{count} fallbacks", "bold"
        )
    return Panel(Group(table, news), title="accounts", title_align="left", box=ROUNDED, padding=(0, 1))


def _account(account: AccountState) -> tuple[Text, Text, Text, Text]:
    health = Text("resting, the other one takes over", "red") if account.failing else Text("healthy", "green")
    refused = Text(f"{account.refused} refused", "red" if account.refused else "dim")
    return Text(account.name, "bold"), Text(f"{account.accepted:>4} accepted"), refused, health
