-- name: open_lease
-- A new fence for a delivery worker.
insert into delivery_leases (owner, until, floor) values ($1, clock_timestamp() + make_interval(secs => $2), '\xffffffffffffffffffffffffffffffff')
returning fence

-- name: renew_lease
-- Extend a lease that is not over.
update delivery_leases set until = clock_timestamp() + make_interval(secs => $2), floor = $3
where fence = $1 and until > clock_timestamp() returning fence

-- name: hold_lease
-- The lease must last, and its floor must not lie above any of its intents.
update delivery_leases set floor = least(floor, $2) where fence = $1 and until > clock_timestamp() returning fence

-- name: end_lease
-- End a lease; the rescue looks after it once more before it goes.
update delivery_leases set until = least(until, clock_timestamp()) where fence = $1

-- name: close_lease
-- A rescued lease goes.
delete from delivery_leases where fence = $1

-- name: claim
-- Lock due messages of the outbox, express first.
select o.message, clock_timestamp() as now from outbox o where o.due_at <= clock_timestamp()
order by o.lane, o.due_at limit $1 for update skip locked

-- name: clock
-- The database's time.
select clock_timestamp()

-- name: load_claimed
-- The claimed messages that are still queued. One that an engine is changing is passed over: never wait here, since
-- the engine locks messages before the outbox and would wait for us.
select m.* from messages m where m.id = any($1::bytea[]) and m.status = 'queued' for update skip locked

-- name: drop_settled
-- Outbox rows of messages that are not queued any more.
delete from outbox o where o.message = any($1::bytea[])
  and not exists (select 1 from messages m where m.id = o.message and m.status = 'queued')

-- name: load_past
-- Earlier attempts, in order.
select message, number, route, state, at, reason, label from attempts where message = any($1::bytea[]) order by message, number

-- name: drop_outbox
-- Claimed messages whose fate is decided leave the outbox.
delete from outbox where message = any($1::bytea[])

-- name: find_stops
-- The stops among some keys.
select key, scope, reason from stops where key = any($1::text[])

-- name: recent_stops
-- The first stops put since an instant.
select key from stops where at >= $1 limit $2

-- name: count_ceilings
-- Count one message for each address in its hour and day; the new counts come back.
insert into ceilings (address, hour, in_hour, day, in_day)
select address, date_trunc('hour', $2::timestamptz), count(*), ($2::timestamptz at time zone 'UTC')::date, count(*)
from unnest($1::bytea[]) as u(address) group by address order by address
on conflict (address) do update set
    in_hour = case when ceilings.hour = excluded.hour then ceilings.in_hour else 0 end + excluded.in_hour,
    hour = excluded.hour,
    in_day = case when ceilings.day = excluded.day then ceilings.in_day else 0 end + excluded.in_day,
    day = excluded.day
returning address, in_hour, in_day

-- name: uncount_ceilings
-- Take back what was counted for intents that were not written.
update ceilings c set in_hour = c.in_hour - u.n, in_day = c.in_day - u.n
from (select address, count(*) as n from unnest($1::bytea[]) as a(address) group by address) u where c.address = u.address

-- name: save_intents
-- Attempt rows and the status sending, and the outbox rows go: durable before any socket opens.
with moved as (
    update messages m set status = 'sending', status_at = $2, intent_at = $2, attempts = u.number, reason = null
    from unnest($1::new_intent[]) as u
    where m.id = u.message and m.status = 'queued'
    returning u.*
), gone as (
    delete from outbox o using moved m where o.message = m.message
)
insert into attempts (message, number, route, account, state, fence, at, label, segments, estimate, currency, counted, estimated_in, body)
select m.message, m.number, m.route, m.account, 'intent', $3, $2, nullif(m.label, ''), m.segments, m.estimate, m.currency, m.segments, m.currency, m.body
from moved m
returning message

-- name: close_claimed
-- Messages that end without an attempt.
update messages m set status = u.status, status_at = $4, reason = u.reason
from unnest($1::bytea[], $2::text[], $3::text[]) as u(id, status, reason) where m.id = u.id and m.status = 'queued'

-- name: delay_outbox
-- Claimed messages that try again later.
update outbox o set due_at = u.at from unnest($1::bytea[], $2::timestamptz[]) as u(message, at) where o.message = u.message

-- name: next_due
-- When the earliest message is due.
select min(due_at) from (
    (select due_at from outbox where lane = 0 order by due_at limit 1) union all
    (select due_at from outbox where lane = 1 order by due_at limit 1) union all
    (select due_at from outbox where lane = 2 order by due_at limit 1)) as heads

-- name: finish_accepted
-- The happy outcome: attempt, message and directory in one statement. A paused worker may bring it late: it ends a
-- doubt, even one that was given up, and a message that waits to be sent again leaves the outbox when it is claimed.
with incoming as (
    select * from unnest($1::accepted_attempt[])
), ended as (
    update attempts a set state = 'accepted', ended_at = clock_timestamp(), provider_id = u.provider_id,
        segments = coalesce(u.segments, a.segments), price = u.price, currency = case when u.price is null then a.currency else coalesce(u.currency, a.currency) end
    from incoming u where a.message = u.message and a.number = u.number and a.state in ('intent', 'unknown', 'unresolved', 'absent') and a.fence = $2
    returning a.message, a.number
), moved as (
    update messages m set status = 'accepted', status_at = clock_timestamp()
    from ended e where m.id = e.message and m.status in ('sending', 'unknown', 'queued')
), cleared as (
    delete from doubts d using ended e where d.message = e.message and d.number = e.number
)
insert into provider_messages (key, message, attempt)
select u.key, u.message, u.number from incoming u on conflict (key) do nothing

-- name: finish_attempts
-- Refused and doubtful outcomes: the attempt. Returns the attempts that were still open under this fence.
update attempts a set state = u.state, ended_at = clock_timestamp(), reason = u.reason, detail = u.detail
from unnest($1::bytea[], $2::smallint[], $3::text[], $4::text[], $5::text[]) as u(message, number, state, reason, detail)
where a.message = u.message and a.number = u.number and a.state = 'intent' and a.fence = $6
returning a.message, a.number

-- name: move_messages
-- Statuses after an attempt, only from the expected ones.
update messages m set status = u.status, status_at = clock_timestamp(), reason = nullif(u.reason, '')
from unnest($1::bytea[], $2::text[], $3::text[]) as u(id, status, reason)
where m.id = u.id and m.status in ('sending', 'unknown')
returning m.id, m.status

-- name: fill_outbox
-- Messages that are tried again.
insert into outbox (message, lane, due_at)
select * from unnest($1::bytea[], $2::smallint[], $3::timestamptz[]) on conflict (message) do update set due_at = excluded.due_at

-- name: add_doubts
-- Attempts to look up.
insert into doubts (message, number, since, check_at, give_up_at)
select * from unnest($1::bytea[], $2::smallint[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[]) on conflict do nothing

-- name: open_doubts
-- Attempts that have just become doubtful, since their intent.
insert into doubts (message, number, since, check_at, give_up_at)
select u.message, u.number, a.at, u.check_at, u.give_up_at
from unnest($1::bytea[], $2::smallint[], $3::timestamptz[], $4::timestamptz[]) as u(message, number, check_at, give_up_at)
join attempts a on a.message = u.message and a.number = u.number on conflict do nothing

-- name: dead_leases
-- Delivery leases over for longer than the grace.
select fence, floor from delivery_leases where until < clock_timestamp() - make_interval(secs => $1) order by fence for update skip locked

-- name: rescue
-- Intents of a dead lease become unknown: never run again.
update attempts set state = 'unknown', ended_at = clock_timestamp(), detail = 'the worker that sent it ended before the answer was written'
where fence = $1 and state = 'intent' and message >= $2
returning message, number, at

-- name: rescue_messages
-- Their messages are unknown too.
update messages m set status = 'unknown', status_at = clock_timestamp() where m.id = any($1::bytea[]) and m.status = 'sending'

-- name: purposes_of
-- The purpose of messages.
select id, purpose from messages where id = any($1::bytea[])

-- name: due_doubts
-- Doubts to look up, those to be given up first before the others, with what the look-up needs; those of forgotten
-- people cannot be read and must not fill the page.
select d.number, d.since, d.give_up_at, d.checks, a.account, a.route, a.body,
    coalesce(a.ended_at, d.since) as opened_at, clock_timestamp() as read_at, m.*
from doubts d join attempts a on a.message = d.message and a.number = d.number join messages m on m.id = d.message
where d.check_at <= clock_timestamp()
  and exists (select 1 from profiles p where p.stream = m.stream and p.data_key <> '')
order by d.give_up_at, d.message limit $1

-- name: resolve_attempts
-- Ends of doubts, unless a receipt was faster.
update attempts a set state = u.state, ended_at = clock_timestamp(), provider_id = coalesce(u.provider_id, a.provider_id)
from unnest($1::bytea[], $2::smallint[], $3::text[], $4::text[]) as u(message, number, state, provider_id)
where a.message = u.message and a.number = u.number and a.state = 'unknown'
returning a.message, a.number

-- name: end_doubts
-- Resolved doubts go.
delete from doubts d using unnest($1::bytea[], $2::smallint[]) as u(message, number) where d.message = u.message and d.number = u.number

-- name: delay_doubts
-- Doubts looked up in vain come again.
update doubts d set check_at = u.check_at, checks = d.checks + 1
from unnest($1::bytea[], $2::smallint[], $3::timestamptz[]) as u(message, number, check_at) where d.message = u.message and d.number = u.number

-- name: put_provider_messages
-- The directory of provider message ids.
insert into provider_messages (key, message, attempt) select * from unnest($1::bytea[], $2::bytea[], $3::smallint[]) on conflict (key) do nothing

-- name: count_attempts
-- Attempts in a state.
select count(*) from attempts where state = $1
