-- name: route_board
-- The health of all routes, and the database's time.
select version, seen_until, told_until, routes::text as routes, clock_timestamp() as now from route_board

-- name: save_route_board
-- Only over the version that was read.
update route_board set version = version + 1, seen_until = $2, told_until = $3, routes = $4::text::jsonb
where version = $1 returning version

-- name: add_route_changes
-- What changed, with its reason.
insert into route_changes (at, route, kind, before, after, reason, evidence, process)
select u.at, u.route, u.kind, u.before, u.after, u.reason, u.evidence::jsonb, u.process
from unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
    as u(at, route, kind, before, after, reason, evidence, process)

-- name: page_route_changes
-- The newest changes of each route.
select u.route, c.at, c.kind, c.before, c.after, c.reason, c.evidence::text as evidence, c.process
from unnest($1::text[]) as u(route)
cross join lateral (select * from route_changes c where c.route = u.route and c.at >= $2 order by c.at desc limit $3) as c
order by c.at desc, c.route

-- name: open_breakers
-- How many living processes let a route rest: their last word on it, as long as it is fresh.
select route, count(*) as processes from (
    select distinct on (route, process) route, after from route_changes
    where kind = 'breaker' and at >= clock_timestamp() - make_interval(secs => $1)
        and process in (select owner from delivery_leases where until > clock_timestamp())
    order by route, process, at desc
) as last where after <> 'closed' group by route

-- name: look_seen
-- What became of the attempts begun in a span, by route. The bound on the id prunes partitions, the index on the time
-- finds the span.
select route, count(*) as tries,
    count(*) filter (where state in ('unknown', 'unresolved', 'absent') or (state = 'refused' and reason = any($4::text[]))) as refused,
    count(*) filter (where state in ('accepted', 'refused') and ended_at - at > make_interval(secs => $5)) as slow,
    coalesce(sum(extract(epoch from ended_at - at)) filter (where state in ('accepted', 'refused')), 0)::float8 as seconds
from attempts where message >= $3 and at > $1 and at <= $2 and state <> 'intent' group by route order by route

-- name: look_told
-- Accepted messages whose receipts are due, by route, and how many have none. The span is found first, by its time,
-- whatever the planner believes of the messages.
with span as materialized (
    select message, route from attempts where message >= $3 and at > $1 and at <= $2 and state = 'accepted'
)
select s.route, count(*) as due, count(*) filter (where m.status = 'accepted') as missing
from span s join messages m on m.id = s.message and m.id >= $3 group by s.route order by s.route

-- name: sum_costs
-- What was handed over since an instant and what it cost, by market, template or purpose, and by currency: that of the
-- price where one was told. An estimate in another one is not summed up under it.
select case $3 when 'market' then m.market when 'template' then m.template else m.purpose end as key,
    coalesce(case when a.price is not null then a.currency end, a.estimated_in) as currency, count(*) as messages,
    coalesce(sum(a.counted), 0) as counted, coalesce(sum(a.segments), 0) as segments,
    count(*) filter (where a.segments <> a.counted) as recounted,
    sum(a.estimate) filter (where a.price is null or a.estimated_in = a.currency) as estimated, sum(a.price) as told, count(a.price) as priced,
    sum(a.estimate) filter (where a.price is not null and a.estimated_in = a.currency) as estimated_of_told,
    sum(a.price) filter (where a.estimate is not null and a.estimated_in = a.currency) as told_of_estimated
from attempts a join messages m on m.id = a.message
where a.message >= $1 and m.id >= $1 and a.at >= $2 and a.state = 'accepted' group by 1, 2 order by 1, 2

-- name: sum_costs_by_route
-- The same by route, without a look at the messages.
select a.route as key,
    coalesce(case when a.price is not null then a.currency end, a.estimated_in) as currency, count(*) as messages,
    coalesce(sum(a.counted), 0) as counted, coalesce(sum(a.segments), 0) as segments,
    count(*) filter (where a.segments <> a.counted) as recounted,
    sum(a.estimate) filter (where a.price is null or a.estimated_in = a.currency) as estimated, sum(a.price) as told, count(a.price) as priced,
    sum(a.estimate) filter (where a.price is not null and a.estimated_in = a.currency) as estimated_of_told,
    sum(a.price) filter (where a.estimate is not null and a.estimated_in = a.currency) as told_of_estimated
from attempts a where a.message >= $1 and a.at >= $2 and a.state = 'accepted' group by 1, 2 order by 1, 2

-- name: read_whole
-- In one transaction: whole partitions are read and joined, against the setting of the pool.
select set_config('enable_seqscan', 'on', true), set_config('enable_hashjoin', 'on', true)
