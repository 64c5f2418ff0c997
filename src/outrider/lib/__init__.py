"""Ground: clock, ids, HTTP client, sealing, backoff, redaction, discovery. No business word inside."""
