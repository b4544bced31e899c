-- name: message_rows
-- Newest first. One short walk of the index for each state, then the best of them.
SELECT m.id, m.created_at, m.purpose, m.payment_id, m.language, m.state, m.failure, m.failure_code, m.carrier,
       m.segments, m.attempts, m.state_at
FROM unnest($1::text[]) AS wanted (state)
CROSS JOIN LATERAL (
    SELECT * FROM sms.message
    WHERE message.state = wanted.state
      AND ($2::timestamptz IS NULL OR created_at >= $2) AND ($3::timestamptz IS NULL OR created_at < $3)
    ORDER BY created_at DESC LIMIT $4::bigint + $5::bigint
) m
ORDER BY m.created_at DESC, m.id LIMIT $4::bigint OFFSET $5::bigint

-- name: message_counts
SELECT state, count(*) AS messages FROM sms.message
WHERE state = ANY ($1::text[])
  AND ($2::timestamptz IS NULL OR created_at >= $2) AND ($3::timestamptz IS NULL OR created_at < $3)
GROUP BY state

-- name: payment_messages
SELECT id, created_at, purpose, language, body, alphabet, segments, state, failure, failure_code, carrier,
       carrier_reference, attempts, sent_at, state_at
FROM sms.message WHERE payment_id = $1 ORDER BY created_at, id
