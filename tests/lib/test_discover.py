"""Plug-ins are found by folder, refused with precise words, and listed in a steady order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from outrider.lib import discover
from outrider.lib.discover import BadPlugin, plugins

NAMED = "class Plugin:\n    name = {name!r}\n\n\nPLUGIN = Plugin()\n"
Write = Callable[[str, str], Path]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of an importable, empty package called `zoo`."""
    folder = tmp_path / "zoo"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name == "zoo" or name.startswith("zoo.")]:
        del sys.modules[name]


def put(folder: Path, place: str, text: str) -> Path:
    file = folder / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def named(name: str) -> str:
    return NAMED.format(name=name)


def test_every_module_below_the_package_counts_whether_or_not_its_folder_has_an_init(package: Path) -> None:
    put(package, "lion.py", named("lion"))
    put(package, "birds/__init__.py", "")
    put(package, "birds/owl.py", named("owl"))
    put(package, "fish/deep/eel.py", named("eel"))
    assert list(plugins("zoo", "PLUGIN")) == ["eel", "lion", "owl"]


def test_the_order_is_of_names_not_of_files(package: Path) -> None:
    put(package, "a.py", named("zebra"))
    put(package, "z.py", named("ant"))
    assert list(plugins("zoo", "PLUGIN")) == ["ant", "zebra"]


def test_the_file_gives_the_name_where_the_plugin_has_none(package: Path) -> None:
    put(package, "lion.py", "PLUGIN = 7\n")
    assert plugins("zoo", "PLUGIN") == {"lion": 7}


def test_underscored_files_and_folders_are_no_plugins(package: Path) -> None:
    put(package, "_shared.py", "raise RuntimeError\n")
    put(package, "_parts/piece.py", "raise RuntimeError\n")
    assert plugins("zoo", "PLUGIN") == {}


def test_a_pattern_leaves_the_packages_own_modules_alone(package: Path) -> None:
    put(package, "engine.py", "raise RuntimeError\n")
    put(package, "birds/owl.py", named("owl"))
    assert list(plugins("zoo", "PLUGIN", pattern="*/*.py")) == ["owl"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("ANIMAL = 1\n", "lion.py: expected a module-level PLUGIN, found none", id="no constant"),
        pytest.param("import nowhere_at_all\n", "lion.py: cannot be imported: ModuleNotFoundError", id="import fails"),
        pytest.param("PLUGIN = (\n", "lion.py: cannot be imported: SyntaxError", id="not Python"),
        pytest.param(named(""), "lion.py: expected PLUGIN.name to be a non-empty text, got ''", id="empty name"),
        pytest.param("class P:\n    name = 3\nPLUGIN = P\n", "non-empty text, got 3", id="name is no text"),
    ],
)
def test_a_bad_file_is_named_with_what_was_expected(package: Path, text: str, words: str) -> None:
    put(package, "lion.py", text)
    with pytest.raises(BadPlugin) as refusal:
        plugins("zoo", "PLUGIN")
    assert words in str(refusal.value)
    assert str(package) in str(refusal.value)


def test_a_bad_extra_file_is_named_too_and_leaves_no_half_module(package: Path, tmp_path: Path) -> None:
    broken = put(tmp_path / "mine", "lynx.py", "raise ValueError('no claws')\n")
    with pytest.raises(BadPlugin, match=r"lynx.py: cannot be imported: ValueError: no claws"):
        plugins("zoo", "PLUGIN", extra=[broken.parent])
    broken.write_text(named("lynx"))
    assert list(plugins("zoo", "PLUGIN", extra=[broken.parent])) == ["lynx"]


def test_two_plugins_of_one_name_are_both_named(package: Path, tmp_path: Path) -> None:
    first = put(package, "lion.py", named("cat"))
    second = put(tmp_path / "mine", "tiger.py", named("cat"))
    with pytest.raises(BadPlugin) as refusal:
        plugins("zoo", "PLUGIN", extra=[second.parent])
    assert "two plug-ins are called 'cat'" in str(refusal.value)
    assert str(first) in str(refusal.value)
    assert str(second) in str(refusal.value)


def test_an_extra_folder_adds_a_plugin_by_one_file(package: Path, tmp_path: Path) -> None:
    put(package, "lion.py", named("lion"))
    put(tmp_path / "mine", "cats/lynx.py", named("lynx"))
    assert list(plugins("zoo", "PLUGIN", extra=[tmp_path / "mine"])) == ["lion", "lynx"]
    assert list(plugins("zoo", "PLUGIN")) == ["lion"]


def test_an_extra_file_is_loaded_once(package: Path, tmp_path: Path) -> None:
    folder = put(tmp_path / "mine", "lynx.py", named("lynx")).parent
    first = plugins("zoo", "PLUGIN", extra=[folder])["lynx"]
    assert plugins("zoo", "PLUGIN", extra=[folder])["lynx"] is first


def test_extra_files_of_one_name_in_two_folders_are_two_modules(package: Path, tmp_path: Path) -> None:
    put(tmp_path / "one", "cat.py", named("lynx"))
    put(tmp_path / "two", "cat.py", named("puma"))
    assert list(plugins("zoo", "PLUGIN", extra=[tmp_path / "one", tmp_path / "two"])) == ["lynx", "puma"]


def test_a_missing_extra_folder_is_an_error_not_an_empty_list(package: Path, tmp_path: Path) -> None:
    with pytest.raises(BadPlugin, match="expected a folder of plug-ins, found none"):
        plugins("zoo", "PLUGIN", extra=[tmp_path / "nowhere"])


def test_installed_distributions_join_by_entry_points_of_the_packages_name(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(package, "lion.py", named("lion"))
    names = [("pi", "math:pi", "zoo"), ("dumps", "json:dumps", "zoo"), ("loads", "json:loads", "circus")]
    installed = EntryPoints(EntryPoint(*name) for name in names)
    monkeypatch.setattr(discover, "_entry_points", lambda: installed)
    assert list(plugins("zoo", "PLUGIN")) == ["dumps", "lion", "pi"]


def test_a_broken_entry_point_is_named(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = EntryPoints([EntryPoint("gone", "math:nothing", "zoo")])
    monkeypatch.setattr(discover, "_entry_points", lambda: installed)
    with pytest.raises(BadPlugin, match=r"entry point gone = math:nothing: AttributeError"):
        plugins("zoo", "PLUGIN")
