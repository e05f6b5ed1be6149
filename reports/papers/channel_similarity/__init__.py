"""Pruning by the similarity of channels, arXiv 1908.02620."""
