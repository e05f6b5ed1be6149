"""The implementations, a folder for each workload.

Another workload's folder may be used through its ``workload.py`` and its implementations, and in one direction only:
which, stands in ``pyproject.toml`` and is checked with the lint.
"""
