"""Simulated mail servers."""
