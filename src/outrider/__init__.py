"""Outrider decides what to say, when, on which channel and through which provider, and proves it.

The stages, in the order a message passes them:

ingest → profiles → journeys → orchestration → content → delivery → receipts → analytics
"""

__version__ = "0.1.0"
