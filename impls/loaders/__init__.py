"""Loaders: each makes a call of a model in the format of a library, and an example of its input."""
