"""Grouped spatial pack convolution (GSPC, arXiv 2006.09791): the schedule, for operators and for networks."""
