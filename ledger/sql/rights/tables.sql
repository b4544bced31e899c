-- The application reads everything and writes through functions only: they run as the owner of the tables.
REVOKE ALL ON ALL TABLES IN SCHEMA ledger FROM mizan_app;
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO mizan_app;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA ledger FROM mizan_app;

-- The sealer moves what is booked on into what is sealed, and changes nothing of it.
REVOKE ALL ON ALL TABLES IN SCHEMA ledger FROM mizan_sealer;
GRANT USAGE ON SCHEMA ledger TO mizan_sealer;
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO mizan_sealer;
GRANT DELETE ON ledger.unsealed TO mizan_sealer;
GRANT INSERT ON ledger.batch, ledger.delta, ledger.mark, ledger.seal, ledger.checkpoint TO mizan_sealer;
GRANT INSERT, UPDATE ON ledger.balance, ledger.total TO mizan_sealer;
