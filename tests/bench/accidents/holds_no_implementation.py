"""A helper module that was mistaken for an implementation."""

ANSWER = 42
