"""The propagation step of graph convolutional networks, arXiv 1609.02907."""
