-- name: keep_answers
-- Requests whose key is new. Waits for a transaction that is storing the same key.
insert into request_answers (key, fingerprint, message, answer, at)
select u.*, now() from unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[]) as u on conflict (key) do nothing returning key

-- name: load_answers
-- What is kept of keys.
select key, fingerprint, message, answer from request_answers where key = any($1::bytea[])

-- name: settle_answer
-- The first answer given stays.
update request_answers set answer = case when answer = '' then $2 else answer end where key = $1 returning answer

-- name: drop_answers
-- What is older than promised.
delete from request_answers where at < now() - $1::interval
