-- People of an agency: they see what is asked of it and what citizens think of it, and nothing else.
ALTER TABLE console.staff
    ADD COLUMN agency text REFERENCES fees.agency,
    DROP CONSTRAINT staff_role_check,
    ADD CONSTRAINT staff_role_check CHECK (role IN ('viewer', 'finance', 'auditor', 'admin', 'agency')),
    ADD CONSTRAINT staff_agency_check CHECK ((role = 'agency') = (agency IS NOT NULL));
