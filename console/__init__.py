"""The finance console: pages for staff, with roles, an audit trail and downloads."""
