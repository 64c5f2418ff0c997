-- name: page_letters
-- Dead letters, newest first.
select id, at, kind, reason, place, stream, replayed_at from dead_letters
where id < $1 and ($2::text is null or kind = $2) and ($3 or replayed_at is null)
order by id desc limit $4

-- name: show_letter
-- One dead letter with its sealed bytes.
select id, at, kind, reason, place, stream, replayed_at, key_id, sealed from dead_letters where id = $1

-- name: lock_letter
-- One open letter, locked.
select replayed_at from dead_letters where id = $1 for update

-- name: lock_blocked
-- A blocked stream, so that no engine parks behind it meanwhile.
select dead_letter from blocked_streams where stream = $1 for update

-- name: take_parked
-- Everything that waits in a stream, in order; it leaves the waiting room.
with gone as (delete from parked_stimuli where stream = $1 returning number, body)
select number, body from gone order by number

-- name: close_letter
-- Mark a letter as replayed.
update dead_letters set replayed_at = clock_timestamp() where id = $1 and replayed_at is null returning id
