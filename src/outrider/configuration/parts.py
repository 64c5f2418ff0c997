"""A company folder as named parts, each a plain value: what two versions are compared by."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from outrider.configuration.toml import FILE
from outrider.lib.yaml12 import YamlError, read

#: What a part is, in the order in which changes are told.
SORTS = ("setting", "account", "route", "cap", "market", "kind", "source", "journey", "template", "text", "file")

#: Folder → sort, and the key that names the part; without it the file's name does.
FOLDERS = {
    "objects": ("kind", "kind"),
    "sources": ("source", "source"),
    "journeys": ("journey", "journey"),
    "markets": ("market", ""),
}
#: Lists of outrider.toml whose items have a name, and its tables.
NAMED = {"routes": "route", "caps": "cap"}
TEXT = re.compile(r"templates/(?P<name>[^/]+)/(markets/(?P<market>[^/]+)/)?(?P<channel>[^./]+)\.(?P<locale>[^./]+)\..+")


class Part(msgspec.Struct, frozen=True, order=True):
    """The name of one part."""

    #: One of SORTS.
    sort: str
    name: str
    file: str


def parts_of(files: Mapping[str, str]) -> dict[Part, Any]:
    """Part → its plain value; a file that cannot be read is one part with its whole text."""
    found: dict[Part, Any] = {}
    taken: set[tuple[str, str]] = set()
    for path, text in sorted(files.items()):
        for part, value in _parts(path, text):
            # Two that claim one name are a mistake `check` tells; here the second counts under its file's name.
            is_second = (part.sort, part.name) in taken
            found[Part("file", f"{part.name} in {path}", path) if is_second else part] = value
            taken.add((part.sort, part.name))
    return found


def _parts(path: str, text: str) -> Iterator[tuple[Part, Any]]:
    folder, _, name = path.partition("/")
    if path == FILE:
        yield from _settings(text)
    elif folder in FOLDERS:
        yield _document(path, text, *FOLDERS[folder])
    elif path == f"templates/{name.partition('/')[0]}/template.yaml":
        yield Part("template", name.partition("/")[0], path), _yaml(text)
    elif (found := TEXT.fullmatch(path)) is not None:
        market = f", market {found['market'].upper()}" if found["market"] else ""
        yield Part("text", f"{found['name']}, {found['channel']} in {found['locale']}{market}", path), text
    else:
        yield Part("file", path, path), text


def _settings(text: str) -> Iterator[tuple[Part, Any]]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        yield Part("file", FILE, FILE), text
        return
    for key, value in document.items():
        if key in NAMED and isinstance(value, list):
            for index, item in enumerate(value):
                name = str(item.get("name", f"number {index + 1}")) if isinstance(item, dict) else f"number {index + 1}"
                yield Part(NAMED[key], name, FILE), item
        elif key == "accounts" and isinstance(value, dict):
            for name, account in value.items():
                yield Part("account", name, FILE), account
        else:
            yield Part("setting", key, FILE), value


def _document(path: str, text: str, sort: str, key: str) -> tuple[Part, Any]:
    value = _yaml(text)
    stem = path.rpartition("/")[2].rpartition(".")[0]
    name = value.get(key) if isinstance(value, dict) and key else None
    return Part(sort, name if isinstance(name, str) else stem, path), value


def _yaml(text: str) -> Any:
    try:
        return read(text).value
    except YamlError:
        return text
