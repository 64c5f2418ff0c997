"""The map in the package's docstring names the stages in the order a message passes them; each folder has its place."""

from __future__ import annotations

import configparser
from pathlib import Path

import outrider

PACKAGE = Path(outrider.__file__).parent
ROOT = Path(__file__).parents[1]
#: The plug-ins that share a line with the stages in the import contracts.
PLUGINS = ["connectors", "channels", "providers", "markets", "actions", "sandbox", "store"]


def stages() -> list[str]:
    [line] = [line for line in str(outrider.__doc__).splitlines() if "→" in line]
    return [name.strip() for name in line.split("→")]


def layers() -> list[list[str]]:
    """The lines of the layers contract, high to low."""
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    lines = contracts["importlinter:contract:layers"]["layers"].strip().splitlines()
    return [[name.strip() for name in line.split("|")] for line in lines]


def test_the_stages_are_folders_in_the_order_of_the_import_contracts() -> None:
    [line] = [line for line in layers() if "ingest" in line]
    assert line == PLUGINS + stages()


def test_every_folder_has_its_place_in_the_import_contracts() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    placed = {name for line in layers() for name in line}
    assert folders - placed == {"testing"}
    assert set(stages()) <= folders
