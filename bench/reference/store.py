"""What both reference stacks keep in PostgreSQL, and the work on one message."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import asyncpg
import jinja2

from bench.work import template_source

SCHEMA = """
create table people (
    key text primary key, first_name text not null, phone text not null, locale text not null,
    suppressed boolean not null default false
);
create table events (
    source text not null, id text not null, type text not null, subject text not null, data jsonb not null,
    at timestamptz not null default now(), primary key (source, id)
);
create table messages (
    id bigint generated always as identity primary key, event text not null, person text not null,
    template text not null, body text not null, status text not null, provider_id text,
    created_at timestamptz not null default now(), sent_at timestamptz
);
create index messages_person on messages (person, created_at);
"""

NEW_EVENTS = """
insert into events (source, id, type, subject, data)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[]) on conflict do nothing returning id
"""
PERSON = "select first_name, phone, suppressed from people where key = $1"
INTENT = """
insert into messages (event, person, template, body, status) values ($1, $2, 'parking-spot', $3, 'sending') returning id
"""
SENT = "update messages set status = $2, provider_id = $3, sent_at = now() where id = $1"

TEXT = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(template_source())

#: Posts a body to the provider and gives its status and its message id.
Post = Callable[[Mapping[str, Any]], Awaitable[tuple[int, str | None]]]


async def append(pool: asyncpg.Pool, events: Sequence[Any]) -> set[str]:
    """Store a batch of events in one statement; the ids of the new ones."""
    rows = await pool.fetch(
        NEW_EVENTS,
        [event.source for event in events],
        [event.id for event in events],
        [event.type for event in events],
        [event.subject for event in events],
        [json.dumps(event.data) for event in events],
    )
    return {row["id"] for row in rows}


async def deliver(pool: asyncpg.Pool, post: Post, event: Mapping[str, Any]) -> None:
    """Person → suppression → text → intent → provider → recorded."""
    person = await pool.fetchrow(PERSON, event["subject"])
    if person is None or person["suppressed"]:
        return
    text = TEXT.render(profile={"first_name": person["first_name"]}, event={"data": event["data"]})
    message = await pool.fetchval(INTENT, event["id"], event["subject"], text)
    body = {"recipient": {"to": person["phone"]}, "body": {"text": text}, "from": "RENTAL", "refClient": str(message)}
    status, provider_id = await post(body)
    await pool.execute(SENT, message, "accepted" if status == 201 else "failed", provider_id)
