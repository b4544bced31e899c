-- name: insert_inbound
-- Keep a message to us; a repeat of the carrier writes nothing.
INSERT INTO sms.inbound (id, channel, reference, sender, sealed, received_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING RETURNING id

-- name: inbound
SELECT id, channel, sender, sealed, received_at FROM sms.inbound WHERE id = $1

-- name: record_answered
UPDATE sms.inbound SET command = $2, answered_at = $3 WHERE id = $1

-- name: lock_correspondent
-- One answer to one person at a time, or two at once would both find room under the limit. A weaker lock
-- than FOR UPDATE: their payments, which refer to the row, need not wait.
SELECT pseudonym FROM kernel.subscriber WHERE pseudonym = $1 FOR NO KEY UPDATE

-- name: answers_since
-- How many answers a person got lately, and how many of them were help.
SELECT count(*) AS answers, count(*) FILTER (WHERE purpose = 'help') AS helps
FROM sms.message WHERE recipient = $1 AND inbound_id IS NOT NULL AND created_at > $2
