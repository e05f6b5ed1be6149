"""DSXplore, arXiv 2101.00745."""
