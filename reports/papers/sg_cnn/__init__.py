"""Self-grouping convolution, arXiv 2009.13803."""
