"""Runs on disk: each has a folder with ``run.json`` (request, machines) and ``records.jsonl`` (append-only)."""

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
