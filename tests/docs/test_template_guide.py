"""The guide to templates works as written, and the reference of templates is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from page_runner import BLOCK, page

from outrider.content import engine
from outrider.content.links import REFUSED
from outrider.content.media.email import SUBJECT
from outrider.content.media.push import PAYLOAD, SEEN
from outrider.content.medium import media
from outrider.content.spelling import transliterate
from outrider.content.template import compile_templates
from outrider.plugged import shipped

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "how-to" / "write-a-template-for-six-markets.md"
REFERENCE = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
PART = REFERENCE[REFERENCE.index("## template.yaml") : REFERENCE.index("## Environment variables")]


def test_every_block_of_the_guide_does_what_the_page_says(tmp_path: Path) -> None:
    with page(GUIDE.read_text(encoding="utf-8"), tmp_path) as guide:
        guide.run()
        assert len(guide.blocks) > 20


def test_no_block_of_the_guide_is_passed_over() -> None:
    for kind, rest, _ in BLOCK.findall(GUIDE.read_text(encoding="utf-8")):
        assert kind == "sh" or rest.startswith("file=") or rest == "output", (kind, rest)


def test_the_examples_of_the_reference_are_read_without_a_mistake() -> None:
    declaration, push, email = re.findall(r"^```(?:yaml|html)\n(.*?)^```", PART, re.MULTILINE | re.DOTALL)
    more = "  booking.bay: {type: string, example: B12}\n  booking.id: {type: string, example: '1'}\n"
    files = {"templates/t/template.yaml": declaration + more}
    for locale in ("en", "fr"):
        files |= {f"templates/t/push.{locale}.yaml": push, f"templates/t/email.{locale}.mjml": email}
    files["templates/_partials/footer.en.mjml"] = "<mj-text>{{ booking.starts_at|date }}</mj-text>"
    templates, problems = compile_templates(files)
    assert problems == []
    assert templates.names == {"t"}


def test_every_file_limit_and_scheme_is_described() -> None:
    for medium in media().values():
        for extension in (*medium.extensions, *medium.companions):
            assert f"`{medium.name}.LOCALE.{extension}`" in PART
    assert all(f"`{scheme}:`" in PART for scheme in REFUSED - {"filesystem"})
    assert f"at most {SUBJECT} characters" in PART
    assert f"at most {PAYLOAD:,} bytes" in PART
    assert f"A title above {SEEN['title']} and a body above {SEEN['body']} characters" in PART


ROW = re.compile(r"^\| `(\{\{.*?\}\})` \| `(.*?)` \| `(.*?)` \| `(.*?)` \| `(.*?)` \|$", re.MULTILINE)
FIGURES = [(found[1].replace("\\|", "|"), found.groups()[1:]) for found in ROW.finditer(PART)]
PLACES = (("fr", "FR"), ("en", "GB"), ("de", "DE"), ("es", "ES"))
VARIABLES = """\
variables:
  total: {type: number, example: 1234.5}
  currency: {type: string, example: EUR}
  at: {type: datetime, example: "2026-12-24T14:05:00Z"}
"""


def test_every_filter_has_its_line() -> None:
    assert {re.findall(r"\|(\w+)", text)[0] for text, _ in FIGURES} == set(engine.FILTERS)


@pytest.mark.parametrize(("text", "written"), FIGURES)
def test_a_filter_writes_what_the_reference_says(text: str, written: tuple[str, ...]) -> None:
    files = {"templates/t/template.yaml": VARIABLES} | {f"templates/t/sms.{locale}.j2": text for locale, _ in PLACES}
    templates, _ = compile_templates(files, markets=shipped().markets)
    shown = [templates.preview("t", "sms", locale, market) for locale, market in PLACES]
    letters = [transliterate(each) for each in written]
    assert [each.text for each in shown] == letters
