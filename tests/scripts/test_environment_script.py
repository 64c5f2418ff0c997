"""`scripts/environment.py` on a pretended machine: what it installs, when it does nothing, what it asks for."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "environment.py"


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, at home in a folder of its own."""
    spec = importlib.util.spec_from_file_location("environment_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "requirements").mkdir()
    for file in ("requirements/main.txt", "requirements/dev.txt", "pyproject.toml"):
        (tmp_path / file).write_text(f"content of {file}")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "FOLDER", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "installed.json")
    return module


@pytest.fixture
def commands(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the script runs; installing the package makes its command."""
    ran: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        ran.append(command)
        (script.FOLDER / "bin").mkdir(parents=True, exist_ok=True)
        (script.FOLDER / "bin" / "outrider").touch()
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(script, "subprocess", SimpleNamespace(run=run))
    return ran


@pytest.fixture
def call(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def run_main(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["environment.py", *arguments])
        status: int = script.main()
        return status

    return run_main


def test_requirements_are_installed_by_hash_and_the_package_without_any(
    script: ModuleType, commands: list[list[str]], call: Callable[..., int]
) -> None:
    assert call("main") == 0
    venv, requirements, package = commands
    assert venv == [sys.executable, "-m", "venv", str(script.FOLDER)]
    assert requirements[-3:] == ["--require-hashes", "-r", str(script.ROOT / "requirements" / "main.txt")]
    assert package[-3:] == ["--no-deps", "--editable", str(script.ROOT)]


def test_nothing_is_done_while_nothing_changed_and_a_change_installs_again(
    script: ModuleType, commands: list[list[str]], call: Callable[..., int]
) -> None:
    call("main")
    commands.clear()
    assert (call("main"), commands) == (0, [])
    (script.ROOT / "requirements" / "main.txt").write_text("something else")
    assert call("main") == 0
    assert commands


def test_dev_brings_main_along_but_main_does_not_bring_dev(commands: list[list[str]], call: Callable[..., int]) -> None:
    call("dev")
    commands.clear()
    call("main")
    assert commands == []


def test_main_alone_does_not_do_for_dev(commands: list[list[str]], call: Callable[..., int]) -> None:
    call("main")
    commands.clear()
    call("dev")
    assert commands


@pytest.mark.parametrize("content", ["", "not json", json.dumps({"main": "an older digest"})])
def test_a_broken_or_old_stamp_installs_again(
    content: str, script: ModuleType, commands: list[list[str]], call: Callable[..., int]
) -> None:
    call("main")
    commands.clear()
    script.STAMP.write_text(content)
    call("main")
    assert commands


def test_a_failing_step_ends_it_with_the_command_and_leaves_no_stamp(
    script: ModuleType, call: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = SimpleNamespace(run=lambda command, **_: subprocess.CompletedProcess(command, 3))
    monkeypatch.setattr(script, "subprocess", failed)
    assert call("main") == 1
    assert "this failed with status 3: " in capsys.readouterr().err
    assert not script.STAMP.exists()


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_python_without_venv_names_the_package_to_install(
    missing: str,
    script: ModuleType,
    commands: list[list[str]],
    call: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = SimpleNamespace(util=SimpleNamespace(find_spec=lambda name: None if name == missing else name))
    monkeypatch.setattr(script, "importlib", found)
    assert call("main") == 1
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"apt install python{version}-venv" in capsys.readouterr().err
    assert commands == []


def test_an_old_python_is_refused_with_the_way_to_name_another(
    script: ModuleType, call: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "LEAST", (99, 1))
    assert call("main") == 1
    assert "Python 99.1 or later is needed" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [(), ("all",), ("main", "dev")])
def test_wrong_arguments_print_how_it_is_called(
    arguments: tuple[str, ...], call: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*arguments) == 2
    assert "scripts/environment.py main|dev" in capsys.readouterr().err
