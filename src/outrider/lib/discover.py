"""Finds plug-ins by folder: one file, one plug-in, no list to edit."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any


class BadPlugin(Exception):
    """A plug-in file cannot be used; the message names the file, what is wrong and what was expected."""


def plugins(package: str, constant: str, *, extra: Sequence[Path] = (), pattern: str = "**/*.py") -> dict[str, Any]:
    """Every plug-in of a kind, by its name, in the order of the names.

    package: a dotted package, such as ``outrider.providers``; every module below it is imported.
    constant: the one module-level constant a plug-in file must define, such as ``PROVIDER``.
    extra: further folders laid out like the package, read file by file (an operator's own plug-ins).
    pattern: which files count, relative to each folder (``*/*.py`` leaves out the package's own modules).

    Files and folders whose name starts with an underscore are skipped. Installed distributions join through
    entry points whose group is the package's dotted name. A plug-in's name is its ``name`` attribute, or the
    file's name without it. Raises BadPlugin for a file that cannot be imported or lacks the constant, for an
    empty name, and for two plug-ins of one name.
    """
    found: dict[str, tuple[Any, str]] = {}
    for origin, stem, plugin in _candidates(package, constant, extra, pattern):
        name = getattr(plugin, "name", stem)
        if not isinstance(name, str) or not name:
            raise BadPlugin(f"{origin}: expected {constant}.name to be a non-empty text, got {name!r}")
        if name in found:
            raise BadPlugin(f"two plug-ins are called {name!r}: {found[name][1]} and {origin}; rename one of them")
        found[name] = (plugin, origin)
    return {name: found[name][0] for name in sorted(found)}


def _candidates(package: str, constant: str, extra: Sequence[Path], pattern: str) -> Iterator[tuple[str, str, Any]]:
    """Origin, file name and plug-in of every file and entry point."""
    for file, module in _package_modules(package, pattern):
        yield str(file), file.stem, _constant(module, constant, str(file))
    for folder in extra:
        for file in _files(folder, pattern):
            yield str(file), file.stem, _constant(_load_file(file), constant, str(file))
    points = _entry_points().select(group=package)
    for point in sorted(points, key=lambda point: (point.name, point.value)):
        yield f"entry point {point.name} = {point.value}", point.name, _load_point(point)


@cache
def _entry_points() -> Any:  # what has `select`; its class depends on the version of Python
    """Those of every installed distribution, read once: a reading takes 10 ms, and there are six kinds of plug-ins."""
    return entry_points()


def _package_modules(package: str, pattern: str) -> Iterator[tuple[Path, ModuleType]]:
    for root in importlib.import_module(package).__path__:
        for file in _files(Path(root), pattern):
            dotted = ".".join((package, *file.relative_to(root).with_suffix("").parts))
            yield file, _imported(file, dotted)


def _files(folder: Path, pattern: str) -> list[Path]:
    if not folder.is_dir():
        raise BadPlugin(f"{folder}: expected a folder of plug-ins, found none")
    files = (file for file in folder.glob(pattern) if file.suffix == ".py")
    return sorted(file for file in files if not _hidden(file.relative_to(folder)))


def _hidden(relative: Path) -> bool:
    return any(part.startswith(("_", ".")) for part in relative.parts)


def _imported(file: Path, dotted: str) -> ModuleType:
    try:
        return importlib.import_module(dotted)
    except Exception as error:
        raise _unimportable(file, error) from error


def _load_file(file: Path) -> ModuleType:
    """The module of a file outside every package, loaded once per process and path."""
    digest = hashlib.blake2b(str(file.resolve()).encode(), digest_size=8).hexdigest()
    dotted = f"outrider_plugin_{digest}_{file.stem}"
    if dotted in sys.modules:
        return sys.modules[dotted]
    spec = importlib.util.spec_from_file_location(dotted, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[dotted] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[dotted]
        raise _unimportable(file, error) from error
    return module


def _load_point(point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as error:
        raise BadPlugin(f"entry point {point.name} = {point.value}: {type(error).__name__}: {error}") from error


def _unimportable(file: Path, error: Exception) -> BadPlugin:
    return BadPlugin(f"{file}: cannot be imported: {type(error).__name__}: {error}")


def _constant(module: ModuleType, constant: str, origin: str) -> Any:
    try:
        return getattr(module, constant)
    except AttributeError:
        stem = Path(origin).stem
        raise BadPlugin(
            f"{origin}: expected a module-level {constant}, found none; call the file _{stem}.py if it is no plug-in"
        ) from None
