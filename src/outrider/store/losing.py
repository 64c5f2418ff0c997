"""Makes a connection notice that its server vanished: a host without power or network says nothing any more."""

from __future__ import annotations

import socket
from typing import Any

#: Seconds without a word until the first probe, between probes, and how many may stay unanswered: a lost server is
#: noticed within 20 s, a failover's new primary takes as long (tcp(7); the system's default is over two hours).
KEEPALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
#: Milliseconds that sent bytes may stay unacknowledged, for connections lost in the middle of a question.
UNACKNOWLEDGED = {"TCP_USER_TIMEOUT": 20_000}


async def notice_loss(connection: Any) -> None:
    """Let the system probe a TCP connection of the driver; sockets of this machine cannot lose their other end."""
    # The driver offers no option for it: its transport is the only way to the socket.
    link = connection._transport.get_extra_info("socket")
    if link is None or link.family not in (socket.AF_INET, socket.AF_INET6):
        return
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in {**KEEPALIVE, **UNACKNOWLEDGED}.items():
        if (option := getattr(socket, name, None)) is not None:  # some are known to Linux alone
            link.setsockopt(socket.IPPROTO_TCP, option, value)
