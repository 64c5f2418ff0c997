"""The command line: every module beside this one with a COMMAND is a command; modules load what they need late."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import click


class Commands(click.Group):
    """Commands found by the files in this folder; a command's module is imported when its name is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the command files, in order."""
        names = (path.stem for path in Path(__file__).parent.glob("*.py"))
        return sorted(name for name in names if not name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of one file; None when there is no such file."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"outrider.cli.{cmd_name}").COMMAND
        return command

    def invoke(self, ctx: click.Context) -> object:
        """As click does; what the file system refuses becomes one friendly sentence."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.filename is None or error.strerror is None:
                raise
            raise click.ClickException(f"{error.filename}: {error.strerror}") from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a hint for a mistyped name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from outrider.contracts.surroundings import suggest

            hint = suggest(args[0], self.list_commands(ctx))
            raise click.UsageError(f"{error.message} {hint}".strip(), ctx) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="outrider", message="outrider %(version)s")
def main() -> None:
    """Outrider decides what to say to every customer, when, on which channel and through which provider."""


if __name__ == "__main__":
    sys.exit(main())
