"""HTTP out: one port, two clients. Importing the package loads neither, so that pure code may name the values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from outrider.lib.http.wire import Limits

if TYPE_CHECKING:
    from outrider.lib.http.fallback import Reqwest
    from outrider.lib.http.pool import Pool


def open_http(kind: Literal["pool", "reqwest"] = "pool", limits: Limits | None = None) -> Pool | Reqwest:
    """Open a client inside the running event loop; close it with `await client.close()`.

    "pool" is the fast HTTP/1.1 client with exact failures; "reqwest" adds HTTP/2 and reports more failures as Broken.
    """
    if kind == "pool":
        from outrider.lib.http.pool import Pool

        return Pool(limits)
    from outrider.lib.http.fallback import Reqwest

    return Reqwest(limits)
