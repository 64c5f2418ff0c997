"""`init`, `plan`, `apply`, `pull`, `versions`, `schemas` against a real database."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from outrider.cli import apply as apply_command
from outrider.cli import main
from outrider.configuration import read_folder
from outrider.configuration.files import belongs
from outrider.plugged import shipped
from outrider.store.pg_configurations import save_configuration
from outrider.store.postgres import open_pool

JOURNEY = Path("journeys") / "welcome.yaml"


@pytest.fixture
def url(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installation over an empty database; its URL."""
    monkeypatch.setenv("OUTRIDER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OUTRIDER_DATABASE_URL", database_url)
    monkeypatch.setenv("OUTRIDER_UNSAFE_DURABILITY", "1")
    return database_url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A fresh company folder."""
    made = tmp_path / "company"
    assert outrider("init", made).exit_code == 0
    return made


def outrider(*words: object, text: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], input=text)


def read(result: Result, code: int = 0) -> Any:
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def in_database(url: str, act: Any) -> Any:
    async def go() -> Any:
        pool = await open_pool(url)
        try:
            return await act(pool)
        finally:
            await pool.close()

    return asyncio.run(go())


def enroll(url: str, journey: str, version: int, people: int, ended: int = 0) -> None:
    """People inside a journey, and some who have left it."""

    async def act(pool: Any) -> None:
        await pool.execute(
            "insert into enrollments (id, round, stream, journey, config, node, started_at, ended_at, key_id, sealed)"
            " select convert_to($1::text || $2::int || '-' || n, 'UTF8'), 1, 's', $1, $2, '0', now(),"
            " case when n <= $4 then now() end, 1, 'x' from generate_series(1, $3::int + $4::int) n",
            journey, version, people, ended,
        )  # fmt: skip

    in_database(url, act)


# ── init ──


@pytest.mark.parametrize("market", sorted(shipped().markets))
def test_a_new_folder_is_clean_in_every_market(market: str, tmp_path: Path) -> None:
    made = outrider("init", tmp_path / "new", "--market", market.lower(), "--name", "Été Cars & Söhne 24", "--json")
    assert "outrider.toml" in read(made)
    checked = read(outrider("check", tmp_path / "new", "--json"))
    assert checked == {"errors": 0, "warnings": 0, "problems": []}
    assert len(list((tmp_path / "new" / "templates" / "welcome").glob("sms.*.j2"))) == 2
    assert f'home_market = "{market}"' in (tmp_path / "new" / "outrider.toml").read_text(encoding="utf-8")
    assert len((tmp_path / "new" / "README.md").read_text(encoding="utf-8").splitlines()) <= 30


def test_a_new_folder_tells_editors_its_schemas(folder: Path) -> None:
    settings = json.loads((folder / ".vscode" / "settings.json").read_text(encoding="utf-8"))
    assert {folder / path for path in settings["yaml.schemas"]} < set((folder / ".vscode" / "schemas").iterdir())
    for path, pattern in settings["yaml.schemas"].items():
        assert json.loads((folder / path).read_text(encoding="utf-8"))["title"] == f"Outrider: {pattern}"
    (toml,) = settings["evenBetterToml.schema.associations"].values()
    assert (folder / toml).is_file()
    assert ".outrider/" in (folder / ".gitignore").read_text(encoding="utf-8")


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    for place, words in ((tmp_path, "is not empty (it holds notes.txt)"), (tmp_path / "notes.txt", "is a file")):
        refused = outrider("init", place)
        assert refused.exit_code == 1
        assert words in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--market", "FRR", "did you mean 'FR'?"),
        ("--market", "QQ", "known: "),
        ("--name", "a$b", "expected a name"),
        ("--name", "", "expected a name"),
        ("--name", "x" * 41, "expected a name"),
    ],
)
def test_an_unusable_word_for_a_new_folder_is_refused(option: str, value: str, said: str, tmp_path: Path) -> None:
    refused = outrider("init", tmp_path / "new", option, value)
    assert refused.exit_code == 1
    assert said in refused.stderr
    assert not (tmp_path / "new").exists()


# ── plan and apply ──


def test_a_plan_writes_nothing_and_says_by_its_exit_status_whether_there_are_changes(url: str, folder: Path) -> None:
    planned = read(outrider("plan", folder, "--json", "--detailed-exitcode"), 2)
    assert planned["applied"] == 0
    assert read(outrider("versions", "--json")) == []
    assert outrider("apply", folder).exit_code == 0
    again = outrider("plan", folder, "--detailed-exitcode")
    assert (again.exit_code, again.stdout) == (0, "no changes against configuration 1\n")


def test_a_plan_counts_the_people_inside_a_journey_that_changes(url: str, folder: Path) -> None:
    outrider("apply", folder)
    enroll(url, "welcome", 1, people=3, ended=4)
    edit(folder / JOURNEY, "wait: 1m", "wait: 5m")
    (change,) = read(outrider("plan", folder, "--json"))["changes"]
    assert change["standing"] == [{"journey": "welcome", "version": 1, "people": 3}]
    shown = outrider("plan", folder).stdout
    assert "3 people inside (3 on version 1): finish on the version they entered with" in shown
    (folder / JOURNEY).unlink()
    (warning,) = read(outrider("plan", folder, "--json"))["warnings"]
    assert "journey welcome is removed with 3 people inside" in warning


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_folder_with_mistakes_has_no_plan(command: str, url: str, folder: Path) -> None:
    edit(folder / JOURNEY, "wait: 1m", "wait: 1x")
    refused = outrider(command, folder)
    assert refused.exit_code == 1
    assert "journeys/welcome.yaml:8:11: error" in refused.stderr
    assert read(outrider("versions", "--json")) == []


def test_apply_shows_the_plan_and_without_a_terminal_does_not_ask(url: str, folder: Path) -> None:
    applied = outrider("apply", folder)
    assert "+ journey welcome (added)" in applied.stdout
    assert applied.stdout.endswith("configuration 1 is applied\n")
    assert outrider("apply", folder).stdout.endswith("nothing changed: configuration 1 stays\n")


class Terminal:
    """Standard input as a terminal gives it."""

    @staticmethod
    def isatty() -> bool:
        return True


@pytest.mark.parametrize(
    ("answer", "options", "versions"), [("n\n", [], 0), ("y\n", [], 1), ("", ["--yes"], 1), ("", [], 0)]
)
def test_on_a_terminal_apply_asks(
    answer: str, options: list[str], versions: int, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class System:
        stdin = Terminal()

    monkeypatch.setattr(apply_command, "sys", System)
    result = outrider("apply", folder, *options, text=answer)
    assert result.exit_code == (0 if versions else 1)
    assert ("apply?" in result.output) == (not options)
    monkeypatch.undo()
    assert asyncio.run(_count(url)) == versions


async def _count(url: str) -> int:
    pool = await open_pool(url)
    try:
        return int(await pool.fetchval("select count(*) from configurations"))
    finally:
        await pool.close()


def test_only_the_plan_that_was_looked_at_is_applied(url: str, folder: Path) -> None:
    digest = read(outrider("plan", folder, "--json"))["digest"]
    edit(folder / JOURNEY, "wait: 1m", "wait: 2m")
    refused = outrider("apply", folder, "--plan-digest", digest)
    assert refused.exit_code == 1
    assert "the plan is another one now" in refused.stderr
    digest = read(outrider("plan", folder, "--json"))["digest"]
    assert read(outrider("apply", folder, "--plan-digest", digest, "--json"))["configuration"] == 1


def test_a_version_applied_while_somebody_reads_the_plan_is_not_overwritten(
    url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outrider("apply", folder)
    edit(folder / JOURNEY, "wait: 1m", "wait: 5m")
    real = apply_command._agree

    def meanwhile(plan: Any, wanted: Any) -> None:
        real(plan, wanted)
        # Another process, as seen from here: its own loop and connections.
        from concurrent.futures import ThreadPoolExecutor

        def other() -> None:
            in_database(url, lambda pool: save_configuration(pool, "d", {"outrider.toml": ""}, "other"))

        with ThreadPoolExecutor(1) as pool:
            pool.submit(other).result(60)

    monkeypatch.setattr(apply_command, "_agree", meanwhile)
    refused = outrider("apply", folder)
    assert refused.exit_code == 1
    assert "configuration 2 was applied meanwhile; this was made against 1: plan again" in refused.stderr
    assert [line["note"] for line in read(outrider("versions", "--json"))] == ["other", ""]


def test_an_older_version_is_applied_again_as_a_new_one(url: str, folder: Path) -> None:
    outrider("apply", folder, "--note", "first")
    first = read_folder(folder)
    edit(folder / JOURNEY, "wait: 1m", "wait: 5m")
    outrider("apply", folder)
    back = read(outrider("apply", "--version", 1, "--json"))
    assert (back["configuration"], back["new"], len(back["plan"]["changes"])) == (3, True, 1)
    lines = read(outrider("versions", "--json"))
    assert [(line["number"], line["note"]) for line in lines] == [(3, "version 1 again"), (2, ""), (1, "first")]
    assert lines[0]["digest"] == lines[2]["digest"]
    assert all(line["author"] for line in lines)
    assert outrider("pull", folder).exit_code == 0
    assert read_folder(folder) == first


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["apply", "--version", "7"], 1, "there is no version 7"),
        (["apply", ".", "--version", "7"], 2, "not both"),
        (["pull", "."], 1, "no configuration was applied yet"),
        (["versions"], 0, "no configuration was applied yet"),
    ],
)
def test_what_is_not_there_is_said(words: list[str], code: int, said: str, url: str) -> None:
    result = outrider(*words)
    assert result.exit_code == code
    assert said in result.stderr


def test_versions_are_listed_for_people(url: str, folder: Path) -> None:
    outrider("apply", folder, "--note", "because")
    (line,) = outrider("versions").stdout.splitlines()
    assert line.startswith("1 · 20")
    assert line.endswith(" · because")


# ── pull ──


def test_an_empty_folder_becomes_what_is_applied(url: str, folder: Path, tmp_path: Path) -> None:
    outrider("apply", folder)
    pulled = read(outrider("pull", tmp_path / "other", "--json"))
    assert read_folder(tmp_path / "other") == read_folder(folder)
    assert sorted(pulled["created"]) == sorted(read_folder(folder))
    assert "nothing differs from configuration 1" in outrider("pull", tmp_path / "other").stdout


def test_a_folder_that_stands_on_an_older_version_is_brought_up(url: str, folder: Path, tmp_path: Path) -> None:
    outrider("apply", folder)
    other = tmp_path / "other"
    outrider("pull", other)
    (folder / JOURNEY).unlink()
    edit(folder / "outrider.toml", "at_most = 2", "at_most = 3")
    edit(folder / "templates" / "welcome" / "template.yaml", "RX4T7", "RX4T8")
    assert outrider("apply", folder).exit_code == 0
    (other / "notes.txt").write_text("mine", encoding="utf-8")
    pulled = outrider("pull", other)
    assert pulled.exit_code == 0
    assert "~ outrider.toml" in pulled.stdout
    assert "- journeys/welcome.yaml" in pulled.stdout
    assert read_folder(other) == read_folder(folder)
    assert (other / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_local_changes_that_were_never_applied_are_kept_unless_forced(url: str, folder: Path) -> None:
    outrider("apply", folder)
    applied = read_folder(folder)
    edit(folder / JOURNEY, "wait: 1m", "wait: 5m")
    (folder / "objects" / "car.yaml").write_text("kind: car\n", encoding="utf-8")
    changed = read_folder(folder)
    refused = outrider("pull", folder)
    assert refused.exit_code == 1
    assert "~ journeys/welcome.yaml (local changes)" in refused.stdout
    assert "never applied here and lost by pulling: journeys/welcome.yaml, objects/car.yaml" in refused.stderr
    assert read_folder(folder) == changed
    assert outrider("pull", folder, "--force").exit_code == 0
    assert read_folder(folder) == applied


@pytest.mark.parametrize(
    "path", ["../evil.yaml", "journeys/../../x.yaml", "/etc/passwd", "notes.txt", "objects/.a.yaml"]
)
def test_a_version_with_a_path_outside_of_a_company_folder_is_not_pulled(path: str, url: str, folder: Path) -> None:
    outrider("apply", folder)
    in_database(url, lambda pool: save_configuration(pool, "d", {"outrider.toml": "", path: ""}, ""))
    before = read_folder(folder)
    refused = outrider("pull", folder, "--force")
    assert refused.exit_code == 1
    assert "is no path in a company folder" in refused.stderr
    assert read_folder(folder) == before


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("outrider.toml", True),
        ("journeys/a.yaml", True),
        ("templates/a/markets/gb/sms.en.j2", True),
        ("journeys/a.txt", False),
        ("journeys/a/b.yaml", False),
        ("templates//a", False),
        ("templates/../a", False),
        ("templates/a\\b/c", False),
        ("", False),
    ],
)
def test_a_path_belongs_to_a_folder_or_not(path: str, answer: bool) -> None:
    assert belongs(path) is answer


# ── schemas ──


def test_schemas_are_listed_and_printed() -> None:
    listed = outrider("schemas").stdout
    assert "journey.json · journeys/*.yaml" in listed
    assert set(read(outrider("schemas", "--json"))) == {line.partition(".")[0] for line in listed.splitlines()}
