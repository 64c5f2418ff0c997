"""The glossary has every name of the domain, and its table is the one the code gives."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "glossary.md"
SCRIPT = ROOT / "scripts" / "domain_names.py"

#: Every word with a fixed meaning (design of the platform, section on words).
WORDS = re.findall(
    r"\w+",
    "event source connector entity profile object relation trait address stream stimulus segment market consent topic "
    "subscription suppression journey step enrollment goal campaign recipient candidate purpose gate decision "
    "arbitration template overlay channel strategy message attempt provider account sender route outcome retry "
    "failover fallback callback receipt status engagement conversion action task operator sandbox",
)
WORDS += ["frequency cap", "quiet hours", "send window"]


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("domain_names", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_names_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert script().renewed(page) == page, f"python {SCRIPT.name} {PAGE}"


def test_every_public_name_of_the_domain_is_in_the_glossary() -> None:
    page = PAGE.read_text(encoding="utf-8")
    names = [kind.__name__ for kind in script().kinds()]
    assert len(names) > 70
    assert [name for name in names if f"`{name}`" not in page] == []


@pytest.mark.parametrize("word", WORDS)
def test_every_word_has_a_meaning(word: str) -> None:
    found = re.findall(rf"^\| {word} \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(found) == 1
    assert found[0].endswith((".", ".*"))


def test_a_page_is_renewed_in_place(tmp_path: Path) -> None:
    copy = tmp_path / "glossary.md"
    shutil.copy(PAGE, copy)
    copy.write_text(copy.read_text(encoding="utf-8").replace("| `Accepted` |", "| `Gone` |"), encoding="utf-8")
    assert script().main([str(copy)]) == 0
    assert copy.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")
    assert script().main([]) == 2
