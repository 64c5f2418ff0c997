"""A plug-in is one new file: a provider, a gate, a step and a connector join a copy of the tree, nothing is edited.

Each must then be in the lists, in the tables of the docs and in its contract suite, and must do its work.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
#: What a contributor has in hand: the package, the pages, and the tests that hold the contract suites.
COPIED = (
    "src",
    "docs",
    "tests/conftest.py",
    "tests/providers",
    "tests/connectors",
    "tests/orchestration",
    "tests/journeys",
)

CONNECTOR = '''
"""Reads events from a shelf: a folder with one file for each."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import msgspec

from outrider.contracts.connector import Record


class ShelfSettings(msgspec.Struct, frozen=True):
    """Where the shelf is."""

    folder: str


class Shelf:
    """Files in the order of their names; a read file is moved aside by the acknowledgment."""

    name: ClassVar[str] = "shelf"
    title: ClassVar[str] = "A folder with one event per file"
    Settings: ClassVar[type[ShelfSettings]] = ShelfSettings

    def __init__(self, settings: ShelfSettings) -> None:
        self._folder = Path(settings.folder)
        self._read: list[Path] = []

    async def read(self, most: int) -> Sequence[Record]:
        files = [file for file in sorted(self._folder.glob("*.json")) if file not in self._read][:most]
        self._read += files
        return [Record(file.read_bytes(), file.name) for file in files]

    async def acknowledge(self) -> None:
        while self._read:
            file = self._read.pop(0)
            file.rename(file.with_suffix(".done"))

    async def close(self) -> None:
        return None


CONNECTOR = Shelf
'''

STAGE = '''
"""A shelf, for the contract suite."""

from outrider.connectors.shelf import ShelfSettings


class ShelfStage:
    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    def settings(self):
        return ShelfSettings(str(self.folder))

    def put(self, raws):
        for raw in raws:
            (self.folder / f"{self.count:08}.json").write_bytes(raw)
            self.count += 1


STAGE = ShelfStage
'''

GATE_TITLE = '"""No thirteenth: nothing is sent on the thirteenth of a month."""\n'

COMPANY = {
    "outrider.toml": """
environment = "test"
home_market = "FR"

[accounts.acme-main]
provider = "acme"
base_url = "http://127.0.0.1:1"
api_key = "key"
sandbox = true

[[routes]]
name = "acme-fr"
channel = "sms"
account = "acme-main"
sender = "Drive"
""",
    "journeys/hello.yaml": """
journey: hello
start: {on: app.opened}
steps:
  - {hop: FR, loudly: true}
  - {send: hello, purpose: service, channels: {first: [sms]}}
  - wait: 1h
""",
    "templates/hello/template.yaml": "purpose: service\nlanguages: [en]\n",
    "templates/hello/sms.en.j2": "Hello",
    "sources/app.yaml": "source: /app\nevents:\n  app.opened: {}\n",
}


def constant(file: str, name: str) -> str:
    """A text in another test: the plug-in that stands there as an example."""
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return str(ast.literal_eval(node.value))
    raise LookupError(f"{file} has no {name}")


def new_files() -> dict[str, str]:
    """Everything that is added: four plug-ins, and what proves two of them."""
    return {
        "src/outrider/providers/sms/acme.py": constant("providers/test_provider_plugin_file.py", "PROVIDER"),
        "src/outrider/orchestration/gates/no_thirteenth.py": GATE_TITLE
        + constant("orchestration/test_gate_order.py", "NEW_GATE"),
        "src/outrider/journeys/steps/hop.py": constant("journeys/test_new_step.py", "STEP"),
        "src/outrider/connectors/shelf.py": CONNECTOR,
        "tests/connectors/shelf_stage.py": STAGE,
    }


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with the new files and a company that uses them."""
    root = tmp_path_factory.mktemp("tree")
    skip = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (root / name).parent.mkdir(exist_ok=True)
        copy(ROOT / name, root / name, **({"ignore": skip} if (ROOT / name).is_dir() else {}))
    shutil.copytree(ROOT / "tests/providers/sms/smsmode", root / "tests/providers/sms/acme")
    for name, text in [*new_files().items(), *((f"company/{name}", text) for name, text in COMPANY.items())]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        assert not (root / name).exists(), "a new file, never an edit"
        (root / name).write_text(text, encoding="utf-8")
    return root


def python(tree: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python on the copy."""
    environment = {**os.environ, "PYTHONPATH": str(tree / "src"), **variables}
    command = [sys.executable, "-P", *arguments]
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=200, check=False)


def outrider(tree: Path, *arguments: str, **variables: str) -> str:
    result = python(tree, "-m", "outrider", *arguments, **variables)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_copy_is_what_runs(tree: Path) -> None:
    place = python(tree, "-c", "import outrider; print(outrider.__file__)").stdout.strip()
    assert place == str(tree / "src/outrider/__init__.py")


def test_they_are_in_the_lists(tree: Path) -> None:
    listed = {(one["kind"], one["name"]) for one in json.loads(outrider(tree, "plugins", "--json"))}
    added = {("provider", "acme"), ("gate", "no_thirteenth"), ("step", "hop"), ("connector", "shelf")}
    assert added <= listed
    assert "acme" in [one["name"] for one in json.loads(outrider(tree, "providers", "--json"))]
    assert "shelf" in [one["name"] for one in json.loads(outrider(tree, "connectors", "--json"))]


@pytest.mark.parametrize(
    ("command", "page", "row"),
    [
        ("providers", "docs/reference/providers.md", "| acme | sms | Acme Text |"),
        (
            "connectors",
            "docs/reference/connectors.md",
            "| shelf | A folder with one event per file | `folder`",
        ),
        ("plugins", "docs/reference/plugins.md", "| gate | no_thirteenth | phase 5: No thirteenth"),
        ("plugins", "docs/reference/plugins.md", "| step | hop | hop: skip the next step in one market |"),
    ],
)
def test_they_are_in_the_tables_of_the_docs(tree: Path, command: str, page: str, row: str) -> None:
    assert row not in (ROOT / page).read_text(encoding="utf-8")
    outrider(tree, command, "--write", page)
    assert row in (tree / page).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("suite", "name"),
    [
        ("tests/providers/test_provider_contract.py", "acme"),
        ("tests/connectors/test_connector_contract.py", "shelf"),
        ("tests/orchestration/test_gate_contract.py", "no_thirteenth"),
        ("tests/journeys/test_step_contract.py", "hop"),
    ],
)
def test_they_are_in_their_contract_suite_and_keep_it(tree: Path, suite: str, name: str) -> None:
    result = python(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", name, suite)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " passed" in result.stdout


def test_a_company_may_use_the_provider_and_the_step(tree: Path) -> None:
    assert "no errors" in outrider(tree, "check", "company")
    (tree / "other").mkdir()
    for name in ("providers/sms/acme.py", "journeys/steps/hop.py"):
        (tree / "src/outrider" / name).rename(tree / "other" / Path(name).name)
    try:
        refused = python(tree, "-m", "outrider", "check", "company")
        assert "there is no provider 'acme'" in refused.stderr
        assert "unknown step 'hop'" in refused.stderr
    finally:
        for name in ("providers/sms/acme.py", "journeys/steps/hop.py"):
            (tree / "other" / Path(name).name).rename(tree / "src/outrider" / name)


def test_the_gate_is_asked_in_its_phase(tree: Path) -> None:
    program = "from outrider.plugged import gates; print([gate.name for gate in gates()])"
    names: list[str] = ast.literal_eval(python(tree, "-c", program).stdout)
    assert names.index("reachability") < names.index("no_thirteenth") < names.index("quiet_hours")


def test_the_connector_feeds_a_running_log(tree: Path, tmp_path: Path, database_url: str) -> None:
    variables: dict[str, Any] = {
        "OUTRIDER_HOME": str(tmp_path / "home"),
        "OUTRIDER_DATABASE_URL": database_url,
        "OUTRIDER_UNSAFE_DURABILITY": "1",
    }
    event = {"specversion": "1.0", "id": "1", "source": "/app", "type": "app.opened", "subject": "c1"}
    (tmp_path / "0.json").write_text(json.dumps(event))
    outrider(tree, "apply", "company", **variables)
    fed = outrider(tree, "connect", "shelf", "--setting", f"folder={tmp_path}", "--json", **variables)
    assert json.loads(fed) == {"accepted": 1, "duplicates": 0, "rejected": 0}
    assert [file.name for file in tmp_path.glob("0.*")] == ["0.done"]
