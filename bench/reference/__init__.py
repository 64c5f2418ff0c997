"""The same work on stacks many teams use, written with care; docs/explanation/performance.md tells the tuning."""
