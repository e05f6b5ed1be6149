"""Papers: their claims, and recipes for their tables and figures."""
