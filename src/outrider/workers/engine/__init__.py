"""The engine: takes stimuli, loads their facts, lets the pure core decide, saves everything in one transaction."""

from outrider.workers.engine.library import Library, Version
from outrider.workers.engine.run import Engine

__all__ = ["Engine", "Library", "Version"]
