"""The small types and machinery every package stands on; knows no business rule."""
