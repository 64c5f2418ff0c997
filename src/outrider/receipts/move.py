"""The lattice as the receipts stage uses it; the tables live in the domain, since every store needs them."""

from __future__ import annotations

from outrider.domain.lattice import LATEST_ONLY, PROVED, engagement, move, moves_from

__all__ = ["LATEST_ONLY", "PROVED", "engagement", "move", "moves_from"]
