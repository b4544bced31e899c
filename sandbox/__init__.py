"""What a telecom operator does, for real over HTTP: wallets, USSD phone, SMS; faults on demand.

A process of its own with a book of its own; it shares nothing with the gateway but the kernel's
small types.
"""
