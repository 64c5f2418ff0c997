"""``python -m outrider.testing.simulation``: simulate days; exit code 1 when an invariant or a counter fails."""

from __future__ import annotations

import sys

import click
import msgspec

from outrider.testing.simulation.day import PROFILES
from outrider.testing.simulation.report import run_days, written


@click.command()
@click.option("--days", default=100, show_default=True, help="How many days, one for each seed.")
@click.option("--seed", default=0, show_default=True, help="The seed of the first day.")
@click.option("--fault-profile", "profile", type=click.Choice(sorted(PROFILES)), default="standard", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one line of JSON.")
@click.option("--verbose", is_flag=True, help="Print every step.")
def main(days: int, seed: int, profile: str, as_json: bool, verbose: bool) -> None:
    """Simulate days of a small company with faults, and check what must hold."""
    report = run_days(days, seed, profile, verbose=verbose)
    print(msgspec.json.encode(report).decode() if as_json else written(report))
    sys.exit(0 if report.passed else 1)


if __name__ == "__main__":
    main()
