"""The commands of the bench, each imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

import click

#: Command → module of this package that holds it under the name COMMAND.
COMMANDS = {
    "w1": "w1",
    "trickle": "trickle",
    "timers": "timers",
    "start": "startup",
    "profile": "profile_w1",
    "http-client": "http_client",
}


class Bench(click.Group):
    """Commands found by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them, imported now."""
        module = COMMANDS.get(cmd_name)
        return None if module is None else import_module(f"bench.{module}").COMMAND


@click.command(cls=Bench)
def main() -> None:
    """Measure Outrider, and the same work on reference stacks, on this machine."""


if __name__ == "__main__":
    main()
