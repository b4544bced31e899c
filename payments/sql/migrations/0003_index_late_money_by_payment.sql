-- Lists and pages ask for a payment's late money; without this each of them reads every case there is.
CREATE INDEX late_money_payment ON payments.late_money (payment_id);
