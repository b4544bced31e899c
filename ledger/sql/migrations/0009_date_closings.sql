-- When a closing, a request and a reopening were written, by the clock that also dates entries (recorded_at of
-- ledger.transaction): whoever closes says closed_at. So a check knows which lock date an entry met. Null: from
-- before this was kept; then the time that was said stands for it.
ALTER TABLE ledger.closing ADD COLUMN recorded_at timestamptz;
ALTER TABLE ledger.closing ALTER COLUMN recorded_at SET DEFAULT clock_timestamp();
ALTER TABLE ledger.reopening_request ADD COLUMN recorded_at timestamptz;
ALTER TABLE ledger.reopening_request ALTER COLUMN recorded_at SET DEFAULT clock_timestamp();
ALTER TABLE ledger.reopening ADD COLUMN recorded_at timestamptz;
ALTER TABLE ledger.reopening ALTER COLUMN recorded_at SET DEFAULT clock_timestamp();
