-- name: drop_provider_messages
-- At most so many provider ids of messages below an id.
delete from provider_messages where ctid = any(array(select ctid from provider_messages where message < $1 limit $2))

-- name: drop_orphan_receipts
-- At most so many receipts that nobody claimed since an instant.
delete from orphan_receipts where digest = any(array(
    select digest from orphan_receipts where received_at < $1 order by received_at limit $2))

-- name: drop_open_letters
-- At most so many dead letters from before an instant; none that a stream still waits for.
delete from dead_letters where replayed_at is null and id = any(array(
    select id from dead_letters l where replayed_at is null and at < $1
        and not exists (select 1 from blocked_streams b where b.dead_letter = l.id) order by at limit $2))

-- name: drop_replayed_letters
-- At most so many letters replayed before an instant.
delete from dead_letters where id = any(array(
    select id from dead_letters where replayed_at < $1 order by replayed_at limit $2))

-- name: drop_ceilings
-- At most so many counts of days that are over: they limit nothing any more. One that begins a new day meanwhile stays.
delete from ceilings where ctid = any(array(
    select ctid from ceilings where day < ($1::timestamptz at time zone 'UTC')::date limit $2))
