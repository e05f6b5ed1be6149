"""Papers regenerated: their tables and figures from records, beside what was published, on a page each."""
