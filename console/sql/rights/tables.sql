REVOKE UPDATE, DELETE ON console.audit FROM mizan_app;
