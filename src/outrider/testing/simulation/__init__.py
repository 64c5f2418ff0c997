"""The simulator: the real engine, delivery, resolver and intake over virtual time, with seeded faults.

`run_day(seed)` simulates one day of a small company, then seven quiet days, and checks every invariant that applies.
The same seed and code always take the same steps. ``python -m outrider.testing.simulation --help`` runs many days.
"""

from outrider.testing.simulation.day import Day, run_day
from outrider.testing.simulation.report import Report, replay_command, run_days, written
from outrider.testing.simulation.watch import Violated

__all__ = ["Day", "Report", "Violated", "replay_command", "run_day", "run_days", "written"]
