"""Reports of the books as files that people print and send: PDF and XLSX, in three languages."""
