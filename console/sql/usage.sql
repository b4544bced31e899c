-- name: usage_stages
-- The stages by a piece of time ($7: day or month), and of all of it (where it is null).
SELECT date_trunc($7, day)::date AS piece, sum(opened)::bigint AS opened, sum(priced)::bigint AS priced,
       sum(confirmed)::bigint AS confirmed, sum(collected)::bigint AS collected, sum(receipted)::bigint AS receipted
FROM console.usage($1, $2, $3, $4, $5, $6)
GROUP BY GROUPING SETS ((), (date_trunc($7, day)::date)) ORDER BY 1

-- name: usage_stages_by
-- The stages by service, channel or language ($7).
SELECT CASE $7 WHEN 'service' THEN service WHEN 'channel' THEN channel ELSE language END AS whose,
       sum(opened)::bigint AS opened, sum(priced)::bigint AS priced, sum(confirmed)::bigint AS confirmed,
       sum(collected)::bigint AS collected, sum(receipted)::bigint AS receipted
FROM console.usage($1, $2, $3, $4, $5, $6)
GROUP BY 1 ORDER BY opened DESC, whose LIMIT 200

-- name: usage_file
SELECT day, channel, service, language, sum(opened)::bigint AS opened, sum(priced)::bigint AS priced,
       sum(confirmed)::bigint AS confirmed, sum(collected)::bigint AS collected, sum(receipted)::bigint AS receipted
FROM console.usage($1, $2, $3, $4, $5, $6)
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 LIMIT 100000

-- name: usage_screens
-- Where dialogues went on and where they stopped; those that are still open count as stopped.
SELECT screen, sum(entered)::bigint AS entered, sum(moved_on)::bigint AS moved_on, sum(ended)::bigint AS ended,
       greatest(sum(entered) - sum(moved_on) - sum(ended), 0)::bigint AS abandoned,
       sum(timed_out)::bigint AS timed_out, sum(cancelled)::bigint AS cancelled, sum(dropped)::bigint AS dropped,
       sum(hops)::bigint AS hops, sum(failed)::bigint AS failed, sum(ms)::bigint AS ms
FROM ussd.step
WHERE ($1::date IS NULL OR day >= $1) AND ($2::date IS NULL OR day <= $2)
  AND ($3::text IS NULL OR channel = $3) AND ($4::text IS NULL OR service = $4) AND ($5::text IS NULL OR language = $5)
GROUP BY screen ORDER BY abandoned DESC, screen

-- name: usage_durations
-- Seconds from the first hop of the dialogue to the receipt.
SELECT count(*)::int AS receipts,
       percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (
           ORDER BY extract(epoch FROM receipt.issued_at - p.began_at)) AS seconds
FROM payments.receipt JOIN payments.payment p ON p.id = receipt.payment_id
WHERE p.began_at IS NOT NULL
  AND ($1::date IS NULL OR p.created_at >= $1::timestamp AT TIME ZONE $3)
  AND ($2::date IS NULL OR p.created_at < ($2 + 1)::timestamp AT TIME ZONE $3)
  AND ($4::text IS NULL OR p.channel = $4) AND ($5::text IS NULL OR p.agency || '/' || p.service = $5)
  AND ($6::text IS NULL OR p.language = $6)

-- name: usage_channels
SELECT channel FROM ussd.step GROUP BY channel ORDER BY channel

-- name: opened_on
-- How often dialogues of a day came to a service or a bill.
SELECT COALESCE(sum(opened), 0)::bigint FROM ussd.step WHERE day = $1
