"""``python -m bench``: the command line from a plain checkout."""

from bench.cli import main

main()
