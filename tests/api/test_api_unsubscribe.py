"""One click ends a purpose on a channel; looking at the page never does; forged links are nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import Any

import httpx
import pytest
from api_stage import Stage, failing, is_problem, served
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from conftest import Play
from outrider.api.app import build_api
from outrider.api.farewell import LANGUAGES, POLICY, STYLE, Moment, language, page
from outrider.delivery.unsubscribe import Leaving, write_token
from outrider.domain.purpose import Purpose
from outrider.domain.stops import consent_key
from outrider.lib.ids import write_id

KEY = b"link" * 8
MESSAGE = bytes(range(16))
CLICK = {"List-Unsubscribe": "One-Click"}


def link(stream: bytes, purpose: Purpose = Purpose.COMMERCIAL, key: bytes = KEY, locale: str = "") -> str:
    return f"/v1/unsubscribe/{write_token(key, Leaving(MESSAGE, stream, purpose, 'email', locale))}"


def signing(stage: Stage) -> Stage:
    """The stage with a key for links."""
    stage.deps.link_key = KEY
    return stage


async def known(stage: Stage, name: str = "c-1") -> bytes:
    """A person with consent."""
    document = {"market": "FR", "addresses": [{"channel": "email", "value": "Zoe@EXAMPLE.org"}]}
    async with stage.engine():
        answer = await stage.ask("PUT", f"/v1/profiles/{name}?wait=applied", json=document)
        assert answer.json()["current"]["addresses"][0]["value"] == "Zoe@example.org", answer.text
    return stage.deps.hasher.stream("profile", name)


def test_one_click_withdraws_consent_at_once_and_in_the_ledger(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        stream = await known(signing(stage))
        async with served(stage) as client:
            answer = await client.post(link(stream), data=CLICK, follow_redirects=False)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert [one.stop.scope for one in await stops(stage, stream)] == ["consent"]
        async with stage.engine():
            await stage.ask("PATCH", "/v1/profiles/c-1?wait=applied", json={"traits": {"name": "Zoé"}})
        lines = (await stage.ask("GET", "/v1/profiles/c-1/consents")).json()["items"]
        assert [(one["purpose"], one["channel"], one["state"], one["source"]) for one in lines] == [
            ("commercial", "email", "withdrawn", "unsubscribe link")
        ]
        assert lines[0]["evidence"] == {"message": write_id("msg", MESSAGE)}

    on_postgres(act)


async def stops(stage: Stage, stream: bytes) -> list[Any]:
    return await stage.deps.reading.stops([consent_key(stream, Purpose.COMMERCIAL, "email")])


def test_looking_changes_nothing_and_shows_a_button_in_the_persons_language(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        stream = await known(signing(stage))
        for locale, accepted, name in (
            ("", "fr-FR,fr;q=0.9", "fr"),
            ("", "xx", "en"),
            ("", "", "en"),
            ("", "de;q=0.2, es;q=0.7", "es"),
            ("de-AT", "fr", "de"),
            ("pt_PT", "", "pt"),
            ("tlh", "it", "it"),
        ):
            answer = await stage.http.get(link(stream, locale=locale), headers={"accept-language": accepted})
            assert answer.status_code == 200
            assert LANGUAGES[name].button in answer.text
            assert f'<html lang="{name}">' in answer.text
            assert answer.headers["content-security-policy"] == POLICY
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert not re.search("zoe|example|c-1", answer.text, re.IGNORECASE), "it names nobody"
        assert await stops(stage, stream) == []

    on_postgres(act)


def test_a_person_who_is_gone_is_stopped_all_the_same(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        stream = signing(stage).deps.hasher.stream("profile", "nobody")
        assert (await stage.http.post(link(stream), data=CLICK)).status_code == 200
        assert len(await stops(stage, stream)) == 1
        assert await stage.entries() == []

    on_postgres(act)


def test_the_form_may_come_in_parts(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        stream = signing(stage).deps.hasher.stream("profile", "nobody")
        answer = await stage.http.post(link(stream), files={"List-Unsubscribe": (None, "One-Click")})
        assert answer.status_code == 200, answer.text
        assert len(await stops(stage, stream)) == 1

    on_postgres(act)


@pytest.mark.parametrize("body", [b"", b"List-Unsubscribe=Two-Clicks", b"{}", b"\xff\xfe", b"x" * 4000])
def test_another_body_is_no_click(in_memory: Play, body: bytes) -> None:
    async def act(stage: Stage) -> None:
        answer = await signing(stage).http.post(link(bytes(16)), content=body)
        is_problem(answer, 400, "unreadable-request")
        assert stage.store.tables.stops == {}

    in_memory(act)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_forged_link_is_not_there(in_memory: Play, method: str) -> None:
    async def act(stage: Stage) -> None:
        good = link(bytes(16))
        for path in (link(bytes(16), key=b"guessed"), good[:-3], good + "A" * 200, "/v1/unsubscribe/", good + "/x"):
            is_problem(await signing(stage).http.request(method, path, data=CLICK), 404, "not-found")
        stage.deps.link_key = b""
        is_problem(await stage.http.request(method, link(bytes(16), key=b""), data=CLICK), 404, "not-found")
        assert stage.store.tables.stops == {}

    in_memory(act)


BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "accept-language": "de"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_person_with_half_a_link_is_told_what_to_do(in_memory: Play, method: str) -> None:
    async def act(stage: Stage) -> None:
        half = link(bytes(16))[:-3]
        answer = await signing(stage).http.request(method, half, data=CLICK, headers=BROWSER)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert LANGUAGES["de"].missing in answer.text
        assert "<form" not in answer.text

    in_memory(act)


def test_other_methods_are_named(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        answer = await signing(stage).http.delete(link(bytes(16)))
        is_problem(answer, 405, "method-not-allowed")
        assert answer.headers["allow"] == "GET, POST"

    in_memory(act)


def test_a_store_that_does_not_answer_is_no_success(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        class Nobody:
            async def profile(self, _: bytes) -> None:
                return None

        deps = replace(signing(stage).deps, reading=Nobody(), registry=CollectorRegistry())  # type: ignore[arg-type]
        transport = httpx.ASGITransport(build_api(deps))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="https://rental.example") as client:
            with failing(stage, "append"):
                is_problem(await client.post(link(bytes(16)), data=CLICK), 503, "unavailable")
                answer = await client.post(link(bytes(16), locale="fr"), data=CLICK, headers=BROWSER)
            assert answer.status_code == 503
            assert LANGUAGES["fr"].failed in answer.text
            assert "<form" in answer.text, "one more click may do"

    in_memory(act)


@given(st.text(max_size=20), st.text(max_size=60))
def test_any_languages_choose_one_that_is_there(locale: str, accepted: str) -> None:
    assert language(locale, accepted) in LANGUAGES


def test_the_page_runs_nothing_and_its_style_is_the_one_allowed() -> None:
    for name in LANGUAGES:
        pages = {moment: page(name, moment, Purpose.COMMERCIAL).decode() for moment in Moment}
        assert [moment for moment, text in pages.items() if "<form" in text] == [Moment.ASKS, Moment.FAILED]
        assert all(f"<style>{STYLE}</style>" in text for text in pages.values())
        assert not re.search(r"<script|https?://|\son\w+=|[{]kind[}]", "".join(pages.values()))


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_page_says_what_ends_and_what_does_not(name: str) -> None:
    words = LANGUAGES[name]
    for purpose in (Purpose.COMMERCIAL, Purpose.SERVICE):
        for moment in (Moment.ASKS, Moment.DONE):
            text = unescape(page(name, moment, purpose).decode())
            assert words.kinds[purpose] in text
            assert words.stays in text
    assert words.kinds[""] in unescape(page(name, Moment.ASKS, "another").decode())
