-- name: open_append
-- Announce an append: no reader goes beyond the positions taken from here on until this transaction ends.
select open_append()

-- name: append_events
-- Store entries; those with a key only when the key is new. Returns key and position of what was stored, in the order
-- of the call. (A hashed subplan, where a join would be a nested loop over all pairs.)
with placed as (
    select i.*, nextval('log_position') as position
    from unnest($1::new_entry[]) as i
), fresh as (
    insert into event_keys (key, position, at) select key, position, now() from placed where key is not null
    on conflict (key) do nothing returning key
)
insert into entries (position, stream, shard, kind, at, key, type, key_id, sealed)
select p.position, p.stream, p.shard, p.kind, p.at, p.key, p.type, p.key_id, p.sealed from placed p
where p.key is null or p.key in (select key from fresh)
returning key, position

-- name: drop_event_keys
-- At most so many keys that are older than the log.
delete from event_keys where ctid = any(array(select ctid from event_keys where at < now() - $1::interval limit $2))

-- name: append_plain
-- Store entries that carry no event key.
insert into entries (stream, shard, kind, at, type, key_id, sealed)
select stream, shard, kind, at, type, key_id, sealed from unnest($1::new_entry[])

-- name: put_stops
-- Stops take effect with the commit of the append.
insert into stops (key, scope, reason, at)
select key, scope, reason, now() from unnest($1::text[], $2::text[], $3::text[]) as s(key, scope, reason)
on conflict (key) do update set reason = excluded.reason, at = excluded.at

-- name: lift_stops
-- Remove stops.
delete from stops where key = any($1::text[])

-- name: bury
-- Keep dead letters.
insert into dead_letters (id, at, kind, reason, place, stream, key_id, sealed)
select * from unnest($1::bytea[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::smallint[], $8::bytea[])
on conflict (id) do nothing

-- name: applied
-- How far the log is handled for one group.
select cursor from shard_groups where shard_group = $1
