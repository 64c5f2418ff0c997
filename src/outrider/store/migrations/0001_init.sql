-- The first schema. Ids are 16 bytes: milliseconds (6), shard (1), hash or chance (9); a stream id is a keyed
-- hash whose first byte is its shard. Tables named "partitioned" below are split by month; their partitions
-- are made and dropped by store/partitions.py. Columns named sealed are AES-256-GCM (lib/seal.py).

-- ── global directories: the only tables whose keys are unique over all shards ──────────────────────────────

create table event_keys (
    key      bytea primary key,              -- keyed hash of (source, id)
    position bigint not null,                -- in the event log; 0 while rejected to the dead letters
    at       timestamptz not null default now()
);
-- Keys come in the order of time, so a few bytes for many pages find the old ones; a b-tree would slow every append.
create index event_keys_at on event_keys using brin (at) with (autosummarize = on);

create table addresses (
    address bytea not null,                  -- keyed hash of (channel, value)
    stream  bytea not null,
    channel text not null,
    primary key (address, stream)
);
create index addresses_stream on addresses (stream);

create table provider_messages (
    key     bytea primary key,               -- keyed hash of (account, provider's message id)
    message bytea not null,
    attempt smallint not null
);
-- As for event_keys: ids come in the order of time.
create index provider_messages_message on provider_messages using brin (message) with (autosummarize = on);

-- ── the event log ──────────────────────────────────────────────────────────────────────────────────────────

create sequence log_position as bigint;

create table entries (                       -- partitioned by month of `at`
    position bigint not null default nextval('log_position'),
    stream   bytea not null,
    shard    smallint not null,
    kind     text not null,
    at       timestamptz not null,
    key      bytea,                          -- the event key, for events
    type     text not null default '',
    key_id   smallint not null,
    sealed   bytea not null
) partition by range (at);
create index entries_position on entries (position);
create index entries_stream on entries (stream, position);

-- One row for a group of shards: who may write its streams, how far the log is handled, and its last `now`.
create table shard_groups (
    shard_group smallint primary key,
    owner       text,
    fence       bigint not null default 0,
    until       timestamptz not null default 'epoch',
    cursor      bigint not null default 0,
    clock       timestamptz not null default 'epoch'
) with (fillfactor = 50);
insert into shard_groups (shard_group) select generate_series(0, 31);

-- The engines that are there, so that each takes its share of the groups and leaves the others theirs.
create table engines (
    owner text primary key,
    until timestamptz not null
);

-- One row for each saved batch: which stimuli were handled, in which order, with which `now`.
create table journal (                       -- partitioned by month of `at`
    number bigint generated always as identity,
    at     timestamptz not null,
    fence  bigint not null,
    count  integer not null,
    body   bytea not null                    -- MessagePack, a list of [stream, kind, reference]
) partition by range (at);
create index journal_number on journal (number);

-- Requests with an Idempotency-Key: what every repeat is answered. Hashes only, and ids: nothing personal.
create table request_answers (
    key         bytea primary key,           -- keyed hash of (API key, route, Idempotency-Key)
    fingerprint bytea not null,              -- keyed hash of the body
    message     bytea not null,              -- what the request asked for
    answer      bytea not null,              -- as it was given; empty while nobody was answered
    at          timestamptz not null
);
create index request_answers_at on request_answers (at);

create table dead_letters (
    id        bytea primary key,
    at        timestamptz not null,
    kind      text not null,                 -- event, stimulus, callback
    reason    text not null,
    place     text not null default '',      -- a path into the body, or the position in the log
    stream    bytea,
    key_id    smallint not null,
    sealed    bytea not null,
    replayed_at timestamptz
);
create index dead_letters_open on dead_letters (at) where replayed_at is null;
create index dead_letters_replayed on dead_letters (replayed_at) where replayed_at is not null;

-- A stream whose stimulus was quarantined waits, visibly; what comes after it is parked in order.
create table blocked_streams (
    stream      bytea primary key,
    shard       smallint not null,
    dead_letter bytea not null,
    since       timestamptz not null
);
create table parked_stimuli (
    stream bytea not null,
    number bigint generated always as identity,
    kind   text not null,
    body   bytea not null,                   -- MessagePack of the stimulus; its payload stays sealed
    primary key (stream, number)
);

-- ── who ────────────────────────────────────────────────────────────────────────────────────────────────────

create table profiles (
    stream      bytea primary key,
    shard       smallint not null,
    kind        text not null,               -- person, organization
    market      text,
    locale      text,
    zone        text,
    traits      jsonb not null default '{}', -- unsealed traits: segments use them
    consents    jsonb not null default '{}', -- current state per purpose; the ledger is table consents
    data_key    bytea not null,              -- wrapped by the master key named in key_id
    key_id      smallint not null,
    sealed      bytea not null,              -- key, personal traits, addresses
    version     bigint not null,
    created_at  timestamptz not null,
    changed_at  timestamptz not null,
    deleted_at  timestamptz
) with (fillfactor = 80);

create table objects (
    stream     bytea primary key,
    shard      smallint not null,
    kind       text not null,
    version    bigint not null,
    key_id     smallint not null,
    sealed     bytea not null,               -- key and traits
    changed_at timestamptz not null,
    deleted_at timestamptz
) with (fillfactor = 80);

create table object_versions (
    stream     bytea not null,
    version    bigint not null,
    key_id     smallint not null,
    sealed     bytea not null,
    at         timestamptz not null,
    primary key (stream, version)
);

-- Any two entities, with role and validity. Stored once, under the stream of `from_stream`, readable from both ends.
create table relations (
    from_stream bytea not null,
    to_stream   bytea not null,
    from_kind   text not null,
    to_kind     text not null,
    role        text not null,
    valid_from  timestamptz not null default '-infinity',
    valid_to    timestamptz not null default 'infinity',
    primary key (from_stream, to_stream, role, valid_from)
);
create index relations_to on relations (to_stream);

create table consents (                      -- the ledger: append only
    stream  bytea not null,
    number  bigint generated always as identity,
    purpose text not null,
    channel text not null default '',
    state   text not null,                   -- granted, withdrawn
    at      timestamptz not null,
    source  text not null default '',
    key_id  smallint not null,
    sealed  bytea not null,                  -- wording version, evidence, actor
    primary key (stream, number)
);

-- What delivery must obey at once, whatever the backlog: written by intake in the append's transaction.
-- Scope address is the suppression list.
create table stops (
    key    text primary key,                 -- see domain/stops.py
    scope  text not null,
    reason text not null,
    at     timestamptz not null
);
create index stops_at on stops (at);         -- what was stopped just now
create index stops_pauses on stops (scope) where scope not in ('consent', 'address', 'opt_out', 'profile');

-- ── what next ──────────────────────────────────────────────────────────────────────────────────────────────

create table configurations (
    number     integer primary key generated always as identity,
    digest     text not null,
    at         timestamptz not null,
    note       text not null default '',
    author     text not null default '',     -- who applied it, as far as known
    files      jsonb not null                -- path → text
);

-- Which message of a profile has a dedupe key: at most one goes out under each. Kept until the profile is forgotten.
create table dedupe_keys (
    stream  bytea not null,
    key     bytea not null,                  -- keyed hash of what the request gave
    message bytea not null,                  -- the first, where it went on to further channels
    at      timestamptz not null,
    primary key (stream, key)
);

create table enrollments (
    id         bytea not null,               -- shard, then a hash of (stream, journey, about)
    round      integer not null,
    stream     bytea not null,
    journey    text not null,
    config     integer not null,
    about      bytea,                        -- the stream of the object it is about
    node       text not null,
    started_at timestamptz not null,
    ended_at   timestamptz,
    end_reason text,
    key_id     smallint not null,
    sealed     bytea not null,               -- the state: position, wait, event data, open messages
    primary key (id, round)
) with (fillfactor = 80);
create index enrollments_live on enrollments (stream) where ended_at is null;

create table timers (
    owner      bytea not null,               -- an enrollment or a message
    kind       text not null,                -- wait, held, escalate
    due_at     timestamptz not null,
    stream     bytea not null,
    shard      smallint not null,
    token      integer not null,             -- the occurrence: a fired timer with an old token is ignored
    primary key (owner, kind)
) with (fillfactor = 80);
create index timers_due on timers (due_at, owner, kind, shard); -- in the order they fire: no sort of all that are due

-- ── whether, when, by which channel ────────────────────────────────────────────────────────────────────────

create table decisions (                     -- partitioned by month of the id
    id         bytea not null,               -- the candidate; a message born from it has the same id
    number     smallint not null,            -- 0 for the first decision on this candidate, then 1, 2, …
    stream     bytea not null,
    at         timestamptz not null,
    verdict    text not null,                -- send, hold, drop
    gate       text not null default '',     -- the gate that held or dropped it
    journey    text not null default '',
    template   text not null default '',
    purpose    text not null,
    channel    text not null default '',
    config     integer not null,
    record     bytea not null,               -- MessagePack: facts read, each gate's verdict and margin, code version
    primary key (id, number)
) partition by range (id);
create index decisions_stream on decisions (stream, id) where verdict <> 'send';

create table messages (                      -- partitioned by month of the id
    id         bytea primary key,
    stream     bytea not null,
    journey    text not null,
    template   text not null,
    purpose    text not null,
    channel    text not null,
    market     text not null,
    status     text not null,
    status_at  timestamptz not null,
    not_before timestamptz not null,
    not_after  timestamptz not null,
    intent_at  timestamptz,
    attempts   smallint not null default 0,
    awaited    boolean not null,             -- its receipts and outcome become stimuli
    engagement smallint not null default 0,  -- a set of bits: seen 1, opened 2, clicked 4, replied 8, acted 16, complained 32
    reason     text,
    config     integer not null,
    root       bytea,                        -- the first message of an escalation
    address    bytea not null,               -- keyed hash, for stops and ceilings
    sealed     bytea not null                -- address and template values, under the profile's data key
) partition by range (id) ;
create index messages_stream on messages (stream, id);

-- ── delivery ───────────────────────────────────────────────────────────────────────────────────────────────

create table outbox (
    message bytea primary key,
    lane    smallint not null,               -- 0 express, 1 normal, 2 bulk
    due_at  timestamptz not null
);
create index outbox_due on outbox (lane, due_at);

create table delivery_leases (
    fence     bigint primary key generated always as identity,
    owner     text not null,
    until     timestamptz not null,
    floor     bytea not null                 -- no open intent of this lease belongs to a message id below it
);

create table attempts (                      -- partitioned by month of the message id
    message     bytea not null,
    number      smallint not null,
    route       text not null,
    account     text not null,
    state       text not null,               -- intent, accepted, refused, unknown, absent, unresolved
    fence       bigint not null,
    at          timestamptz not null,
    ended_at    timestamptz,
    reason      text,
    detail      text,
    label       text,                        -- the rule that allowed a possible duplicate
    provider_id text,
    segments    smallint,
    price       double precision,
    currency    text,                        -- of the price where the provider told one, else of the estimate
    estimate    double precision,
    counted     smallint,                    -- our own count of segments; `segments` is the provider's once it tells
    estimated_in text,                       -- the currency of the estimate
    body        bytea not null,              -- the rendered content, sealed under the profile's data key
    primary key (message, number)
) partition by range (message);
-- Rows come in the order of time, so this finds a span of minutes and costs next to nothing to keep.
create index attempts_at on attempts using brin (at) with (autosummarize = on);

create table doubts (                        -- attempts in unknown state, until resolved
    message  bytea not null,
    number   smallint not null,
    since    timestamptz not null,
    check_at timestamptz not null,
    give_up_at timestamptz not null,
    checks   smallint not null default 0,
    primary key (message, number)
);
create index doubts_check on doubts (check_at);

create table ceilings (                      -- messages per address over all purposes
    address  bytea primary key,
    hour     timestamptz not null,
    in_hour  integer not null,
    day      date not null,
    in_day   integer not null
) with (fillfactor = 50);

-- The health of all routes in one row: whoever decides on it saves it in the version it read, or not at all.
create table route_board (
    id         boolean primary key default true check (id),
    version    bigint not null default 0,
    seen_until timestamptz,                  -- attempts begun until here were looked at
    told_until timestamptz,                  -- and until here for missing receipts
    routes     jsonb not null default '{}'   -- route → its counts and its share of the weight
);
insert into route_board default values;

create table route_changes (                 -- partitioned by month of `at`
    at       timestamptz not null,
    route    text not null,
    kind     text not null,                  -- weight, breaker
    before   text not null,
    after    text not null,
    reason   text not null,
    evidence jsonb not null,
    process  text not null                   -- of a breaker; empty for a weight
) partition by range (at);
create index route_changes_at on route_changes (at);

-- ── back ───────────────────────────────────────────────────────────────────────────────────────────────────

create table receipts (                      -- partitioned by month of the message id
    message     bytea not null,
    digest      bytea not null,              -- of (account, provider id, status, detail): a repeat is stored once
    attempt     smallint not null,
    status      text not null,
    reason      text,
    detail      text not null default '',
    at          timestamptz not null,
    received_at timestamptz not null,
    primary key (message, digest)
) partition by range (message);

create table soft_bounces (                  -- mail that came back for a passing reason: the first of a day per address
    address  bytea not null,                 -- keyed hash
    day      date not null,                  -- UTC
    message  bytea not null,
    sent_at  timestamptz not null,           -- when that mail went out
    reason   text not null,
    check_at timestamptz,                    -- when to look whether the address is to be suppressed; null: looked at
    primary key (address, day)
);
create index soft_bounces_check on soft_bounces (check_at) where check_at is not null;
create index soft_bounces_day on soft_bounces (day);

create table orphan_receipts (               -- receipts for messages we do not know yet
    digest      bytea primary key,
    account     text not null,
    key         bytea not null,              -- as in provider_messages
    receipt     bytea not null,              -- MessagePack of the receipt
    received_at timestamptz not null
);
create index orphan_receipts_received on orphan_receipts (received_at);

-- ── doors ──────────────────────────────────────────────────────────────────────────────────────────────────

create table api_keys (
    id           bytea primary key,
    name         text not null,
    hash         bytea not null unique,
    scopes       text[] not null,
    created_at   timestamptz not null,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz
);

-- ── rows on their way in ───────────────────────────────────────────────────────────────────────────────────

-- Batches of the hot statements travel as one array of rows instead of one array for each column: half the work on
-- both sides (measured). A later version that needs another field makes another type, so that both versions run.

create type new_entry as (
    stream bytea, shard smallint, kind text, at timestamptz, key bytea, type text, key_id smallint, sealed bytea
);
create type new_enrollment as (
    id bytea, round integer, stream bytea, journey text, config integer, about bytea, node text,
    started_at timestamptz, ended_at timestamptz, end_reason text, key_id smallint, sealed bytea
);
create type new_decision as (
    id bytea, number smallint, stream bytea, verdict text, gate text, journey text, template text, purpose text,
    channel text, config integer, record bytea
);
create type new_message as (
    id bytea, stream bytea, journey text, template text, purpose text, channel text, market text, status text,
    status_at timestamptz, not_before timestamptz, not_after timestamptz, awaited boolean, config integer, root bytea,
    address bytea, sealed bytea, lane smallint
);
create type new_intent as (
    message bytea, number smallint, route text, account text, body bytea, segments smallint, estimate float8,
    currency text, label text
);
create type accepted_attempt as (
    message bytea, number smallint, provider_id text, segments smallint, price float8, currency text, key bytea
);

-- ── the horizon of the log ─────────────────────────────────────────────────────────────────────────────────

-- Up to which position a reader may trust that nothing will appear later. Every append takes a shared advisory
-- lock whose key holds a lower bound of the positions it is about to take (lock first, then positions); the lock
-- goes when its transaction is visible or gone. So the horizon depends on open appends only: not on other
-- transactions, other databases or replication slots.
create function log_horizon() returns bigint language plpgsql volatile as $$
declare
    last bigint;
    open bigint;
begin
    select case when is_called then last_value else 0 end into last from log_position;
    select min(((classid::bigint & 16777215) << 32) | objid::bigint) into open
    from pg_locks
    where locktype = 'advisory' and objsubid = 1 and (classid::bigint >> 24) = 79
      and database = (select oid from pg_database where datname = current_database());
    return least(last, coalesce(open, last));
end
$$;

create function open_append() returns void language plpgsql volatile as $$
begin
    perform pg_advisory_xact_lock_shared((79::bigint << 56) | (select case when is_called then last_value else 0 end from log_position));
end
$$;
