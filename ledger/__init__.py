"""The books: accounts, postings, what may be booked, what has been. Knows nothing of payments."""
