"""The example company, made ready for a demo: its waits as much shorter as its day is, its accounts at the sandbox."""

from __future__ import annotations

import re
from collections.abc import Mapping

from outrider.contracts.reading import UNITS

#: What a journey waits for. How long a message is worth sending and over which time caps count stay as they are.
WAITS = re.compile(r"\b(wait|minus|plus|timeout|after|cooldown): (\d+)([smhdw])\b")
ACCOUNT = re.compile(r'(\[accounts\.[^\]]+\]\nprovider = "(?P<provider>[^"]+)"\nbase_url = )"[^"]*"')


def quickened(files: Mapping[str, str], speed: float) -> dict[str, str]:
    """The same folder, path to text, with every wait of a journey `speed` times shorter, at least a second."""

    def shorter(found: re.Match[str]) -> str:
        seconds = int(found[2]) * UNITS[found[3]] / speed
        return f"{found[1]}: {max(1, round(seconds))}s"

    return {path: WAITS.sub(shorter, text) if path.startswith("journeys/") else text for path, text in files.items()}


def at_sandbox(files: Mapping[str, str], urls: Mapping[str, str]) -> dict[str, str]:
    """The same folder with each account at the address of its provider's sandbox; `urls` by provider."""

    def moved(found: re.Match[str]) -> str:
        return f'{found[1]}"{urls[found["provider"]]}"'

    return {**files, "outrider.toml": ACCOUNT.sub(moved, files["outrider.toml"])}
