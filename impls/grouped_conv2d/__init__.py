"""Grouped 2-D convolution."""
