"""One module per SMS route; each ends in mapping tables, so foreign words stop there."""
