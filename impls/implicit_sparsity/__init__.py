"""Filters that become inactive while a network is trained; the implementations are optimisers (arXiv 1811.12495)."""
