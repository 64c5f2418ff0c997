-- name: lease_groups
-- Take or renew groups whose lease is free, over or ours.
with free as (
    select shard_group, owner = $1 and until > clock_timestamp() as ours from shard_groups
    where owner is null or owner = $1 or until <= clock_timestamp()
    order by (owner is not distinct from $1) desc, shard_group
    limit $3 for update skip locked
)
update shard_groups g set
    owner = $1,
    fence = g.fence + case when f.ours then 0 else 1 end,
    until = clock_timestamp() + make_interval(secs => $2)
from free f where f.shard_group = g.shard_group
returning g.shard_group, g.fence, g.until, g.cursor, g.clock

-- name: attend
-- An engine is there; how many are.
with me as (
    insert into engines (owner, until) values ($1, clock_timestamp() + make_interval(secs => $2))
    on conflict (owner) do update set until = excluded.until
), gone as (
    delete from engines where until < clock_timestamp() - interval '1 hour' and owner <> $1
)
select 1 + count(*) from engines where until > clock_timestamp() and owner <> $1

-- name: release_groups
-- Give groups back.
update shard_groups set owner = null, until = 'epoch' where owner = $1 and shard_group = any($2::smallint[])

-- name: survey
-- The horizon of the log, the time, and what stands in the way.
select log_horizon() as horizon, clock_timestamp() as now,
       (select array_agg(stream) from blocked_streams) as blocked

-- name: take_entries
-- Entries after a cursor up to the horizon, in order.
select position, stream, at, key, key_id, sealed from entries
where position > $1 and position <= $2 and shard between $3 and $4 and sealed <> ''
order by position limit $5

-- name: take_timers
-- Due timers of a range of shards, in order.
select owner, kind, due_at, stream, token from timers
where due_at <= $1 and shard between $2 and $3
order by due_at, owner, kind limit $4

-- name: load_profiles
-- Profiles by stream.
select stream, kind, market, locale, zone, traits, consents, data_key, key_id, sealed, version, created_at
from profiles where stream = any($1::bytea[]) and deleted_at is null

-- name: load_data_keys
-- Wrapped data keys by stream.
select stream, key_id, data_key from profiles where stream = any($1::bytea[])

-- name: load_live_enrollments
-- Live enrollments by stream, oldest first.
select id, round, stream, started_at, ended_at, key_id, sealed from enrollments
where stream = any($1::bytea[]) and ended_at is null order by started_at, id

-- name: load_last_rounds
-- The newest round of enrollments by id.
select distinct on (id) id, round, stream, started_at, ended_at, key_id, sealed from enrollments
where id = any($1::bytea[]) order by id, round desc

-- name: load_objects
-- Objects by stream.
select stream, kind, version, key_id, sealed from objects where stream = any($1::bytea[]) and deleted_at is null

-- name: load_related
-- Both ends of relations valid at an instant.
select from_stream as stream, to_stream as other, to_kind as kind, role from relations
where from_stream = any($1::bytea[]) and valid_from <= $2 and valid_to > $2
union all
select to_stream, from_stream, from_kind, role from relations
where to_stream = any($1::bytea[]) and valid_from <= $2 and valid_to > $2
order by 1, 2, 4

-- name: load_suppressed
-- Suppressions and opt-outs of addresses, by stop key.
select key, reason from stops where key = any($1::text[])

-- name: load_recent
-- Messages that hold a cap slot. One that is queued may go at any moment: however long it has waited, it holds its slot
-- as if it went now.
select m.stream, m.channel, m.purpose, s.at
from unnest($1::bytea[], $2::timestamptz[]) as w(stream, since)
join messages m on m.stream = w.stream
cross join lateral (select case when m.status = 'queued' then clock_timestamp() else coalesce(m.intent_at, m.status_at) end as at) as s
where m.id >= $3 and m.status not in ('held', 'failed', 'canceled', 'expired') and s.at >= w.since
order by m.stream, s.at desc, m.id desc

-- name: load_messages
-- Messages with their last decision.
select m.*, d.number as decision_number, d.record
from messages m
join lateral (select number, record from decisions d where d.id = m.id order by number desc limit 1) d on true
where m.id = any($1::bytea[])

-- name: load_decided
-- The last decision on each candidate.
select distinct on (id) id, number, record from decisions where id = any($1::bytea[]) order by id, number desc

-- name: load_dedupe_keys
-- Dedupe keys with the messages that have them. The ids of what followed on further channels begin as the first one's.
select k.stream, k.key, k.message, k.at, m.id, m.status
from unnest($1::bytea[], $2::bytea[]) as w(stream, key)
join dedupe_keys k on k.stream = w.stream and k.key = w.key
left join lateral (
    select m.id, m.status from messages m
    where m.id between substring(k.message for 7) || decode(repeat('00', 9), 'hex') and substring(k.message for 7) || decode(repeat('ff', 9), 'hex')
      and (m.id = k.message or m.root = k.message)
) m on true
order by k.stream, k.key, m.id

-- name: load_parked
-- What waits behind a quarantined stimulus.
select number, kind, body from parked_stimuli where stream = $1 order by number limit $2

-- name: check_fences
-- Move cursors and clock under the fences; a group that is not ours is missing from the answer.
update shard_groups g set cursor = greatest(g.cursor, u.cursor), clock = greatest(g.clock, $5)
from unnest($2::smallint[], $3::bigint[], $4::bigint[]) as u(shard_group, fence, cursor)
where g.shard_group = u.shard_group and g.owner = $1 and g.fence = u.fence and g.until > clock_timestamp()
returning g.shard_group

-- name: save_journal
-- Which stimuli were handled, with which now.
insert into journal (at, fence, count, body) values ($1, $2, $3, $4)

-- name: save_profiles
-- New and changed profiles.
insert into profiles (stream, shard, kind, market, locale, zone, traits, consents, data_key, key_id, sealed, version, created_at, changed_at)
select u.stream, get_byte(u.stream, 0), u.kind, u.market, u.locale, u.zone, u.traits, u.consents, u.data_key, u.key_id, u.sealed, u.version, $12, $12
from unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::jsonb[], $8::bytea[], $9::smallint[], $10::bytea[], $11::bigint[])
    as u(stream, kind, market, locale, zone, traits, consents, data_key, key_id, sealed, version)
on conflict (stream) do update set
    kind = excluded.kind, market = excluded.market, locale = excluded.locale, zone = excluded.zone, traits = excluded.traits,
    consents = excluded.consents, data_key = excluded.data_key, key_id = excluded.key_id, sealed = excluded.sealed,
    version = excluded.version, changed_at = excluded.changed_at, deleted_at = null

-- name: drop_addresses
-- The directory follows the profile: first the old addresses go.
delete from addresses where stream = any($1::bytea[])

-- name: save_addresses
-- Then the present ones come.
insert into addresses (address, stream, channel)
select * from unnest($1::bytea[], $2::bytea[], $3::text[]) on conflict do nothing

-- name: save_consents
-- New lines of the consent ledger.
insert into consents (stream, purpose, channel, state, at, source, key_id, sealed)
select * from unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::smallint[], $8::bytea[])

-- name: forget_profiles
-- Personal data goes; the tombstone stays so that a replay finds a deleted profile.
update profiles set traits = '{}', consents = '{}', sealed = '', data_key = '', market = null, locale = null, zone = null, deleted_at = $2
where stream = any($1::bytea[])

-- name: hold_stops
-- Stops that exist, locked.
select key from stops where key = any($1::text[]) order by key for update

-- name: lift_deletions
-- Stops of deletions that are over: nothing later in the log deletes the profile again.
delete from stops s using unnest($1::text[], $2::bytea[], $3::bigint[]) as u(key, stream, position)
where s.key = u.key and not exists (
    select 1 from entries e where e.stream = u.stream and e.position > u.position and e.kind = 'forget'
)

-- name: forget_entries
-- The log keeps the envelope of a forgotten stream, not its payload.
update entries set sealed = '' where stream = any($1::bytea[]) and position <= $2

-- name: forget_consents
-- Evidence is personal; that and when consent was given or withdrawn stays as proof.
update consents set sealed = '' where stream = any($1::bytea[])

-- name: forget_enrollments
-- Passages of forgotten people go: nobody can read them, and whoever returns starts anew.
delete from enrollments where stream = any($1::bytea[])

-- name: forget_dedupe_keys
-- Whoever returns starts anew.
delete from dedupe_keys where stream = any($1::bytea[])

-- name: forget_messages
-- What still waits for forgotten people is canceled.
with moved as (
    update messages m set status = 'canceled', status_at = $2, reason = 'the profile was deleted'
    where m.stream = any($1::bytea[]) and m.status in ('held', 'queued') returning m.id
)
delete from outbox o using moved m where o.message = m.id

-- name: save_objects
-- New versions of objects.
with v as (
    select * from unnest($1::bytea[], $2::text[], $3::bigint[], $4::smallint[], $5::bytea[]) as u(stream, kind, version, key_id, sealed)
), kept as (
    insert into object_versions (stream, version, key_id, sealed, at)
    select stream, version, key_id, sealed, $6 from v on conflict do nothing
)
insert into objects (stream, shard, kind, version, key_id, sealed, changed_at)
select distinct on (stream) stream, get_byte(stream, 0), kind, version, key_id, sealed, $6 from v order by stream, version desc
on conflict (stream) do update set
    version = excluded.version, key_id = excluded.key_id, sealed = excluded.sealed, changed_at = excluded.changed_at, deleted_at = null

-- name: delete_objects
-- Objects end; their versions stay for decisions that read them.
update objects set deleted_at = $2 where stream = any($1::bytea[])

-- name: save_relations
-- Set relations.
insert into relations (from_stream, to_stream, from_kind, to_kind, role, valid_from, valid_to)
select * from unnest($1::bytea[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[])
on conflict (from_stream, to_stream, role, valid_from) do update set valid_to = excluded.valid_to

-- name: end_relations
-- End relations.
delete from relations r using unnest($1::bytea[], $2::bytea[], $3::text[]) as u(from_stream, to_stream, role)
where r.from_stream = u.from_stream and r.to_stream = u.to_stream and r.role = u.role

-- name: save_enrollments
-- New and moved enrollments.
insert into enrollments (id, round, stream, journey, config, about, node, started_at, ended_at, end_reason, key_id, sealed)
select * from unnest($1::new_enrollment[])
on conflict (id, round) do update set
    config = excluded.config, node = excluded.node, ended_at = excluded.ended_at, end_reason = excluded.end_reason,
    key_id = excluded.key_id, sealed = excluded.sealed

-- name: save_timers
-- Set timers.
insert into timers (owner, kind, due_at, stream, shard, token)
select u.owner, u.kind, u.due_at, u.stream, get_byte(u.stream, 0), u.token
from unnest($1::bytea[], $2::text[], $3::timestamptz[], $4::bytea[], $5::int[]) as u(owner, kind, due_at, stream, token)
on conflict (owner, kind) do update set due_at = excluded.due_at, stream = excluded.stream, shard = excluded.shard, token = excluded.token

-- name: drop_timers
-- Fired and canceled timers go.
delete from timers t using unnest($1::bytea[], $2::text[]) as u(owner, kind) where t.owner = u.owner and t.kind = u.kind

-- name: save_decisions
-- Decisions, each once.
insert into decisions (id, number, stream, at, verdict, gate, journey, template, purpose, channel, config, record)
select u.id, u.number, u.stream, $2, u.verdict, u.gate, u.journey, u.template, u.purpose, u.channel, u.config, u.record
from unnest($1::new_decision[]) as u

-- name: save_messages
-- New messages, and the outbox rows of the queued ones.
with incoming as (
    select * from unnest($1::new_message[])
), born as (
    insert into messages (id, stream, journey, template, purpose, channel, market, status, status_at, not_before, not_after, awaited, config, root, address, sealed)
    select id, stream, journey, template, purpose, channel, market, status, status_at, not_before, not_after, awaited, config, root, address, sealed
    from incoming
)
insert into outbox (message, lane, due_at) select id, lane, not_before from incoming where status = 'queued'

-- name: save_redecided
-- Held and queued messages decided again.
with incoming as (
    select * from unnest($1::bytea[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], $7::bytea[], $8::bytea[], $9::smallint[], $10::boolean[])
    as u(id, channel, status, status_at, not_before, not_after, address, sealed, lane, awaited)
), moved as (
    update messages m set channel = u.channel, awaited = u.awaited, status = u.status, status_at = u.status_at, not_before = u.not_before,
        not_after = u.not_after, address = u.address, sealed = u.sealed
    from incoming u where m.id = u.id and m.status in ('held', 'queued')
    returning m.id, m.status
), gone as (
    delete from outbox o using moved m where o.message = m.id and m.status <> 'queued'
)
insert into outbox (message, lane, due_at)
select u.id, u.lane, u.not_before from incoming u join moved m on m.id = u.id where m.status = 'queued'
on conflict (message) do update set due_at = excluded.due_at

-- name: close_messages
-- Cancel or expire what is still held or queued.
with moved as (
    update messages m set status = u.status, status_at = $4, reason = u.reason
    from unnest($1::bytea[], $2::text[], $3::text[]) as u(id, status, reason)
    where m.id = u.id and m.status in ('held', 'queued') returning m.id
)
delete from outbox o using moved m where o.message = m.id

-- name: save_dedupe_keys
-- Messages get dedupe keys: new ones, and those that earlier messages let go.
insert into dedupe_keys (stream, key, message, at)
select u.*, $4 from unnest($1::bytea[], $2::bytea[], $3::bytea[]) as u
on conflict (stream, key) do update set message = excluded.message, at = excluded.at

-- name: block_streams
-- Streams wait behind a quarantined stimulus.
insert into blocked_streams (stream, shard, dead_letter, since)
select u.stream, get_byte(u.stream, 0), u.letter, $3 from unnest($1::bytea[], $2::bytea[]) as u(stream, letter)
on conflict (stream) do nothing

-- name: hold_blocked
-- Keep blocked streams blocked until this transaction ends.
select stream from blocked_streams where stream = any($1::bytea[]) for share

-- name: park
-- What comes after a quarantined stimulus waits in order.
insert into parked_stimuli (stream, kind, body) select * from unnest($1::bytea[], $2::text[], $3::bytea[])

-- name: unpark
-- Handled parked stimuli go.
delete from parked_stimuli p using unnest($1::bytea[], $2::bigint[]) as u(stream, number) where p.stream = u.stream and p.number = u.number

-- name: unblock
-- A stream with nothing parked goes on.
delete from blocked_streams where stream = any($1::bytea[])
