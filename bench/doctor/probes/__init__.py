"""Implementations of the chain: the same code twice, and once with extra work."""
