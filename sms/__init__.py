"""The text channel: composing, carriers, delivery reports, inbound words; it never debits."""
