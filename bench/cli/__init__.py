"""The command line. Each command only reads its arguments and prints; the work is done elsewhere."""

from bench.cli.app import main

__all__ = ["main"]
