"""The Python interface, for notebooks and scripts: what the command line does.

from bench.api import Request, frame, run
table = frame([run(Request(workloads=("grouped_conv2d",), suite="quick", target="edge")).run])
"""

from bench.core.registry import register
from bench.report.compare import compare, compare_runs
from bench.report.curves import curves
from bench.report.frame import frame
from bench.report.html import write_report
from bench.run.launch import Outcome
from bench.run.launch import launch as run
from bench.store import Request, Run, find

__all__ = [
    "Outcome",
    "Request",
    "Run",
    "compare",
    "compare_runs",
    "curves",
    "find",
    "frame",
    "register",
    "run",
    "write_report",
]
