"""`outrider preview` shows a template in every language of every market: on the terminal, as a page, as JSON."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from outrider.cli.preview import COMMAND
from outrider.content.preview_page import page
from outrider.content.template import compile_templates
from outrider.plugged import shipped

YAML = """\
languages: [en, fr]
transliterate: unicode
segments: 1
variables:
  name: {type: string, example: "<script>alert(1)</script>", longest: 90}
"""
FILES = {
    "outrider.toml": "",
    "templates/t/template.yaml": YAML,
    "templates/t/sms.en.j2": "Hi {{ name }}",
    "templates/t/sms.fr.j2": "Prêt, {{ name }}",
    "templates/t/markets/gb/sms.en.j2": "Oi {{ name }}",
    "templates/t/push.en.yaml": "title: Hi\nbody: '{{ name }}'\nlink: 'app://x'\n",
    "templates/t/push.fr.yaml": "title: Salut\nbody: '{{ name }}'\n",
    "templates/t/email.en.html": "---\nsubject: Hi {{ name }}\n---\n<p>{{ name }}</p>",
    "templates/t/email.fr.html": "---\nsubject: Salut\n---\n<p>{{ name }}</p>",
    "templates/broken/template.yaml": "",
    "templates/broken/sms.en.j2": "{{ x",
}


@pytest.fixture
def company(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(COMMAND, [*arguments, "--folder", str(folder)])


def test_markets_that_get_the_same_stand_together(company: Path) -> None:
    lines = run(company, "t").stdout.splitlines()
    others = ", ".join(code for code in shipped().markets if code != "GB")
    everywhere = ", ".join(shipped().markets)
    assert [line for line in lines if " · " in line] == [
        f"email · en · {everywhere}",
        f"email · fr · {everywhere}",
        f"push · en · {everywhere}",
        f"push · fr · {everywhere}",
        f"sms · en · {others}",
        "sms · en · GB",
        f"sms · fr · {everywhere}",
    ]


def test_an_sms_is_drawn_with_its_segments_and_what_saves_one(company: Path) -> None:
    result = run(company, "t", "--channel", "sms", "--longest")
    assert result.exit_code == 0
    assert result.stdout.count("UCS-2, 96 units, 2 segments") == 1
    assert result.stdout.count("GSM-7, 93 units, 1 segment\n") == 2
    assert "writing 'e' for 'ê' saves 1 segment" in result.stdout
    assert "push" not in result.stdout


def test_a_push_and_an_email_are_drawn_with_their_words(company: Path) -> None:
    shown = run(company, "t").stdout
    assert "link: app://x" in shown
    assert "Hi <script>alert(1)</script>" in shown


def test_json_holds_everything(company: Path) -> None:
    found = json.loads(run(company, "t", "--json").stdout)
    assert {(each["channel"], each["locale"]) for each in found} == {
        (channel, locale) for channel in ("email", "push", "sms") for locale in ("en", "fr")
    }
    british = next(each for each in found if each["markets"] == ["GB"])
    assert british["rendered"]["body"]["text"] == "Oi <script>alert(1)</script>"
    assert (british["rendered"]["overlay"], british["rendered"]["count"]["segments"]) == ("gb", 1)


class Seen(HTMLParser):
    """The tags of a page, and what its frames hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.frames: list[dict[str, str | None]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "iframe":
            self.frames.append(dict(attrs))


def test_the_page_is_whole_and_runs_nothing(company: Path, tmp_path: Path) -> None:
    file = tmp_path / "preview.html"
    result = run(company, "t", "--html", str(file))
    assert (result.exit_code, "7 contents" in result.stdout) == (0, True)
    text = file.read_text(encoding="utf-8")
    seen = Seen(text)
    assert {"script", "link", "img", "object"} & set(seen.tags) == set()
    assert [frame["sandbox"] for frame in seen.frames] == ["", ""]
    assert str(seen.frames[0]["srcdoc"]) == "<p>&lt;script&gt;alert(1)&lt;&#x2f;script&gt;</p>"
    assert "default-src 'none'" in text


def test_an_evil_name_of_a_template_is_escaped_too() -> None:
    assert "<img" not in page("<img src=x>", [])


def test_what_cannot_be_rendered_is_told_and_fails(company: Path) -> None:
    (company / "templates/t/sms.fr.j2").write_text("{{ name * 20 }}")
    result = run(company, "t", "--channel", "sms", "--longest")
    assert result.exit_code == 1
    assert "error: templates/t/sms.fr.j2:1:1: the text has 1800 characters" in result.stdout
    html = company / "p.html"
    assert run(company, "t", "--longest", "--html", str(html)).exit_code == 1
    assert "the text has 1800 characters" in html.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tt"], "there is no template 'tt' did you mean 't'?"),
        (["t", "--channel", "voice"], "no content for 'voice'; it has: email, push, sms"),
        (["broken"], "templates/broken/sms.en.j2:1:4: error: unexpected end of input"),
    ],
)
def test_what_cannot_be_shown_is_told(company: Path, arguments: list[str], message: str) -> None:
    result = run(company, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr


def test_a_template_over_its_budget_is_shown_all_the_same(company: Path) -> None:
    files = {path: text for path, text in FILES.items() if "broken" not in path}
    assert compile_templates(files)[0].names == frozenset()
    assert run(company, "t").exit_code == 0
