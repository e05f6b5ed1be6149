"""Claims of papers: what was published, and whether records bear it out."""
