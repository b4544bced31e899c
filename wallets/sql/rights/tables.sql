REVOKE DELETE ON wallets.evidence FROM mizan_app;
