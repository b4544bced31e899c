-- How the operator said that a dialogue ended which we had not closed; many operators say nothing.
ALTER TABLE ussd.step
    ADD COLUMN timed_out bigint NOT NULL DEFAULT 0,    -- the subscriber, or we, took too long
    ADD COLUMN cancelled bigint NOT NULL DEFAULT 0,    -- the subscriber left
    ADD COLUMN dropped   bigint NOT NULL DEFAULT 0;    -- the network lost it, or an error we have no word for
