"""The files of a company folder as a mapping from path to text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

#: What belongs to a configuration; everything else in the folder (sample events, notes) is passed over.
PATTERNS = (
    "outrider.toml",
    "objects/*.yaml",
    "sources/*.yaml",
    "journeys/*.yaml",
    "markets/*.yaml",
    "templates/*/*",
    "templates/*/markets/*/*",
)


class NoFolder(Exception):
    """The folder is not a company folder; the text says what is missing."""


def read_folder(folder: Path) -> dict[str, str]:
    """Path in the folder (with slashes) → text, in order of paths. Raises NoFolder with a sentence."""
    if not folder.is_dir():
        raise NoFolder(f"{folder} is not a folder")
    if not (folder / "outrider.toml").is_file():
        raise NoFolder(f"{folder} has no outrider.toml: it is not a company folder")
    return read_texts(folder)


def read_texts(folder: Path) -> dict[str, str]:
    """As `read_folder`, for any folder: one that is empty or missing holds nothing. Raises NoFolder."""
    found = {path for pattern in PATTERNS for path in folder.glob(pattern)}
    for path in sorted(found):
        if path.is_symlink() and not path.exists():
            raise NoFolder(f"{path} is a link that leads nowhere")
    paths = sorted(path for path in found if path.is_file())
    return {path.relative_to(folder).as_posix(): _text(path) for path in paths}


def belongs(path: str) -> bool:
    """Whether a path with slashes names a place of a company folder, and none outside of it."""
    parts = path.split("/")
    plain = all(part and not part.startswith(".") and "\\" not in part and "\0" not in part for part in parts)
    patterns = [pattern.split("/") for pattern in PATTERNS]
    fits = (zip(parts, pattern, strict=True) for pattern in patterns if len(pattern) == len(parts))
    return plain and any(all(fnmatchcase(part, wanted) for part, wanted in pairs) for pairs in fits)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise NoFolder(f"{path}: byte {error.start} is not UTF-8") from error


def digest_of(files: Mapping[str, str]) -> str:
    """The version of a configuration: 64 hexadecimal digits over paths and texts."""
    hashed = hashlib.blake2b(digest_size=32)
    for path in sorted(files):
        for part in (path, files[path]):
            raw = part.encode()
            hashed.update(len(raw).to_bytes(8, "big") + raw)
    return hashed.hexdigest()
