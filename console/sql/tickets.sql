-- name: ticket_rows
-- Tickets by state, kind, agency and time, what waits longest first where they are open.
SELECT id, number, kind, reason, control_number, agency, service, state, opened_at, state_at,
       count(*) OVER () AS total
FROM payments.ticket
WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR kind = $2)
  AND ($3::text IS NULL OR agency = $3)
  AND ($4::timestamptz IS NULL OR opened_at >= $4) AND ($5::timestamptz IS NULL OR opened_at < $5)
ORDER BY CASE WHEN state = 'open' THEN 0 ELSE 1 END,
         CASE WHEN state = 'open' THEN opened_at END, opened_at DESC, id
LIMIT $6 OFFSET $7

-- name: open_tickets
SELECT count(*) AS count, min(opened_at) AS oldest FROM payments.ticket WHERE state = 'open'

-- name: rating_rows
-- What citizens thought of each service: answers, their mean with two decimals, and how many of each score.
SELECT agency, service, count(*) AS answers, round(avg(score), 2)::text AS mean,
       ARRAY[count(*) FILTER (WHERE score = 1), count(*) FILTER (WHERE score = 2),
             count(*) FILTER (WHERE score = 3), count(*) FILTER (WHERE score = 4),
             count(*) FILTER (WHERE score = 5)] AS scores
FROM payments.rating
WHERE ($1::timestamptz IS NULL OR rated_at >= $1) AND ($2::timestamptz IS NULL OR rated_at < $2)
  AND ($3::text IS NULL OR agency = $3)
GROUP BY agency, service ORDER BY avg(score), agency, service
