"""Types of what the ledger's documents use of XlsxWriter, which comes without any."""
