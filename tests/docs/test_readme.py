"""The README's first message goes out, and every page of the documentation leads somewhere."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
from page_runner import Page, page

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")


def section(text: str, title: str) -> str:
    """The part of a page below a heading."""
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_first_message_goes_out_and_is_explained(tmp_path: Path) -> None:
    with page(section(README, "The first message in five minutes"), tmp_path) as readme:
        (tmp_path / ".venv").symlink_to(sys.prefix)
        copy_example(readme)
        readme.run()


def copy_example(readme: Page) -> None:
    """The example company, with the ports of this test."""
    target = readme.folder / "examples" / "rental"
    shutil.copytree(ROOT / "examples" / "rental", target)
    toml = target / "outrider.toml"
    toml.write_text(readme.local(toml.read_text(encoding="utf-8")), encoding="utf-8")


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as they are made from their words."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_its_heading(path: Path) -> None:
    broken = []
    for link in LINK.findall(path.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)
    assert broken == []


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    linked = {(ROOT / "docs" / link.partition("#")[0]).resolve() for link in LINK.findall(index)}
    pages = {path.resolve() for path in (ROOT / "docs").rglob("*.md")} - {(ROOT / "docs" / "index.md").resolve()}
    assert pages - linked == set()
