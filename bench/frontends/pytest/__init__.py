"""pytest-benchmark: ``pytest --benchmark-only`` measures the suites ``first``.

All implementations and their libraries run in the process of pytest, on target ``edge``, and are timed one after the
other. The output is familiar, but nothing is isolated or interleaved, so a crash ends everything and drift does not
cancel. ``featherbench report`` reads the file of ``--benchmark-json``. An ordinary ``pytest`` collects no benchmark.
"""

SUITE = "first"
