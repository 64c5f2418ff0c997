"""Push: `push.<locale>.yaml` with `title`, `body`, and perhaps `link` and `data`, each value in Jinja syntax.

Limits: Apple refuses a notification payload above 4,096 bytes and Google a message above 4,000 (their documentation
of APNs and FCM); the smaller counts, over all texts as JSON. How much of a title or body a locked screen shows differs
by device: 65 and 240 code points are a house rule, unconfirmed, and only warned about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from outrider.content.declaration import Declaration, near
from outrider.content.engine import Failure
from outrider.content.links import refused_scheme
from outrider.content.medium import Overrun, Written
from outrider.content.partials import BadContent, Wanted
from outrider.content.source import Source, from_yaml
from outrider.content.words import one_line
from outrider.domain.message import Rendition
from outrider.domain.problem import Problem
from outrider.lib.yaml12 import Located, Path, YamlError, read

KEYS = frozenset({"title", "body", "link", "data"})

#: Bytes of the texts as JSON.
PAYLOAD = 4000
#: Code points a device is likely to show.
SEEN = {"title": 65, "body": 240}


class Push:
    """Pieces `title`, `body`, `link` and one for each name in `data`, prefixed `data.`."""

    name = "push"
    extensions = ("yaml",)
    companions: tuple[str, ...] = ()
    in_gsm = False

    def read(self, files: Mapping[str, Source], wanted: Wanted) -> dict[str, Source]:
        """One piece for each text of the file."""
        located = _located(files["yaml"])
        value = _checked(located)
        paths: list[Path] = [(key,) for key in value if key != "data"]
        paths += [("data", key) for key in value.get("data") or {}]
        pieces = {}
        for path in paths:
            name = ".".join(map(str, path))
            source = from_yaml(located, path, f"{located.file}#{name}")
            optional = name not in ("title", "body")
            pieces[name] = msgspec.structs.replace(wanted.expand(source, "j2"), may_be_empty=optional, most=PAYLOAD)
        return pieces

    def lint(self, pieces: Mapping[str, Source], declaration: Declaration) -> Iterator[Problem]:
        """Nothing more: the texts are free."""
        yield from ()

    def write(self, texts: Mapping[str, str], declaration: Declaration, tables: frozenset[str]) -> Written:
        """Title on one line; a link and data that turn out empty are left out. Raises Failure: too large, bad link."""
        link = one_line(texts.get("link", ""))
        if scheme := refused_scheme(link):
            raise Failure(f"the link begins with `{scheme}:`, which is refused", -1, piece="link")
        data = {name.removeprefix("data."): text for name, text in texts.items() if name.startswith("data.") and text}
        data |= {"link": link} if link else {}
        body = Rendition(texts["body"], one_line(texts["title"]), data=data)
        if (size := payload(body)) > PAYLOAD:
            raise Failure(f"the notification has {size} bytes, expected at most {PAYLOAD}", -1, piece="body")
        return Written(body)

    def overruns(self, written: Written, declaration: Declaration, sources: Mapping[str, Source]) -> Iterator[Overrun]:
        """A title or body that most devices cut."""
        for piece, text in (("title", written.body.subject), ("body", written.body.text)):
            if len(text) > SEEN[piece]:
                message = f"the {piece} has {len(text)} characters with the longest values: devices cut it near "
                yield Overrun(f"{message}{SEEN[piece]}", piece=piece, start=0, is_error=False)


MEDIUM = Push()


def payload(body: Rendition) -> int:
    """Bytes of title, body, link and data as JSON."""
    return len(msgspec.json.encode({"title": body.subject, "body": body.text, "data": body.data}))


def _located(source: Source) -> Located:
    try:
        return read(source.text, source.path)
    except YamlError as error:
        problem = Problem(source.path, error.line, error.column, f"not valid YAML: {error.message}")
        raise BadContent(problem) from None


def _checked(located: Located) -> dict[str, Any]:
    value = located.value
    if not isinstance(value, dict):
        raise _bad(located, (), "expected the keys title and body, and perhaps link and data")
    for key in value:
        if key not in KEYS:
            raise _bad(located, (key,), f"unknown key {key!r}: expected {', '.join(sorted(KEYS))}", near(key, KEYS))
    for key in ("title", "body"):
        if key not in value:
            raise _bad(located, (), f"the key {key!r} is missing: a push needs a title and a body")
    data = value.get("data", {})
    if not isinstance(data, dict):
        raise _bad(located, ("data",), "expected a mapping of names to texts")
    if "link" in data and "link" in value:
        raise _bad(located, ("data", "link"), "the link is given twice: the app gets it as `link` already")
    for path in [*((key,) for key in value if key != "data"), *(("data", key) for key in data)]:
        _check_text(located, path)
    return value


def _check_text(located: Located, path: Path) -> None:
    value = located.value
    for step in path:
        value = value[step]
    if not isinstance(value, str):
        raise _bad(located, path, f"expected a text, got {type(value).__name__}", "put it in quotes")


def _bad(located: Located, path: Path, message: str, hint: str = "") -> BadContent:
    mark = located.key(path) if path else located.at(())
    return BadContent(Problem(located.file, mark.line, mark.column, message, hint, mark.length))
