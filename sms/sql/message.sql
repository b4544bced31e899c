-- name: insert_message
-- A message about a payment or an answer; a second one for the same purpose or inbound is not written.
INSERT INTO sms.message (id, purpose, payment_id, inbound_id, recipient, language, template, "values", body,
    alphabet, segments, carrier, created_at, state_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
ON CONFLICT DO NOTHING RETURNING id

-- name: message
SELECT id, purpose, payment_id, inbound_id, recipient, language, template, body, alphabet, segments, state,
       failure, failure_code, carrier, carrier_reference, attempts, created_at, sent_at, state_at
FROM sms.message WHERE id = $1

-- name: messages_of_payment
SELECT id, purpose, payment_id, inbound_id, recipient, language, template, body, alphabet, segments, state,
       failure, failure_code, carrier, carrier_reference, attempts, created_at, sent_at, state_at
FROM sms.message WHERE payment_id = $1 ORDER BY created_at, id

-- name: mark_sending
-- Before the call. No row: it was sent already (its report may have come first) or has ended.
UPDATE sms.message SET state = 'sending', attempts = attempts + 1, state_at = $2
WHERE id = $1 AND sms.rank_of(state) <= sms.rank_of('sending')
RETURNING purpose, recipient, body, carrier, attempts, created_at

-- name: record_sent
-- The carrier took it; a report that came before this answer keeps its state.
UPDATE sms.message SET
    carrier_reference = $2, sent_at = COALESCE(sent_at, $3),
    state_at = CASE WHEN sms.rank_of(state) < sms.rank_of('sent') THEN $3 ELSE state_at END,
    state = CASE WHEN sms.rank_of(state) < sms.rank_of('sent') THEN 'sent' ELSE state END
WHERE id = $1

-- name: move_message
-- Forward only: a state of the same or a lower rank changes nothing. The rank is looked up for the row as
-- it is when the lock is got, so that of two concurrent reports the further one wins.
UPDATE sms.message SET
    state = $2, failure = $3, failure_code = $4, state_at = $6,
    carrier_reference = COALESCE(carrier_reference, $5)
WHERE id = $1 AND sms.rank_of($2) > sms.rank_of(state)
RETURNING id
