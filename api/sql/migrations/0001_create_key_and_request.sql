CREATE SCHEMA api;

-- Keys of agencies. Only a digest is kept: the key itself was shown once. 256 random bits need no salt.
CREATE TABLE api.key (
    id         uuid PRIMARY KEY,
    agency     text NOT NULL REFERENCES fees.agency,
    digest     bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    hint       text NOT NULL,                 -- its last characters, to tell keys apart
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX key_agency ON api.key (agency);

-- What an agency asked under an Idempotency-Key, kept for ever: a repeat gets the same bill.
CREATE TABLE api.request (
    agency         text NOT NULL REFERENCES fees.agency,
    key            text NOT NULL CHECK (length(key) BETWEEN 1 AND 100),
    fingerprint    bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    control_number text REFERENCES fees.bill,
    asked_at       timestamptz NOT NULL,
    PRIMARY KEY (agency, key)
);
