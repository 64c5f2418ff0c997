"""API keys: their form, how long they are believed, what they allow."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from api_stage import KeysInMemory, Stage, is_problem
from hypothesis import given
from hypothesis import strategies as st

from conftest import Play
from outrider.api.keys import ALPHABET, LENGTH, REMEMBERED, TTL, Grant, KeyVerifier, hash_of, new_key, well_formed
from outrider.api.problems import Problem
from outrider.contracts.api_keys import SCOPES, ApiKey
from outrider.store.launcher import Running
from outrider.store.pg_keys import PostgresKeys
from outrider.store.postgres import open_pool
from outrider.testing.postgres import fresh_database

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


class HandClock:
    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - NOON).total_seconds()

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(coroutine)


def kept(text: str, **changes: Any) -> tuple[KeyVerifier, KeysInMemory, HandClock]:
    """A verifier over one key."""
    store, clock = KeysInMemory(), HandClock()
    key = ApiKey(b"k" * 16, "shop", ("events:write",), NOON)
    store.keys[hash_of(text)] = msgspec.structs.replace(key, **changes)
    return KeyVerifier(store, clock), store, clock


def bearer(text: str) -> bytes:
    return f"Bearer {text}".encode()


def test_keys_are_well_formed_and_differ() -> None:
    keys = {new_key() for _ in range(200)}
    assert len(keys) == 200
    assert all(well_formed(key) and len(key) == LENGTH and key.startswith("ork_") for key in keys)


@given(place=st.integers(4, LENGTH - 1), digit=st.sampled_from(ALPHABET))
def test_every_single_typing_error_is_noticed_without_a_database(place: int, digit: str) -> None:
    key = new_key()
    typed = key[:place] + digit + key[place + 1 :]
    assert well_formed(typed) == (typed == key)


@given(st.text(max_size=60))
def test_other_texts_are_no_keys(text: str) -> None:
    assert not well_formed(text)


def test_a_mistyped_key_does_not_reach_the_store() -> None:
    verifier, store, _ = kept(new_key())
    with pytest.raises(Problem) as refused:
        run(verifier.grant(bearer("ork_" + "0" * 49)))
    assert refused.value.kind.status == 401
    assert store.asked == 0


def test_a_key_is_remembered_for_five_seconds_and_no_longer() -> None:
    text = new_key()
    verifier, store, clock = kept(text)
    for _ in range(10):
        run(verifier.grant(bearer(text)))
    assert store.asked == 1
    run(store.revoke(b"k" * 16))
    clock.advance(TTL)
    run(verifier.grant(bearer(text)))
    clock.advance(0.001)
    with pytest.raises(Problem, match="revoked"):
        run(verifier.grant(bearer(text)))


def test_a_remembered_key_still_ends_when_it_expires() -> None:
    text = new_key()
    verifier, _, clock = kept(text, expires_at=NOON + timedelta(seconds=2))
    run(verifier.grant(bearer(text)))
    clock.advance(2)
    with pytest.raises(Problem, match="expired"):
        run(verifier.grant(bearer(text)))


def test_the_memory_is_bounded() -> None:
    store, clock = KeysInMemory(), HandClock()
    verifier = KeyVerifier(store, clock)
    texts = [new_key() for _ in range(REMEMBERED + 1)]
    for text in texts:
        store.keys[hash_of(text)] = ApiKey(b"k" * 16, "shop", ("*",), NOON)

    async def use_all() -> None:
        for text in texts:
            await verifier.grant(bearer(text))
        await verifier.grant(bearer(texts[-1]))
        await verifier.grant(bearer(texts[0]))

    run(use_all())
    assert store.asked == REMEMBERED + 2, "the oldest was forgotten, the newest was not"


@pytest.mark.parametrize("header", [None, b"", b"Bearer", b"Bearer ", b"Basic abc", b"ork_abc", b"Bearer \xff\xfe"])
def test_a_request_without_a_key_is_challenged(header: bytes | None) -> None:
    verifier, _, _ = kept(new_key())
    with pytest.raises(Problem) as refused:
        run(verifier.grant(header))
    assert refused.value.kind.status == 401
    assert any(name == "www-authenticate" for name, _ in refused.value.headers)


@pytest.mark.parametrize("scope", [scope for scope in SCOPES if scope != "*"])
def test_a_scope_allows_itself_and_the_star_allows_all(scope: str) -> None:
    assert Grant("k", frozenset({scope})).allows(scope)
    assert Grant("k", frozenset({"*"})).allows(scope)
    assert not Grant("k", frozenset(SCOPES) - {scope, "*"}).allows(scope)


def test_keys_live_in_the_database_as_hashes(postgres_server: Running, api_template: str) -> None:
    text = new_key()
    key = ApiKey(b"k" * 16, "shop", ("events:write", "pii:read"), NOON, expires_at=NOON + timedelta(days=90))

    async def act(url: str) -> None:
        pool = await open_pool(url)
        keys = PostgresKeys(pool)
        await keys.create(key, hash_of(text))
        assert await keys.find(hash_of(text)) == key
        assert await keys.find(hash_of(new_key())) is None
        (listed,) = await keys.all()
        assert listed.last_used_at is not None
        assert await keys.revoke(key.id)
        assert not await keys.revoke(key.id)
        found = await keys.find(hash_of(text))
        assert found is not None
        assert found.revoked_at is not None
        stored = await pool.fetchval("select row_to_json(k)::text from api_keys k")
        assert text not in stored
        await pool.close()

    with fresh_database(postgres_server, api_template) as url:
        asyncio.run(act(url))


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v1/profiles/c-1", "profiles:read"),
        ("PUT", "/v1/profiles/c-1", "profiles:write"),
        ("DELETE", "/v1/profiles/c-1", "profiles:write"),
        ("PUT", "/v1/objects/booking/b-1", "profiles:write"),
        ("PUT", "/v1/relations", "profiles:write"),
        ("POST", "/v1/consents", "profiles:write"),
        ("PUT", "/v1/suppressions", "profiles:write"),
        ("PUT", "/v1/pauses", "operations:write"),
        ("GET", "/v1/messages", "messages:read"),
        ("GET", "/v1/decisions", "messages:read"),
        ("GET", "/v1/profiles/c-1/timeline", "messages:read"),
        ("POST", "/v1/deadletters/dlt_00000000000000000000000000/replay", "operations:write"),
        ("GET", "/metrics", "metrics:read"),
    ],
)
def test_every_door_names_the_scope_it_needs(in_memory: Play, method: str, path: str, scope: str) -> None:
    async def act(stage: Stage) -> None:
        others = " ".join(each for each in SCOPES if each not in (scope, "*"))
        document = is_problem(await stage.ask(method, path, json={}, scopes=others), 403, "forbidden")
        assert scope in document["detail"]
        is_problem(await stage.http.request(method, path, json={}), 401, "unauthenticated")

    in_memory(act)
