"""The configurations an engine works with: the current one, and those that enrollments are pinned to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import msgspec

from outrider.configuration.build import Configuration

#: Loads a configuration by number from where it is kept.
LoadVersion = Callable[[int], Awaitable[Configuration]]


class Version(msgspec.Struct, frozen=True):
    """What a decision record names besides the facts."""

    code: str
    zone_data: str


class Library:
    """Configurations by number; versions are loaded once and kept."""

    def __init__(self, current: Configuration, load: LoadVersion, version: Version) -> None:
        self._versions = {current.number: current}
        self._load = load
        self.current = current
        self.version = version

    def get(self, number: int) -> Configuration:
        """A version that `ensure` has loaded. Raises KeyError otherwise."""
        return self._versions[number]

    async def ensure(self, numbers: Iterable[int]) -> None:
        """Load the versions that are not here yet."""
        for number in set(numbers) - self._versions.keys():
            self._versions[number] = await self._load(number)

    def replace_current(self, configuration: Configuration) -> None:
        """A newly applied configuration takes over for what starts from now on."""
        self._versions[configuration.number] = configuration
        self.current = configuration
