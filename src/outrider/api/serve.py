"""The HTTP server around the application."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import uvicorn

from outrider.api.asgi import Route


class Server(uvicorn.Server):
    """Leaves signals to the process; end it by setting `should_exit`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing to capture."""
        yield


def make_server(app: Route, host: str, port: int) -> Server:
    """A server to `await serve()`; one line of log per request would cost more than many requests do."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=10,
        backlog=4096,
    )
    return Server(config)
