-- Closings, requests and reopenings are sealed as entries are: the first seal after each covers every column of
-- it. Those from before this are covered by the next seal. A seal may cover nothing else: then it has no
-- transactions, and the next one starts at the same position.

-- What people decided about closed days, one row each: what it is, when, by whom and why. In the order of turn
-- and number if two were written at one moment; moment is by the clock that dates entries, where that was kept.
CREATE VIEW ledger.decision AS
SELECT 'closing ' || number AS name, 'closing' AS kind_of, number, number AS closing, kind, until, position, hash,
       replaces, closed_at AS said_at, recorded_at, closed_by AS who, checks AS why,
       COALESCE(recorded_at, closed_at) AS moment, 1 AS turn
FROM ledger.closing
UNION ALL
SELECT 'reopening_request ' || number, 'reopening_request', number, closing, NULL, NULL, NULL, NULL, NULL,
       requested_at, recorded_at, requested_by, to_jsonb(reason), COALESCE(recorded_at, requested_at), 2
FROM ledger.reopening_request
UNION ALL
SELECT 'reopening ' || closing, 'reopening', request, closing, NULL, NULL, NULL, NULL, NULL,
       approved_at, recorded_at, approved_by, NULL, COALESCE(recorded_at, approved_at), 3
FROM ledger.reopening;

ALTER TABLE ledger.seal ADD COLUMN decisions text[] NOT NULL DEFAULT '{}';  -- names of those it is the first to cover
ALTER TABLE ledger.seal DROP CONSTRAINT seal_transactions_check, DROP CONSTRAINT seal_first_position_key;
ALTER TABLE ledger.seal ADD CHECK (transactions > 0 OR transactions = 0 AND decisions <> '{}');
CREATE INDEX seal_of_decisions ON ledger.seal (number) WHERE decisions <> '{}';
COMMENT ON COLUMN ledger.seal.tags IS
    'four bytes of each leaf''s hash, then of each account''s, then of each of the four parts of a decision';

CREATE VIEW ledger.unsealed_decision AS
SELECT * FROM ledger.decision d
WHERE d.name NOT IN (SELECT unnest(s.decisions) FROM ledger.seal s WHERE s.decisions <> '{}');
