"""Finds the example company and its sample events.

The folder lies in `examples/rental`; the package holds a link to it, which a built wheel contains as files. So the
demo finds it in a checkout and when installed.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, cast

from outrider.settings import BadSetting

#: The day that `events.ndjson` tells (examples/rental/generate.py).
SEED = 7
BOOKINGS = 420


class _Generator(Protocol):
    def generate(self, seed: int, bookings: int) -> list[dict[str, Any]]: ...


def example_folder() -> Path:
    """The company folder of the rental company. Raises BadSetting when it was not installed."""
    here = Path(__file__).parent
    for folder in (here / "rental", here.parents[2] / "examples" / "rental"):
        if (folder / "outrider.toml").is_file():
            return folder
    raise BadSetting(f"the example company is missing: expected it in {here / 'rental'}")


def sample_events(folder: Path, seed: int, bookings: int) -> list[dict[str, Any]]:
    """CloudEvents of one day with relative times, in order: as committed, or generated for another seed or size."""
    if (seed, bookings) == (SEED, BOOKINGS) and (folder / "events.ndjson").is_file():
        return list(_read(folder / "events.ndjson"))
    return _load(folder / "generate.py").generate(seed, bookings)


def _read(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _load(file: Path) -> _Generator:
    spec = importlib.util.spec_from_file_location("rental_generate", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise BadSetting(f"the generator of sample events is missing: expected {file}")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up while it is made.
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return cast(_Generator, module)
