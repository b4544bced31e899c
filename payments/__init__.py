"""Use cases and the state machine of a payment: the citizen's intent to pay one bill."""
