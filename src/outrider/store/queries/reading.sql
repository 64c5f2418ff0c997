-- name: page_messages
-- Messages of all profiles, newest first. Bounds on the id prune partitions.
with page as (
    select * from messages
    where id >= $1 and id < $2
      and ($3::text is null or status = $3) and ($4::text is null or journey = $4)
      and ($5::text is null or template = $5) and ($6::text is null or channel = $6)
      and ($7::text is null or market = $7)
    order by id desc limit $8
)
select m.*, p.key_id as person_key_id, p.data_key, p.sealed as person
from page m left join profiles p on p.stream = m.stream order by m.id desc

-- name: page_messages_of
-- Messages of one person, newest first, by their own index.
with page as (
    select * from messages
    where stream = any($9::bytea[]) and id >= $1 and id < $2
      and ($3::text is null or status = $3) and ($4::text is null or journey = $4)
      and ($5::text is null or template = $5) and ($6::text is null or channel = $6)
      and ($7::text is null or market = $7)
    order by id desc limit $8
)
select m.*, p.key_id as person_key_id, p.data_key, p.sealed as person
from page m left join profiles p on p.stream = m.stream order by m.id desc

-- name: show_messages
-- Messages by id.
select m.*, p.key_id as person_key_id, p.data_key, p.sealed as person
from messages m left join profiles p on p.stream = m.stream where m.id = any($1::bytea[])

-- name: page_decisions
-- Decisions of all profiles, newest first.
with page as (
    select * from decisions
    where id >= $1 and id <= $2 and (id, number) < ($2, $3::smallint)
      and ($4::text is null or verdict = $4) and ($5::text is null or gate = $5)
      and ($6::text is null or journey = $6) and ($7::text is null or template = $7)
    order by id desc, number desc limit $8
)
select d.*, p.key_id as person_key_id, p.data_key, p.sealed as person
from page d left join profiles p on p.stream = d.stream order by d.id desc, d.number desc

-- name: page_decisions_of
-- Decisions of one person, newest first: those that sent are found through the messages, which share their id.
with page as (
    select * from (
        select d.* from decisions d
        where d.stream = any($9::bytea[]) and d.verdict <> 'send' and d.id >= $1 and d.id <= $2
        union all
        select d.* from messages m join decisions d on d.id = m.id and d.verdict = 'send'
        where m.stream = any($9::bytea[]) and m.id >= $1 and m.id <= $2
    ) as both_ways
    where (id, number) < ($2, $3::smallint)
      and ($4::text is null or verdict = $4) and ($5::text is null or gate = $5)
      and ($6::text is null or journey = $6) and ($7::text is null or template = $7)
    order by id desc, number desc limit $8
)
select d.*, p.key_id as person_key_id, p.data_key, p.sealed as person
from page d left join profiles p on p.stream = d.stream order by d.id desc, d.number desc

-- name: show_decisions
-- All decisions on some candidates.
select d.*, p.key_id as person_key_id, p.data_key, p.sealed as person
from decisions d left join profiles p on p.stream = d.stream where d.id = any($1::bytea[]) order by d.id, d.number

-- name: show_beside
-- The last decisions on the candidates of a stream in a range of ids (those of one instant), with their messages.
select distinct on (d.id) d.*, m.id as message, p.key_id as person_key_id, p.data_key, p.sealed as person
from decisions d
left join messages m on m.id = d.id and m.id >= $2 and m.id <= $3
left join profiles p on p.stream = d.stream
where d.stream = $1 and d.id >= $2 and d.id <= $3 order by d.id, d.number desc

-- name: show_attempts
-- The attempts of messages, in order.
select a.*, m.stream from attempts a join messages m on m.id = a.message
where a.message = any($1::bytea[]) order by a.message, a.number

-- name: show_receipts
-- The receipts of messages, in the order they came.
select message, digest, attempt, status, reason, detail, at, received_at from receipts
where message = any($1::bytea[]) order by message, received_at, digest

-- name: page_timeline
-- Moments of one person, newest first: 0 entry, 1 decision, 2 message (by the time in its id), 3 attempt, 4 receipt.
with mine as (
    select id from messages where stream = any($1::bytea[]) and id >= $2
), moments as (
    select at, 0 as rank, int8send(position) as reference from entries
    where stream = any($1::bytea[]) and at >= $3 and at <= $4 and sealed <> ''
    union all
    select at, 1, id || int2send(number) from decisions where stream = any($1::bytea[]) and verdict <> 'send' and id >= $2
    union all
    select d.at, 1, d.id || int2send(d.number) from mine m join decisions d on d.id = m.id and d.verdict = 'send'
    union all
    select to_timestamp(('x' || encode(substr(id, 1, 6), 'hex'))::bit(48)::bigint / 1000.0), 2, id from mine
    union all
    select a.at, 3, a.message || int2send(a.number) from mine m join attempts a on a.message = m.id
    union all
    select r.received_at, 4, r.message || r.digest from mine m join receipts r on r.message = m.id
)
select at, rank, reference from moments
where at >= $3 and (at, rank, reference) < ($4, $5::int, $6::bytea)
order by at desc, rank desc, reference desc limit $7

-- name: show_entries
-- Entries by position, of some streams.
select position, stream, at, key, key_id, sealed from entries where stream = any($1::bytea[]) and position = any($2::bigint[])

-- name: show_relations
-- The relations of a role between two entities.
select from_kind, to_kind, role, valid_from, valid_to from relations
where from_stream = $1 and to_stream = $2 and role = $3 order by valid_from

-- name: page_consents
-- The consent ledger of one profile, newest first.
select number, purpose, channel, state, at, source, key_id, sealed from consents
where stream = $1 and number < $2 order by number desc limit $3

-- name: show_stops
-- Stops by key.
select key, scope, reason, at from stops where key = any($1::text[]) order by key

-- name: page_stops
-- Stops of some scopes, in the order of their keys.
select key, scope, reason, at from stops where scope = any($1::text[]) and key > $2 order by key limit $3

-- name: streams_of_address
-- The entities with an address.
select stream from addresses where address = $1 order by stream

-- name: lease_state
-- How many groups an engine holds, how many there are, and how many delivery workers are alive.
select (select count(*) from shard_groups where until > clock_timestamp()) as held,
       (select count(*) from shard_groups) as groups,
       (select count(*) from delivery_leases where until > clock_timestamp()) as workers

-- name: backlog
-- What waits where. Counting stops at a million.
select greatest(0, log_horizon() - (select min(cursor) from shard_groups))::float8 as log_entries,
    (select count(*) from (select 1 from outbox where due_at <= clock_timestamp() limit 1000000) as o)::float8 as outbox_due,
    coalesce((select extract(epoch from clock_timestamp() - min(due_at)) from (
        (select due_at from outbox where lane = 0 order by due_at limit 1) union all
        (select due_at from outbox where lane = 1 order by due_at limit 1) union all
        (select due_at from outbox where lane = 2 order by due_at limit 1)) as heads
        where due_at <= clock_timestamp()), 0)::float8 as outbox_oldest_seconds,
    (select count(*) from (select 1 from timers where due_at <= clock_timestamp() limit 1000000) as t)::float8 as timers_due,
    (select count(*) from (select 1 from doubts limit 1000000) as d)::float8 as doubts,
    (select count(*) from (select 1 from orphan_receipts limit 1000000) as r)::float8 as orphan_receipts,
    (select count(*) from (select 1 from dead_letters where replayed_at is null limit 1000000) as l)::float8 as dead_letters,
    (select count(*) from (select 1 from blocked_streams limit 1000000) as b)::float8 as blocked_streams
