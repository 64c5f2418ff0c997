"""HTTP: one file per resource. The hot routes (events, callbacks) are plain ASGI, everything else is Litestar."""
