"""`outrider sms count` tells a person and a program what a text costs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from outrider.cli.sms import COMMAND
from outrider.content.savings import savings
from outrider.content.sms import count, transliterate

CAR = "\U0001f697"


def run(text: str | bytes, *options: str) -> Result:
    raw = text.encode() if isinstance(text, str) else text
    return CliRunner().invoke(COMMAND, ["count", *options], input=raw)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello\n", '{"encoding":"GSM-7","characters":5,"units":5,"segments":1,"offenders":[]}'),
        ("10 €", '{"encoding":"GSM-7","characters":4,"units":5,"segments":1,"offenders":[]}'),
        ("", '{"encoding":"GSM-7","characters":0,"units":0,"segments":0,"offenders":[]}'),
        (
            f"ê{CAR}",
            '{"encoding":"UCS-2","characters":2,"units":3,"segments":1,"offenders":'
            '[{"char":"ê","index":0,"replacement":"e"},{"char":"' + CAR + '","index":1,"replacement":null}]}',
        ),
        (
            "a" * 152 + "€" + "a" * 152,
            '{"encoding":"GSM-7","characters":305,"units":306,"segments":3,"offenders":[]}',
        ),
    ],
)
def test_json_is_one_object_with_exactly_these_keys(text: str, expected: str) -> None:
    result = run(text, "--json")
    assert result.exit_code == 0
    assert result.output == expected + "\n"


@pytest.mark.parametrize(
    ("text", "characters"), [("a", 1), ("a\n", 1), ("a\n\n", 2), ("\n", 0), ("a\r\n", 2), ("a ", 2)]
)
def test_exactly_one_newline_at_the_end_is_left_out(text: str, characters: int) -> None:
    assert json.loads(run(text, "--json").output)["characters"] == characters


def test_a_plain_text_is_summed_up_in_one_line() -> None:
    assert run("a" * 170).output == (
        "GSM-7, 170 characters, 170 units: 2 segments; the last one holds 17 of 153 units\n"
    )


def test_one_of_each_is_written_in_the_singular() -> None:
    assert run("a").output == "GSM-7, 1 character, 1 unit: 1 segment; the last one holds 1 of 160 units\n"


def test_an_expensive_text_is_explained() -> None:
    result = run("Votre véhicule est prêt.\nÀ tout de suite, l’équipe" + " de la location" * 2)
    assert result.exit_code == 0
    assert result.output == (
        "UCS-2, 80 characters, 80 units: 2 segments; the last one holds 13 of 67 units\n"
        "\n"
        "text:1:22: warning: U+00EA LATIN SMALL LETTER E WITH CIRCUMFLEX forces UCS-2\n"
        "  Votre véhicule est prêt.\n"
        "                       ^\n"
        "  hint: write 'e' instead\n"
        "\n"
        "text:2:1: warning: U+00C0 LATIN CAPITAL LETTER A WITH GRAVE forces UCS-2\n"
        "  À tout de suite, l’équipe de la location de la location\n"
        "  ^\n"
        "  hint: write 'A' instead\n"
        "\n"
        "text:2:19: warning: U+2019 RIGHT SINGLE QUOTATION MARK forces UCS-2\n"
        "  À tout de suite, l’équipe de la location de la location\n"
        "                    ^\n"
        '  hint: write "\'" instead\n'
        "\n"
        "Written as proposed: GSM-7, 1 segment (saves 1 segment)\n"
        "\n"
        "What saves segments:\n"
        "- writing 'e' for 'ê', 'A' for 'À', \"'\" for '’' saves 1 segment\n"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("я" + "a" * 70, "hint: nothing in GSM-7 says the same; leave it out if you can"),
        ("a\u200b" * 70, "hint: leave it out, nothing is lost"),
        ("я" + "a" * 70, "Without the characters that have no replacement: GSM-7, 1 segment (saves 1 segment)"),
        ("я" * 30, "and 10 more characters; --json lists all"),
        ("я" * 21, "and 1 more character; --json lists all"),
        ("ê" * 66 + "e\u0301", "1 segment; the last one holds 68 of 70 units"),
        ("ê" * 66 + "e\u0301êêê", "note: a segment ends inside the character at index 67"),
        ("\x01", "U+0001 a character without a name forces UCS-2"),
        ("", "The text is empty: 0 segments; no provider accepts it."),
    ],
)
def test_the_summary_says(text: str, line: str) -> None:
    result = run(text)
    assert result.exit_code == 0
    assert line in result.output


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Où êtes-vous ?", id="one segment in either alphabet"),
        pytest.param("a\u200b", id="left out, nothing would be saved"),
        pytest.param("…" * 60, id="as proposed it would cost more"),
        pytest.param("ê" + "я" * 60, id="another character forces UCS-2 all the same"),
    ],
)
def test_where_nothing_is_saved_nothing_is_proposed(text: str) -> None:
    output = run(text).output
    assert "forces UCS-2" in output
    assert "hint:" not in output
    assert "Nothing that could be written instead saves a segment." in output


@given(st.text(st.sampled_from("aeê…я🚗[€\u200b"), max_size=400))
def test_a_replacement_is_proposed_exactly_where_one_saves_a_segment(text: str) -> None:
    output, counted = run(text).output, count(text)
    as_proposed = count(transliterate(text)).segments < counted.segments
    assert ("hint: write" in output or "- writing" in output or "leav" in output) is (
        bool(savings(text)) or as_proposed or "Without the characters" in output
    )


@pytest.mark.parametrize(
    ("text", "options", "line"),
    [
        ("á" * 70, ["--shift-table", "es"], "GSM-7 with the table es, 70 characters, 140 units: 1 segment"),
        ("á" * 71, ["--shift-table", "tr"], "UCS-2, 71 characters, 71 units: 2 segments"),
        ("[" * 81, [], "- writing '(' for '[' saves 1 segment"),
        ("ê" + "a" * 70, [], "- writing 'e' for 'ê' saves 1 segment"),
    ],
)
def test_tables_and_savings_are_told(text: str, options: list[str], line: str) -> None:
    result = run(text, *options)
    assert result.exit_code == 0
    assert line in result.output


def test_the_json_names_the_table_and_the_savings() -> None:
    answer = json.loads(run("á" * 100, "--shift-table", "es", "--json").output)
    assert (answer["table"], answer["units"], answer["segments"]) == ("es", 200, 2)
    assert [(saving["segments"], saving["changes"]) for saving in answer["savings"]] == [
        (1, [{"char": "á", "written": "a", "times": 100}])
    ]


def test_a_table_that_does_not_exist_is_refused() -> None:
    result = run("a", "--shift-table", "it")
    assert result.exit_code == 2
    assert "no national shift table 'it': expected es, pt, tr" in result.stderr


def test_a_text_in_a_foreign_script_does_not_fill_the_screen() -> None:
    assert run("я" * 300).output.count("warning") == 20


@pytest.mark.parametrize(
    ("raw", "place"),
    [(b"abc\xe9d", "byte 0xE9 at offset 3"), (b"\xff", "byte 0xFF at offset 0"), (b"ab\xc3", "byte 0xC3 at offset 2")],
)
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_input_that_is_not_utf8_is_refused_with_the_place(raw: bytes, place: str, options: list[str]) -> None:
    result = run(raw, *options)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert place in result.stderr


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_json_says_what_the_count_says(text: str) -> None:
    answer = json.loads(run(text + "\n", "--json").output)
    counted = count(text)
    more = ["savings"] if savings(text) else []
    assert list(answer) == ["encoding", "characters", "units", "segments", "offenders", *more]
    assert [answer[key] for key in list(answer)[:4]] == [
        counted.encoding,
        counted.characters,
        counted.units,
        counted.segments,
    ]
    assert [tuple(offender.values()) for offender in answer["offenders"]] == [
        (offender.char, offender.index, offender.replacement) for offender in counted.offenders
    ]


def test_naming_the_command_loads_none_of_its_work() -> None:
    program = "import sys, outrider.cli.sms; print([name for name in sys.modules if 'outrider.content' in name])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
