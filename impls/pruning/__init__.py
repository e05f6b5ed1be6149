"""Removes channels from networks: which channels go together, which go first, and networks without them."""
