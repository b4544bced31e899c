-- Whether a payment starts is decided by its insert; only then its collection is written.
ALTER TABLE payments.payment ALTER CONSTRAINT payment_collection_id_fkey DEFERRABLE INITIALLY DEFERRED;
