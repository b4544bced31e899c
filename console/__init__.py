"""The finance console: server-rendered pages for staff, with roles, an audit trail and downloads."""
