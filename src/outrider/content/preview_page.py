"""Previews as one HTML page that needs nothing else: every text escaped, every e-mail in a frame that runs nothing."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from outrider.content.preview import Shown
from outrider.content.sms import Count, parts

#: Nothing is loaded but pictures of the e-mails; no script runs anywhere on the page (CSP level 3).
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:"

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881 }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem }
section { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem }
article { border: 1px solid var(--line); border-radius: .75rem; padding: 1rem; overflow-wrap: anywhere }
article.email { grid-column: 1 / -1 }
h3 { font-size: .85rem; margin: 0 0 .5rem; opacity: .75 }
.bubble { background: #2a7de1; color: #fff; border-radius: 1rem; padding: .5rem .8rem; white-space: pre-wrap }
.bubble + .bubble { margin-top: 3px }
.card { background: var(--soft); border-radius: .75rem; padding: .7rem; white-space: pre-wrap }
.fact { font-size: .8rem; opacity: .75; margin: .5rem 0 0 }
.problem { color: #c22 }
iframe { width: 100%; height: 32rem; border: 1px solid var(--line); background: #fff }
pre { white-space: pre-wrap; background: var(--soft); padding: 1rem; border-radius: .5rem }
"""


def page(name: str, found: Iterable[Shown]) -> str:
    """The page of one template."""
    title = escape(f"Preview of {name}")
    channels: dict[str, list[str]] = {}
    for shown in found:
        channels.setdefault(shown.channel, []).append(_article(shown))
    sections = [f"<h2>{escape(each)}</h2><section>{''.join(articles)}</section>" for each, articles in channels.items()]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{STYLE}</style></head>'
        f"<body><h1>{title}</h1>{''.join(sections)}</body></html>\n"
    )


def fact(counted: Count) -> str:
    """`GSM-7, 132 units, 1 segment`."""
    table = f" with the table {counted.table}" if counted.table else ""
    plural = "" if counted.segments == 1 else "s"
    return f"{counted.encoding}{table}, {counted.units} units, {counted.segments} segment{plural}"


def _article(shown: Shown) -> str:
    heading = escape(f"{shown.locale} · {', '.join(shown.markets)}")
    content = f'<p class="problem">{escape(shown.problem)}</p>' if shown.rendered is None else _content(shown)
    return f'<article class="{escape(shown.channel)}"><h3>{heading}</h3>{content}</article>'


def _content(shown: Shown) -> str:
    assert shown.rendered is not None
    body, counted = shown.rendered.body, shown.rendered.count
    if counted is not None:
        tables = frozenset([counted.table]) if counted.table else frozenset[str]()
        bubbles = [f'<div class="bubble">{escape(part)}</div>' for part in parts(body.text, tables)]
        return f'{"".join(bubbles)}<p class="fact">{escape(fact(counted))}</p>'
    if body.html:
        frame = f'<iframe sandbox="" title="HTML part" srcdoc="{escape(body.html)}"></iframe>'
        return f"<p><b>{escape(body.subject)}</b></p>{frame}<pre>{escape(body.text)}</pre>"
    facts = "".join(f'<p class="fact">{escape(key)}: {escape(text)}</p>' for key, text in sorted(body.data.items()))
    return f'<div class="card"><b>{escape(body.subject)}</b>\n{escape(body.text)}</div>{facts}'
