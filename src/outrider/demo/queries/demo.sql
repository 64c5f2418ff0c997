-- name: count_messages
-- Messages of some people by status, from an id on.
select status, count(*) as count from messages where stream = any($1::bytea[]) and id >= $2 group by status

-- name: last_fallback
-- How many messages of some people were taken on another channel after the first one did not reach them, and the last.
select count(*) over () as count, m.template, m.channel, f.channel as first_channel, f.status as first_status
from messages m join messages f on f.id = m.root
join lateral (select min(at) as at from attempts where message = m.id and state = 'accepted') taken on taken.at is not null
where m.stream = any($1::bytea[]) and m.id >= $2 order by taken.at desc limit 1

-- name: count_stopped
-- Candidates of some people whose last decision held or dropped them, by verdict, gate and template. What was made a
-- message and dropped later is a message: canceled or expired.
select last.verdict, last.gate, last.template, count(*) as count from (
    select distinct on (d.id) d.id, d.verdict, d.gate, d.template from decisions d
    where d.stream = any($1::bytea[]) and d.id >= $2 and d.verdict <> 'send' order by d.id, d.number desc
) as last
left join messages m on m.id = last.id
where case last.verdict when 'drop' then m.id is null else m.status = 'held' end
group by last.verdict, last.gate, last.template order by count desc, last.gate, last.template

-- name: count_considered
-- Candidates of some people that were decided on, whatever the answer was.
select count(distinct id) from decisions where stream = any($1::bytea[]) and id >= $2

-- name: count_attempts
-- Attempts for some people by account, state, reason and market, with estimated cost.
select a.account, a.state, a.reason, m.market, count(*) as count, max(a.at) as last,
    coalesce(sum(a.estimate), 0)::float8 as cost
from messages m join attempts a on a.message = m.id
where m.stream = any($1::bytea[]) and m.id >= $2 group by a.account, a.state, a.reason, m.market

-- name: list_failovers
-- Attempts for some people on another route than the attempt before, newest first.
select m.template, b.route as from_route, a.route as to_route, b.reason, a.state, a.at
from messages m join attempts a on a.message = m.id join attempts b on b.message = m.id and b.number = a.number - 1
where m.stream = any($1::bytea[]) and m.id >= $2 and a.route <> b.route order by a.at desc

-- name: count_ahead
-- What is still to come for some people: waits of journeys and escalations, and messages on their way. Mail and apps
-- that are silent report nothing: what was accepted five seconds ago is at rest.
select (select count(*) from timers where stream = any($1::bytea[]) and kind <> 'held') as waits,
    (select count(*) from messages where stream = any($1::bytea[]) and id >= $2
        and (status in ('queued', 'sending', 'unknown')
            or status = 'accepted' and status_at > clock_timestamp() - interval '5 seconds')) as moving,
    greatest(0, log_horizon() - (select min(cursor) from shard_groups)) as entries

-- name: count_events
-- Events among these keys that are in the log.
select count(*) from event_keys where key = any($1::bytea[]) and position > 0

-- name: show_attempts_of
-- Every attempt for some people.
select a.message, a.number, a.state, a.label, m.market, coalesce(a.estimate, 0)::float8 as cost,
    m.root is not null as is_fallback from messages m join attempts a on a.message = m.id
where m.stream = any($1::bytea[]) and m.id >= $2

-- name: known_messages
-- Which of these messages exist, and whose they are.
select id, stream from messages where id = any($1::bytea[])
