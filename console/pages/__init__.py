"""One module per group of pages; each handler takes a Visit and returns a response."""
