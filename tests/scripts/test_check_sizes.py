"""The house numbers: what is counted, what is refused, and that the code holds them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "check_sizes.py"


def check(*folders: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, folders)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def function(lines: int, name: str = "f") -> str:
    return f"def {name}():\n" + "    x = 1\n" * (lines - 1) + "\n"


def test_the_code_holds_its_numbers() -> None:
    result = check()
    assert result.returncode == 0, result.stdout
    assert result.stdout.count("  ok    ") == 4


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        pytest.param(function(60) + function(2, "g") * 20, 0, "found 60", id="as long as may be"),
        pytest.param(function(61) + function(2, "g") * 20, 1, "FAILED  longest function", id="one line more"),
        pytest.param(function(8) * 3, 0, "found 8", id="the median itself"),
        pytest.param(function(9) * 2 + function(2), 1, "FAILED  median function", id="long in the middle"),
        pytest.param(function(2) * 18 + function(26) * 2, 0, "90 % of functions at most  25, found 2", id="one tenth"),
        pytest.param(function(2) * 17 + function(26) * 3, 1, "FAILED  90 % of functions", id="more than a tenth"),
        pytest.param(function(2) + "#\n" * 497, 0, "found 500", id="a long file"),
        pytest.param(function(2) + "#\n" * 498, 1, "FAILED  longest file", id="a file that is too long"),
        pytest.param(function(2) + "#\n" * 298, 0, "warning: long files:\n    301", id="a warning"),
    ],
)
def test_each_number_is_held_at_its_edge(tmp_path: Path, text: str, status: int, words: str) -> None:
    (tmp_path / "code.py").write_text(text)
    result = check(tmp_path)
    assert result.returncode == status
    assert words in result.stdout


def test_docstrings_and_blank_lines_do_not_count_and_inner_functions_do(tmp_path: Path) -> None:
    body = '    """One.\n\n    Two.\n    """\n\n    async def inner():\n        return 1\n\n    return inner\n'
    (tmp_path / "code.py").write_text(f"class A:\n    pass\n\ndef outer():\n{body}")
    assert "sizes of 1 files, 2 functions" in check(tmp_path).stdout
    assert "longest function at most  60, found 4" in check(tmp_path).stdout


def test_what_is_too_long_is_named_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(function(2) * 30 + function(70, "endless"))
    assert f"functions that are too long:\n     70  {tmp_path}/code.py:91 endless" in check(tmp_path).stdout


def test_a_folder_without_functions_is_refused(tmp_path: Path) -> None:
    result = check(tmp_path)
    assert (result.returncode, result.stderr) == (2, f"error: no function in {tmp_path}\n")
