"""Ports for servers that cannot be told to take a free one themselves."""

from __future__ import annotations

import secrets
import socket

#: Above what only root may open, below what kernels give to outgoing connections (Linux from 32768, RFC 6335 from
#: 49152): one of those may be taken by anybody's connection between here and the server's start.
LOWEST, COUNT = 20_000, 12_000


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    while True:
        port = LOWEST + secrets.randbelow(COUNT)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
