"""The example company, made ready for a demo: its waits as much shorter as its day is, its accounts at the sandbox."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from outrider.contracts.reading import UNITS

#: What a journey waits for. How long a message is worth sending and over which time caps count stay as they are.
WAITS = re.compile(r"\b(wait|minus|plus|timeout|after|cooldown): (\d+)([smhdw])\b")
#: Seconds until another channel is tried.
PATIENCE = 4
ACCOUNT = re.compile(r'(\[accounts\.[^\]]+\]\nprovider = "(?P<provider>[^"]+)"\nbase_url = )"[^"]*"')
MAIL = re.compile(r'(\[accounts\.[^\]]+\]\nprovider = "(?P<provider>smtp)"\n)host = "[^"]*"\nport = \d+')


def quickened(files: Mapping[str, str], speed: float) -> dict[str, str]:
    """The same folder, path to text, with every wait of a journey `speed` times shorter, at least a second.

    An escalation waits PATIENCE at least: receipts take their real time.
    """

    def shorter(found: re.Match[str]) -> str:
        seconds = int(found[2]) * UNITS[found[3]] / speed
        return f"{found[1]}: {max(PATIENCE if found[1] == 'after' else 1, round(seconds))}s"

    return {path: WAITS.sub(shorter, text) if path.startswith("journeys/") else text for path, text in files.items()}


def at_sandbox(files: Mapping[str, str], urls: Mapping[str, str]) -> dict[str, str]:
    """The same folder with each account at the address of its provider's sandbox; `urls` by provider."""

    def moved(found: re.Match[str]) -> str:
        return f'{found[1]}"{urls[found["provider"]]}"'

    def mailed(found: re.Match[str]) -> str:
        place = urlsplit(urls[found["provider"]])
        return f'{found[1]}host = "{place.hostname}"\nport = {place.port}'

    return {**files, "outrider.toml": MAIL.sub(mailed, ACCOUNT.sub(moved, files["outrider.toml"]))}
