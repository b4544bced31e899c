-- name: remember_subscribers
-- Keep each sealed number once; the pseudonym is the key.
INSERT INTO kernel.subscriber (pseudonym, sealed_msisdn) SELECT * FROM unnest($1::bytea[], $2::bytea[])
ON CONFLICT DO NOTHING

-- name: subscriber
SELECT pseudonym, sealed_msisdn, language, sms_stopped FROM kernel.subscriber WHERE pseudonym = $1

-- name: set_language
INSERT INTO kernel.subscriber (pseudonym, sealed_msisdn, language) VALUES ($1, $2, $3)
ON CONFLICT (pseudonym) DO UPDATE SET language = excluded.language

-- name: set_sms_stopped
INSERT INTO kernel.subscriber (pseudonym, sealed_msisdn, sms_stopped) VALUES ($1, $2, $3)
ON CONFLICT (pseudonym) DO UPDATE SET sms_stopped = excluded.sms_stopped
