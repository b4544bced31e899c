-- A seal: signed text over the transactions of some positions (ledger/seal.py says what is in it). Each
-- has the hash of the one before, so nothing before a seal can be changed without changing all after it.
CREATE TABLE ledger.seal (
    number         bigint PRIMARY KEY CHECK (number > 0),
    first_position bigint NOT NULL UNIQUE,
    transactions   int NOT NULL CHECK (transactions > 0),
    root           bytea NOT NULL,                     -- of the Merkle tree over its transactions
    accounts       int[] NOT NULL,                     -- touched for the first time, ascending
    previous       bytea NOT NULL,                     -- hash of the seal before
    sealed_at      timestamptz NOT NULL,
    text           text NOT NULL,                      -- says all of the above
    hash           bytea NOT NULL,                     -- SHA-256 of the text
    signature      bytea NOT NULL,                     -- Ed25519, of the text
    tags           bytea NOT NULL                      -- four bytes of each leaf's hash, then of each account's
);
ALTER TABLE ledger.seal ALTER COLUMN tags SET STORAGE EXTERNAL;  -- hashes do not compress

-- The seals of a day (UTC) in one signed line that can be published.
CREATE TABLE ledger.checkpoint (
    day           date PRIMARY KEY,
    first_seal    bigint NOT NULL UNIQUE,
    last_seal     bigint NOT NULL CHECK (last_seal >= first_seal),
    last_position bigint NOT NULL,
    root          bytea NOT NULL,                      -- of the Merkle tree over the hashes of its seals
    previous      bytea NOT NULL,                      -- hash of the checkpoint before
    text          text NOT NULL,                       -- says all of the above
    hash          bytea NOT NULL,
    signature     bytea NOT NULL
);

CREATE TRIGGER seal_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.seal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER checkpoint_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
