"""Multipath graph networks, arXiv 2105.01510."""
