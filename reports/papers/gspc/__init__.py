"""Grouped spatial pack convolution, arXiv 2006.09791."""
