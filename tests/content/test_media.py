"""A medium is one file: found by its folder, complete, and standing for itself."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from content_folder import YAML, compiled, errors, folder, mjml, warnings
from hypothesis import given
from hypothesis import strategies as st

from outrider.content import folders
from outrider.content import medium as port
from outrider.content.medium import Medium, media
from outrider.content.source import Source, from_yaml, joined
from outrider.content.template import compile_templates
from outrider.lib.discover import plugins
from outrider.lib.yaml12 import read

#: Channel → the smallest file of each extension.
SMALLEST = {
    "sms": {"j2": "Hi {{ name }}"},
    "push": {"yaml": "title: Hi\nbody: '{{ name }}'"},
    "email": {"mjml": mjml("<mj-text>{{ name }}</mj-text>"), "html": "---\nsubject: Hi\n---\n<p>{{ name }}</p>"},
}


def test_the_channels_of_a_template_are_those_with_a_file() -> None:
    assert set(media()) == set(SMALLEST)


@pytest.mark.parametrize("medium", media().values(), ids=lambda medium: str(medium.name))
def test_a_medium_offers_all_of_the_port(medium: Medium) -> None:
    wanted = {name for name, _ in inspect.getmembers(port.Medium, inspect.isfunction) if not name.startswith("_")}
    assert {name for name in wanted if not inspect.getdoc(getattr(type(medium), name, None))} == set()
    assert medium.extensions
    assert not set(medium.extensions) & set(medium.companions)
    assert sorted(SMALLEST[medium.name]) == sorted(medium.extensions)


@pytest.mark.parametrize(
    ("channel", "extension"), [(name, extension) for name, files in SMALLEST.items() for extension in files]
)
def test_every_file_becomes_a_rendition_with_its_values(channel: str, extension: str) -> None:
    templates = compiled({f"{channel}.en.{extension}": SMALLEST[channel][extension]})
    rendered = templates.render("t", channel, "en-GB", "GB", {"name": "Zoé", "zone": "UTC"})
    assert "Zoé" in rendered.text
    assert (rendered.segments, rendered.locale, rendered.overlay) == (1, "en", None)
    assert (templates.channels("t"), templates.variables("t")) == ({channel}, {"name"})


VOICE = '''
"""Voice: `voice.<locale>.txt` is spoken."""

from outrider.content.medium import Written
from outrider.domain.message import Rendition


class Voice:
    """One piece, `spoken`."""

    name = "voice"
    extensions = ("txt",)
    companions = ()
    in_gsm = False

    def read(self, files, wanted):
        return {"spoken": files["txt"]}

    def lint(self, pieces, declaration):
        return iter(())

    def write(self, texts, declaration, tables):
        return Written(Rendition(texts["spoken"].lower()))

    def overruns(self, written, declaration, sources):
        return iter(())


MEDIUM = Voice()
'''


def test_a_new_medium_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "voice.py").write_text(VOICE)
    known = plugins("outrider.content.media", "MEDIUM", extra=[tmp_path])
    monkeypatch.setattr(folders, "media", lambda: known)
    templates = compiled({"voice.en.txt": "Hello {{ name }}", "sms.en.j2": "a", "voice.fr.txt": "Salut"})
    assert (templates.channels("t"), templates.locales("t", "voice")) == ({"sms", "voice"}, ("en", "fr"))
    assert templates.preview("t", "voice", "en", "FR").body.text == "hello anna"


def test_a_market_may_replace_one_file_only() -> None:
    files = {
        "email.en.html": "---\nsubject: Hi\n---\n<p>General</p>",
        "email.en.txt.j2": "general text",
        "markets/gb/email.en.txt.j2": "british text",
        "markets/us/email.en.mjml": mjml("<mj-text>American</mj-text>"),
    }
    templates = compiled(files)
    found = {each: templates.preview("t", "email", "en", each) for each in ("FR", "GB", "US")}
    assert [each.text for each in found.values()] == ["general text", "british text", "American"]
    assert ["General" in each.body.html for each in found.values()] == [True, True, False]


def test_files_that_no_medium_reads_are_warned_about() -> None:
    found = warnings({"sms.en.j2": "a", "fax.en.txt": "b", "push.en.yml": "c"})
    assert [(each.file, each.severity) for each in found] == [
        ("templates/t/fax.en.txt", "warning"),
        ("templates/t/push.en.yml", "warning"),
    ]
    assert "push.<locale>.yaml" in found[0].hint


def test_one_broken_content_leaves_the_whole_template_out_and_no_other() -> None:
    files = folder({"sms.en.j2": "a", "push.en.yaml": "title: ["}) | {
        "templates/u/template.yaml": YAML,
        "templates/u/sms.en.j2": "b",
    }
    templates, problems = compile_templates(files)
    assert templates.names == {"u"}
    assert [each.file for each in problems if each.is_error] == ["templates/t/push.en.yaml"]


def test_dates_are_written_and_ask_for_the_zone_on_every_channel() -> None:
    yaml = 'variables: {at: {type: datetime, example: "2026-12-24T14:05:00Z"}}\n'
    files = {
        "push.en.yaml": "title: Hi\nbody: '{{ at|datetime }}'",
        "email.en.html": "---\nsubject: '{{ at|date }}'\n---\n<p>{{ at|time }}</p>",
    }
    templates = compiled(files, yaml)
    assert templates.variables("t") == {"at", "zone"}
    context = {"at": "2026-12-24T14:05:00Z", "zone": "Europe/Paris"}
    assert templates.render("t", "push", "en", "GB", context).text == "24/12/2026 15:05"
    email = templates.render("t", "email", "en-US", "GB", context)
    assert (email.body.subject, email.text) == ("12/24/2026", "3:05\u202fPM")


def test_the_same_mistake_of_two_markets_is_told_once() -> None:
    partial = {"templates/_partials/p.en.j2": "x", "templates/_partials/markets/gb/p.en.j2": "y"}
    assert len(errors({"sms.en.j2": "{{ nobody }} {% include 'p' %}", **partial})) == 1


@given(st.lists(st.text(st.sampled_from("ab\n"), max_size=6), min_size=1, max_size=6))
def test_every_character_of_joined_sources_keeps_its_place(texts: list[str]) -> None:
    sources = [Source(f"{number}.j2", text) for number, text in enumerate(texts)]
    whole = joined(sources, Source("all", ""))
    assert whole.text == "".join(texts)
    expected = [source.place(start) for source in sources for start in range(len(source.text))]
    assert [whole.place(start) for start in range(len(whole.text))] == expected
    half = len(whole.text) // 2
    cut = whole.part(half, len(whole.text))
    assert [cut.place(start) for start in range(len(cut.text))] == expected[half:]


@pytest.mark.parametrize(
    ("yaml", "line", "column"),
    [
        ("t: a {{ b }}", 1, 6),
        ("t: 'it''s {{ b }}'", 1, 11),
        ('t: "\\t{{ b }}"', 1, 7),
        ("t: |\n  a\n  {{ b }}\n", 3, 3),
        ("t: >\n  a\n  {{ b }}\n", 3, 3),
    ],
)
def test_a_block_in_yaml_keeps_its_place_however_it_is_quoted(yaml: str, line: int, column: int) -> None:
    source = from_yaml(read(yaml, "t.yaml"), ("t",), "t")
    assert source.place(source.text.index("{{")) == ("t.yaml", line, column)
