"""A company folder with one template `t`, for tests of contents."""

from __future__ import annotations

from outrider.content.template import TemplateSet, compile_templates
from outrider.domain.problem import Problem
from outrider.plugged import shipped

YAML = """\
variables:
  name: {type: string, example: "Anna", longest: 40}
  url: {type: string, example: "https://a.fr/x"}
"""
FRONT = "---\nsubject: Hi\n---\n"
MARKETS = {code: shipped().markets[code] for code in ("FR", "GB")}


def mjml(inner: str) -> str:
    """An e-mail whose column holds `inner`, which begins on line 6."""
    head, tail = "<mjml><mj-body>\n<mj-section><mj-column>\n", "\n</mj-column></mj-section>\n</mj-body></mjml>\n"
    return f"{FRONT}{head}{inner}{tail}"


def folder(files: dict[str, str], yaml: str = YAML) -> dict[str, str]:
    """Paths within templates/t/ (or whole ones) → the files of a company folder."""
    whole = {path if path.startswith("templates/") else f"templates/t/{path}": text for path, text in files.items()}
    return {"templates/t/template.yaml": yaml, **whole}


def compiled(files: dict[str, str], yaml: str = YAML) -> TemplateSet:
    """The templates of files without an error."""
    templates, problems = compile_templates(folder(files, yaml), markets=MARKETS)
    assert [problem for problem in problems if problem.is_error] == []
    return templates


def errors(files: dict[str, str], yaml: str = YAML) -> list[Problem]:
    """What is wrong with files; warnings left out."""
    return [problem for problem in warnings(files, yaml) if problem.is_error]


def warnings(files: dict[str, str], yaml: str = YAML) -> list[Problem]:
    """What is wrong with files, but for variables that are not used."""
    _, problems = compile_templates(folder(files, yaml), markets=MARKETS)
    return [problem for problem in problems if "is declared but" not in problem.message]
