-- name: create_key
-- Keep a new API key under its hash.
insert into api_keys (id, name, hash, scopes, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)

-- name: find_key
-- A key by its hash.
select id, name, scopes, created_at, expires_at, revoked_at, last_used_at from api_keys where hash = $1

-- name: note_key_use
-- When a key was last used, to the minute.
update api_keys set last_used_at = clock_timestamp()
where id = $1 and (last_used_at is null or last_used_at < clock_timestamp() - interval '1 minute')

-- name: list_keys
-- Every key, oldest first.
select id, name, scopes, created_at, expires_at, revoked_at, last_used_at from api_keys order by created_at, id

-- name: revoke_key
-- End a key.
update api_keys set revoked_at = clock_timestamp() where id = $1 and revoked_at is null returning id
