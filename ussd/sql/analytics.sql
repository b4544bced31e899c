-- name: add_steps
-- Add a batch of counts, once: of a writer ($1) only a batch ($2) after the last one counts.
WITH turn AS (
    INSERT INTO ussd.writer AS known (id, batch, at) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET batch = EXCLUDED.batch, at = EXCLUDED.at
    WHERE known.batch < EXCLUDED.batch RETURNING true
)
INSERT INTO ussd.step AS known (
    day, channel, service, language, screen, hops, failed, ms, entered, moved_on, ended, opened, priced, confirmed,
    timed_out, cancelled, dropped)
SELECT * FROM unnest(
    $4::date[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::bigint[],
    $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[],
    $18::bigint[], $19::bigint[], $20::bigint[])
WHERE EXISTS (SELECT FROM turn)
ON CONFLICT (day, channel, service, language, screen) DO UPDATE SET
    hops = known.hops + EXCLUDED.hops, failed = known.failed + EXCLUDED.failed, ms = known.ms + EXCLUDED.ms,
    entered = known.entered + EXCLUDED.entered, moved_on = known.moved_on + EXCLUDED.moved_on,
    ended = known.ended + EXCLUDED.ended, opened = known.opened + EXCLUDED.opened,
    priced = known.priced + EXCLUDED.priced, confirmed = known.confirmed + EXCLUDED.confirmed,
    timed_out = known.timed_out + EXCLUDED.timed_out, cancelled = known.cancelled + EXCLUDED.cancelled,
    dropped = known.dropped + EXCLUDED.dropped

-- name: forget_writers
DELETE FROM ussd.writer WHERE at < $1
