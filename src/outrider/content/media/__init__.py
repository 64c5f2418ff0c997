"""Media: one file for each channel's contents, found by discovery (see `content/medium.py`)."""
