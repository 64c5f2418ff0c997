-- name: find_provider_messages
-- The messages behind provider ids.
select key, message, attempt from provider_messages where key = any($1::bytea[])

-- name: known_attempts
-- Which attempts exist, and their states.
select a.message, a.number, a.state from unnest($1::bytea[], $2::smallint[]) as u(message, number)
join attempts a on a.message = u.message and a.number = u.number

-- name: save_receipts
-- Receipts, each once; the new ones come back.
insert into receipts (message, digest, attempt, status, reason, detail, at, received_at)
select * from unnest($1::bytea[], $2::bytea[], $3::smallint[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[])
on conflict do nothing returning message, digest

-- name: prove_attempts
-- A receipt proves acceptance: it ends an intent or a doubt.
update attempts a set state = 'accepted', ended_at = coalesce(a.ended_at, clock_timestamp()), provider_id = coalesce(a.provider_id, nullif(u.provider_id, '')),
    segments = coalesce(u.segments, a.segments), price = coalesce(u.price, a.price),
    currency = case when u.price is null then a.currency else coalesce(u.currency, a.currency) end
from unnest($1::bytea[], $2::smallint[], $3::text[], $4::smallint[], $5::float8[], $6::text[]) as u(message, number, provider_id, segments, price, currency)
where a.message = u.message and a.number = u.number
  and (a.state in ('intent', 'unknown', 'unresolved', 'absent') or u.segments is not null or u.price is not null)

-- name: receive
-- Move statuses by receipts: where the message stands below, and undelivered only for its last attempt.
update messages m set status = u.status, status_at = u.at, reason = u.reason
from unnest($1::bytea[], $2::smallint[], $3::text[], $4::text[], $5::timestamptz[]) as u(id, attempt, status, reason, at)
where m.id = u.id and (u.status <> 'undelivered' or m.attempts = u.attempt)
  and m.status = any(case u.status when 'accepted' then $6::text[] when 'undelivered' then $7::text[] else $8::text[] end)
returning m.id

-- name: engage
-- Engagement is a set beside the status.
update messages m set engagement = m.engagement | u.engagement
from unnest($1::bytea[], $2::smallint[]) as u(id, engagement) where m.id = u.id

-- name: leave_outbox
-- A message proved accepted is not sent again.
delete from outbox o using messages m where o.message = any($1::bytea[]) and m.id = o.message and m.status in ('accepted', 'delivered', 'undelivered')

-- name: awaited_among
-- Messages whose receipts are stimuli.
select id, stream, address, channel, awaited from messages where id = any($1::bytea[])

-- name: keep_orphans
-- Receipts for messages not known yet.
insert into orphan_receipts (digest, account, key, receipt, received_at)
select * from unnest($1::bytea[], $2::text[], $3::bytea[], $4::bytea[], $5::timestamptz[]) on conflict do nothing

-- name: take_orphans
-- Orphans whose message is known by now, oldest first; those nobody ever claims do not stand in the way.
select digest, account, receipt, received_at from orphan_receipts o
where exists (select 1 from provider_messages p where p.key = o.key)
order by received_at limit $1 for update skip locked

-- name: drop_orphans
-- Matched orphans go.
delete from orphan_receipts where digest = any($1::bytea[])
