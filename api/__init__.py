"""The HTTP API of agencies and portals, its own description, and the public receipt check."""
