"""The sliding-channel layer for PyTorch, and what it computes with."""
