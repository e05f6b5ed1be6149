"""pytest-benchmark: ``pytest --benchmark-only`` measures the quick suites.

All implementations and their libraries live in the one process of pytest, on target ``edge``, and are timed one after
the other: familiar to read, but neither isolated nor interleaved, so a crash ends it all and drift does not cancel.
``featherbench report`` reads the file of ``--benchmark-json``. An ordinary ``pytest`` collects nothing of this.
"""
