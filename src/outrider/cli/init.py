"""`outrider init`: a small company folder that works."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

#: The welcoming text by language: `$name` is the company, the rest is the template's.
TEXTS = {
    "en": "$name: your booking {{ booking.reference }} is confirmed. We look forward to seeing you.",
    "fr": "$name : votre réservation {{ booking.reference }} est confirmée. À bientôt.",
    "de": "$name: Ihre Buchung {{ booking.reference }} ist bestätigt. Bis bald.",
    "es": "$name: su reserva {{ booking.reference }} está confirmada. Hasta pronto.",
    "it": "$name: la prenotazione {{ booking.reference }} è confermata. A presto.",
    "pt": "$name: a reserva {{ booking.reference }} foi confirmada. Obrigado.",
}
EDITORCONFIG = """\
root = true

[*]
charset = utf-8
end_of_line = lf
insert_final_newline = true
indent_style = space
indent_size = 2
"""
#: Keys and the embedded database lie there when nothing else is said: they belong into no repository.
GITIGNORE = ".outrider/\n"
#: Where the schemas for editors lie in a new folder.
SCHEMAS = ".vscode/schemas"
#: Longest alphanumeric sender (GSM 03.40: seven octets hold eleven characters).
LONGEST_SENDER = 11


@click.command(short_help="Make a small working company folder.")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--market", default="FR", show_default=True, help="The home market.")
@click.option("--name", default="My Company", show_default=True, help="The company's name.")
@click.option("--json", "as_json", is_flag=True, help="Print the paths as one JSON array.")
def init(folder: Path, market: str, name: str, as_json: bool) -> None:
    """Make a small working company folder at FOLDER, which must be empty or missing.

    It has one object kind, one source, one journey and one template in two languages, sends to a simulated provider
    only, and tells editors the schemas of its files.
    """
    from outrider.cli._planning import show_as_json

    _refuse_full(folder)
    made = dict(_starter(_market(market), _name(name)))
    for path, text in made.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8", newline="")
    if as_json:
        show_as_json(list(made))
        return
    click.echo(f"{folder}: {len(made)} files\nnext: outrider check {folder} && outrider apply {folder}")


COMMAND = init


def _refuse_full(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise click.ClickException(f"{folder} is a file; expected a folder that is empty or missing")
    inside = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if inside:
        raise click.ClickException(
            f"{folder} is not empty (it holds {inside[0]}): name a folder that is empty or missing"
        )


def _market(code: str) -> Any:
    from outrider.contracts.surroundings import suggest
    from outrider.plugged import shipped

    markets = shipped().markets
    if code.upper() not in markets:
        hint = suggest(code.upper(), markets) or f"known: {', '.join(sorted(markets))}"
        raise click.ClickException(f"there is no market '{code}'; {hint}")
    return markets[code.upper()]


def _name(name: str) -> str:
    """A name fit for comments, headings and texts."""
    plain = " ".join(name.split())
    if not plain or not plain.isprintable() or len(plain) > 40 or set(plain) & set('{}$#"\\'):
        raise click.ClickException('expected a name of 1 to 40 characters without { } $ # " and \\')
    return plain


def _starter(market: Any, name: str) -> Iterator[tuple[str, str]]:
    languages = _languages(market.locales)
    sender = re.sub(r"[^A-Za-z0-9]", "", name)[:LONGEST_SENDER]
    words = {
        "name": name,
        "market": market.code,
        # Some providers refuse a sender that is only digits as no number of theirs.
        "sender": sender if re.search("[A-Za-z]", sender) else "Outrider",
        "languages": ", ".join(languages),
        "fallback": languages[0],
    }
    for path, text in _texts(files("outrider.cli") / "starter", ""):
        yield path, string.Template(text).substitute(words)
    for language in languages:
        yield f"templates/welcome/sms.{language}.j2", string.Template(TEXTS[language]).substitute(words) + "\n"
    yield ".editorconfig", EDITORCONFIG
    yield ".gitignore", GITIGNORE
    yield from _for_editors()


def _languages(locales: tuple[str, ...]) -> tuple[str, str]:
    """Two languages with a text of ours, the market's own first."""
    own = next((code for locale in locales if (code := locale.partition("-")[0].lower()) in TEXTS), "en")
    return own, "en" if own != "en" else "fr"


def _texts(folder: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        inner = f"{path}{entry.name}"
        if entry.is_dir():
            yield from _texts(entry, f"{inner}/")
        else:
            yield inner, entry.read_text(encoding="utf-8")


def _for_editors() -> Iterator[tuple[str, str]]:
    """The schemas, and which files they are for: the settings that VS Code's YAML and TOML extensions read."""
    from outrider.configuration.schemas import FILES, pretty, schemas
    from outrider.plugged import shipped

    for name, schema in schemas(shipped()).items():
        yield f"{SCHEMAS}/{name}.json", pretty(schema)
    yaml = {f"{SCHEMAS}/{name}.json": pattern for name, pattern in FILES.items() if pattern.endswith(".yaml")}
    toml = {
        re.escape(pattern): f"./{SCHEMAS}/{name}.json" for name, pattern in FILES.items() if pattern.endswith(".toml")
    }
    yield ".vscode/settings.json", pretty(_settings(yaml, toml))


def _settings(yaml: Mapping[str, str], toml: Mapping[str, str]) -> dict[str, Any]:
    # The extension's own default is YAML 1.2, said once more because Outrider reads nothing else.
    return {"yaml.yamlVersion": "1.2", "yaml.schemas": yaml, "evenBetterToml.schema.associations": toml}
