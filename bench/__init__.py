"""Reproducible measurements: `python -m bench --help`. What they mean stands in docs/explanation/performance.md."""
