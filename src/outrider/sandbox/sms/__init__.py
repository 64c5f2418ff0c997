"""The other side of the SMS providers."""
