"""A small configuration with a given outrider.toml."""

from __future__ import annotations

from outrider.configuration import Configuration, build
from outrider.plugged import shipped

MINIMAL = """
[accounts.one]
provider = "smsmode"
api_key = "env:SMSMODE_KEY"

[accounts.two]
provider = "smsmode"
api_key = "in the sandbox"
sandbox = true
deadline = 3
"""
TEMPLATE = "languages: [en, fr]\nvariables:\n  name: {type: string, example: Zoe, longest: 20}\n"


def configured(toml: str) -> Configuration:
    """The configuration, number 1."""
    files = {
        "outrider.toml": toml,
        "templates/hello/template.yaml": TEMPLATE,
        "templates/hello/sms.en.j2": "Hello {{ name }}.",
        "templates/hello/sms.fr.j2": "Bonjour {{ name }}.",
    }
    built, problems = build(files, shipped(), number=1)
    assert built is not None, problems
    return built
