REVOKE UPDATE, DELETE ON payments.transition, payments.receipt FROM mizan_app;
REVOKE DELETE ON payments.payment FROM mizan_app;
REVOKE INSERT, UPDATE, DELETE ON payments.edge FROM mizan_app;
