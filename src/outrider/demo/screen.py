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
#: Rows of the accounts, and of everything but the conversation.
ACCOUNTS = 8
AROUND = ACCOUNTS + 2
STATUS_STYLES = {"delivered": "green", "undelivered": "red", "failed": "red", "expired": "red", "unknown": "magenta"}
MISSED = {"failed": "failed", "undelivered": "was not delivered", "expired": "came too late"}
GATES = {
    "validity": "too late",
    "dedupe_key": "asked for before",
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
        Layout(_accounts(shot), size=ACCOUNTS),
        Layout(_footer(shot), size=1),
    )
    shown = shot.conversations if width >= WIDE else shot.conversations[:1]
    rows = height - AROUND
    columns = (width - COUNTS) // max(1, len(shown))
    talks = [Layout(_conversation(each, columns, rows)) for each in shown]
    layout["body"].split_row(*talks, Layout(_counts(shot, rows - 2), size=COUNTS))
    return layout


def _header(shot: Snapshot) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(" Outrider ", "bold reverse")
    text.append(f" {shot.clock:%H:%M} ", "bold")
    if shot.done:
        text.append(shot.done, "bold")
    elif shot.outage:
        text.append(shot.outage, "bold red")
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
    title = Text(f"{bubble.at:%H:%M} AzurDrive", style)
    foot = Text.assemble((bubble.status, style), (f" · {bubble.route}", "default"), no_wrap=True, overflow="ellipsis")
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


def _counts(shot: Snapshot, room: int) -> Panel:
    """Counts that add up to the messages, what was dropped, and costs; reasons as far as there is room."""
    tally = shot.tally
    markets = _markets(tally)
    counts = Table.grid(padding=(0, 1), expand=True)
    counts.add_column(no_wrap=True, ratio=1)
    counts.add_column(justify="right", no_wrap=True)
    for name, count, style in _rows(tally, room - markets.row_count):
        counts.add_row(Text(name, style), Text(count, style))
    return Panel(Group(counts, markets), title="so far", title_align="left", box=ROUNDED, padding=(0, 1))


def _markets(tally: Tally) -> Table:
    """What each market cost, two in a row."""
    cells = [Text(cell) for market, cost in tally.costs.items() for cell in (f"  {market}", f"{cost:.2f}")]
    table = Table.grid(padding=(0, 1), expand=True)
    for _ in range(2):
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True, ratio=1)
    for place in range(0, len(cells), 4):
        table.add_row(*cells[place : place + 4])
    return table


Row = tuple[str, str, str]


def _rows(tally: Tally, room: int) -> list[Row]:
    made = [*_made(tally), ("held", str(tally.held), "")]
    left = max(0, room - len(made) - 2)
    drops = list(_reasons(tally, "drop"))[:left]
    holds = list(_reasons(tally, "hold"))[: left - len(drops)]
    dropped, cost = ("dropped", str(tally.dropped), ""), ("cost in EUR", f"{tally.cost:.2f}", "bold")
    return [*made, *holds, dropped, *drops, cost]


def _made(tally: Tally) -> Iterable[Row]:
    yield "messages", str(tally.messages), "bold"
    yield "delivered", str(tally.delivered), "green"
    yield "no report yet", str(tally.accepted), "cyan"
    if tally.moving:
        yield "on their way", str(tally.moving), "cyan"
    yield "failed", str(tally.failed), "red" if tally.failed else ""
    if tally.canceled:
        yield "canceled", str(tally.canceled), ""


def _reasons(tally: Tally, verdict: str) -> Iterable[Row]:
    counts: Counter[str] = Counter()
    for one in tally.stopped:
        if one.verdict == verdict:
            counts[one.gate] += one.count
    for gate, count in counts.most_common(2 if verdict == "hold" else 3):
        yield f"  {GATES.get(gate, gate)}", str(count), "dim"


def _accounts(shot: Snapshot) -> Panel:
    table = Table.grid(padding=(0, 2))
    for narrowest in (4, 13, 10, 0):  # what is said of its health is cut first
        table.add_column(no_wrap=True, min_width=narrowest)
    for account in shot.tally.accounts[:4]:
        table.add_row(*_account(account))
    news = list(_news(shot.tally))
    for line in news:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Panel(Group(table, *news), title="accounts", title_align="left", box=ROUNDED, padding=(0, 1))


def _news(tally: Tally) -> Iterable[Text]:
    """The last failover and the last fallback, each in a line."""
    if tally.failovers:
        last = tally.failovers[0]
        what = f"{last.template}, {last.before} {last.reason} → {last.after}"
        yield Text.assemble((_counted(len(tally.failovers), "failover"), "bold magenta"), f", last: {what}")
    if tally.last_fallback:
        fell = tally.last_fallback
        what = f"{fell.template}, {fell.before} {MISSED.get(fell.status, 'was silent')} → {fell.after}"
        yield Text.assemble((_counted(tally.fallbacks, "fallback"), "bold magenta"), f", last: {what}")


def _counted(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def _account(account: AccountState) -> tuple[Text, Text, Text, Text]:
    health = Text("resting, the other one takes over", "red") if account.failing else Text("healthy", "green")
    refused = Text(f"{account.refused} refused", "red" if account.refused else "dim")
    return Text(account.name, "bold"), Text(f"{account.accepted:>4} accepted"), refused, health
