"""Simulated providers: a real server that speaks their wire formats, misbehaves on command and keeps its own ledger.

Start it with `outrider sandbox`, or in a test with `async with running_sandbox(ledger=…) as sandbox:`, and point a
provider's `base_url` at it. One file in `sandbox/{channel}/{name}.py` with a module-level ``COUNTERPART`` adds a
provider.
"""
