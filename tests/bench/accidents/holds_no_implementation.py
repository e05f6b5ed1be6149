"""A helper that somebody took for an implementation."""

ANSWER = 42
