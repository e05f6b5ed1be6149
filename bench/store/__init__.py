"""Runs on disk.

A run has a folder with ``run.json`` (request, machines) and its records: one JSON line each, appended to
``records.jsonl``; in a packed run, ``records.parquet`` has the lines.
"""

from bench.store.info import Machine, RunInfo
from bench.store.names import LOCAL, REFERENCE, find, new_name, runs
from bench.store.request import LAYERS, PROBLEMS, Request
from bench.store.run import Run

__all__ = [
    "LAYERS",
    "LOCAL",
    "PROBLEMS",
    "REFERENCE",
    "Machine",
    "Request",
    "Run",
    "RunInfo",
    "find",
    "new_name",
    "runs",
]
