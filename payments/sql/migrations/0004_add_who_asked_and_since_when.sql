-- Whether the payer asked for the prompt on their own phone, and when the dialogue that led to it began.
ALTER TABLE payments.payment ADD COLUMN by_payer boolean NOT NULL DEFAULT true;
ALTER TABLE payments.payment ADD COLUMN began_at timestamptz;
