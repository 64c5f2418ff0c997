"""The channel port: what can be said where. One file in `channels/{name}.py` holds ``CHANNEL = Channel(…)``."""

from __future__ import annotations

import msgspec


class Channel(msgspec.Struct, frozen=True):
    """One kind of medium."""

    name: str
    #: One line for the docs.
    title: str
    #: What an address on it is: phone (E.164), email, token.
    address: str
    #: A message goes to every living address of a person at once, in one attempt: one address for each device. Else to
    #: the first that may be written to.
    everywhere: bool = False
