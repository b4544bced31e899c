"""Mobile-money rails: the port, one module per operator API, what operators told us, callbacks."""
