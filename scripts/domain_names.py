"""Writes the names of the domain into the glossary: every struct and enum with what it says of itself.

python scripts/domain_names.py docs/glossary.md
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator, Sequence
from enum import Enum, IntEnum
from pathlib import Path

import outrider.domain

BEGIN = "<!-- begin: made by python scripts/domain_names.py docs/glossary.md -->"
END = "<!-- end -->"


def main(arguments: Sequence[str]) -> int:
    """Exit status: 0 when the table is renewed, 2 for wrong arguments."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    page = Path(arguments[0])
    page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


def renewed(page: str) -> str:
    """The page with the table between the markers replaced."""
    rows = "".join(f"| `{kind.__name__}` | `{kind.__module__}` | {meaning(kind)} |\n" for kind in kinds())
    table = f"{BEGIN}\n| Name | Module | Meaning |\n|---|---|---|\n{rows}{END}"
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: table, page, flags=re.DOTALL)


def kinds() -> Iterator[type]:
    """Every public class of the domain, module by module in their order of appearance."""
    for module in pkgutil.iter_modules(outrider.domain.__path__, "outrider.domain."):
        loaded = importlib.import_module(module.name)
        for name, value in vars(loaded).items():
            if inspect.isclass(value) and value.__module__ == module.name and not name.startswith("_"):
                yield value


def meaning(kind: type) -> str:
    """The first sentence of its documentation, and the values of an enum."""
    words = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0].replace("\n", " ").replace("|", "\\|")
    if not issubclass(kind, Enum):
        return words
    values = ", ".join(f"`{one.name.lower() if issubclass(kind, IntEnum) else one.value}`" for one in kind)
    return f"{words} Values: {values}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
