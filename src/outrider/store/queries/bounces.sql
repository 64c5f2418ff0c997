-- name: note_bounces
-- Mail that came back for a passing reason: the first of a day for each address.
insert into soft_bounces (address, day, message, sent_at, reason, check_at)
select distinct on (m.address) m.address, (clock_timestamp() at time zone 'UTC')::date, m.id, coalesce(m.intent_at, m.status_at), u.reason, clock_timestamp()
from unnest($1::bytea[], $2::text[]) as u(id, reason) join messages m on m.id = u.id
where m.channel = $3 order by m.address, m.id
on conflict (address, day) do nothing

-- name: forget_bounces
-- Bounces nobody counts any more.
delete from soft_bounces where day <= ((clock_timestamp() at time zone 'UTC')::date - $1::integer)

-- name: take_bounces
-- Bounces that are to be looked at.
select address, day, clock_timestamp() as now from soft_bounces where check_at <= clock_timestamp()
order by check_at limit $1 for update skip locked

-- name: load_bounces
-- The bounces of some addresses.
select address, day, sent_at, reason from soft_bounces where address = any($1::bytea[])

-- name: load_arrived
-- Mail to the same people's addresses since the first bounce that a server took and that has not come back.
select b.address, s.intent_at, s.status = 'delivered' as proved
from (select distinct on (address) address, message from soft_bounces where address = any($1::bytea[]) order by address, message) b
join messages m on m.id = b.message
join messages s on s.stream = m.stream and s.id > m.id
where s.address = b.address and s.channel = m.channel and s.status in ('accepted', 'delivered') and s.intent_at is not null

-- name: settle_bounces
-- Bounces that were looked at, with the time to look again.
update soft_bounces b set check_at = u.at from unnest($1::bytea[], $2::date[], $3::timestamptz[]) as u(address, day, at)
where b.address = u.address and b.day = u.day

-- name: drop_bounces
-- The bounces of addresses that were ended: whoever lifts that starts anew.
delete from soft_bounces where address = any($1::bytea[])

-- name: count_bounces
-- The days on which mail to an address came back for a passing reason.
select count(*) from soft_bounces where address = $1
