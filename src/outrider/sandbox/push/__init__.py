"""Simulated providers of the channel push."""
