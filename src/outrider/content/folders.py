"""Which files of a template's folder make up which content: by channel, market and locale."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from outrider.content.medium import Medium, media
from outrider.content.source import Source
from outrider.domain.problem import Problem

_FOLDER = re.compile(r"templates/(?P<name>[^/_][^/]*)/(?P<rest>.+)")
_FILE = re.compile(
    r"(markets/(?P<market>[a-z][a-z0-9_-]*)/)?(?P<channel>[a-z]+)"
    r"\.(?P<locale>[A-Za-z]{2,3}(-\w{2,8})*)\.(?P<extension>[a-z0-9.]+)"
)


class Files(msgspec.Struct, frozen=True):
    """The files of one content: extension → file."""

    medium: Medium
    market: str | None
    locale: str
    files: dict[str, Source]


def by_template(files: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Template name → path in its folder → text, with newlines as `\\n`."""
    folders: dict[str, dict[str, str]] = {}
    for path, text in sorted(files.items()):
        if found := _FOLDER.fullmatch(path):
            folders.setdefault(found["name"], {})[found["rest"]] = text.replace("\r\n", "\n")
    return folders


def contents(folder: str, files: Mapping[str, str]) -> tuple[list[Files], list[Problem]]:
    """The contents of a template's folder, those of markets completed by the general ones, and what is not read."""
    groups: dict[tuple[str, str | None, str], Files] = {}
    problems = []
    for path, text in files.items():
        if (found := _FILE.fullmatch(path)) and (medium := _reads(found["channel"], found["extension"])):
            key = (medium.name, found["market"], found["locale"].lower())
            group = groups.setdefault(key, Files(medium, found["market"], found["locale"], {}))
            group.files[found["extension"]] = Source(f"{folder}/{path}", text)
        elif path != "template.yaml":
            problems.append(Problem(f"{folder}/{path}", 0, 0, "this file is not read", _hint(), severity="warning"))
    complete = [_completed(group, groups.get((key[0], None, key[2]))) for key, group in groups.items()]
    problems += [problem for group in complete for problem in _lonely(group)]
    return [group for group in complete if _mains(group)], problems


def _reads(channel: str, extension: str) -> Medium | None:
    medium = media().get(channel)
    known = medium is not None and extension in (*medium.extensions, *medium.companions)
    return medium if known else None


def _hint() -> str:
    known = [f"{each.name}.<locale>.{extension}" for each in media().values() for extension in each.extensions]
    return f"expected {', '.join(known)}, perhaps in markets/<code>/, the code in lower case"


def _mains(group: Files) -> list[str]:
    return [extension for extension in group.medium.extensions if extension in group.files]


def _completed(group: Files, general: Files | None) -> Files:
    """A market's companions alone go with the general main file; a market's main file stands for itself."""
    if group.market is None or general is None or _mains(group):
        return group
    return msgspec.structs.replace(group, files={**general.files, **group.files})


def _lonely(group: Files) -> Iterator[Problem]:
    if not _mains(group):
        expected = " or ".join(f"{group.medium.name}.{group.locale}.{each}" for each in group.medium.extensions)
        for source in group.files.values():
            yield Problem(source.path, 0, 0, f"this file stands alone: expected {expected} beside it")
