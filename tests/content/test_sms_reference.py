"""The examples of the SMS reference page are true."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from outrider.cli.sms import COMMAND
from outrider.content.sms import count, transliterate

PAGE = (Path(__file__).parents[2] / "docs/reference/sms.md").read_text()
CONSOLE = "\n".join(re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL))
SESSIONS = re.findall(
    r"^\$ echo '([^']*)' \| outrider sms (.*)\n((?:(?!\$ ).*\n)*?)(?=\n?\$ |\n?\Z)", CONSOLE, re.MULTILINE
)
SPELLINGS = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| [a-z]", PAGE, re.MULTILINE)


def test_the_page_has_examples() -> None:
    assert (len(SESSIONS), len(SPELLINGS)) == (5, 12)


@pytest.mark.parametrize(("text", "options", "output"), SESSIONS)
def test_a_command_prints_what_the_page_says(text: str, options: str, output: str) -> None:
    result = CliRunner().invoke(COMMAND, options.split(), input=text + "\n")
    assert result.output.strip() == output.strip()


@pytest.mark.parametrize(("written", "sent"), SPELLINGS)
def test_a_text_is_sent_as_the_page_says(written: str, sent: str) -> None:
    assert transliterate(written) == sent


def test_the_python_examples_print_what_the_page_says() -> None:
    python = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    example = doctest.DocTestParser().get_doctest(python, {}, "sms.md", "sms.md", 0)
    assert doctest.DocTestRunner(verbose=False).run(example) == doctest.TestResults(0, 5)


def test_the_characters_named_in_the_alphabet_and_outside_it_are_so() -> None:
    basic, outside = re.findall(r"`((?:\S ){6,}\S)`", PAGE)[:2], re.findall(r"harmless: `([^`]+)`", PAGE)
    assert count("".join(basic[0].split())).encoding == count("".join(basic[1].split())).encoding == "GSM-7"
    assert all(count(char).encoding == "UCS-2" for char in outside[0].split())
    assert len(basic[1].split()) == 23
