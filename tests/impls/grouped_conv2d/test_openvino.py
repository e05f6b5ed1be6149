"""OpenVINO runs where the worker puts it."""

import os
import subprocess
import sys

import pytest

from bench.core.target import Target

CORES = sorted(os.sched_getaffinity(0))[:2]
"""Two cores that the tests may use; read before any test, as libraries that others call may narrow the choice."""
PREPARE_MOVE_CALL = """
import os
import sys

prepared_on, timed_on = map(int, sys.argv[1:])
os.sched_setaffinity(0, {prepared_on})  # before OpenVINO is imported, as in a worker

from bench.core.target import Target
from bench.measure.affinity import move_to, require_within
from impls.grouped_conv2d.openvino import OpenVino
from impls.grouped_conv2d.workload import GroupedConv2d, GroupedConv2dCase

problem = GroupedConv2d().problem(GroupedConv2dCase(cin=16, cout=16, h=14, w=14), seed=1)
call = OpenVino().prepare(problem, Target("edge"))
call()
move_to([timed_on])
call()
require_within([timed_on])
"""


@pytest.mark.skipif(len(CORES) < 2, reason="needs two cores")
def test_calls_stay_on_the_core_that_the_worker_moved_to() -> None:
    pytest.importorskip("openvino", reason="OpenVINO is not installed: pip install openvino")
    environment = os.environ | Target("edge").environment()
    command = [sys.executable, "-c", PREPARE_MOVE_CALL, *map(str, CORES)]
    completed = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr
