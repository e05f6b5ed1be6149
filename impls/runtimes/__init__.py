"""Runtimes: each makes a call of a PyTorch network and an example of its input."""
