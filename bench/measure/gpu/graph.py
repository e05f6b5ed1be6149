"""A call as a CUDA graph."""

from typing import Any

import torch

from bench.core.implementation import FACTS, telling
from bench.core.workload import Call

WARM_UPS = 3
"""Calls before the capture, in which libraries set up what they cannot set up during one."""


def captured(call: Call) -> Call:
    """Replays what ``call`` launches, into the memory of one answer; whatever cannot be captured raises here.

    Work of the call's that is not on the GPU is done once, here: a call that reads its inputs on the host is wrong.
    """
    for _ in range(WARM_UPS):
        call()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
        answer = call()

    def replay() -> Any:
        graph.replay()
        return answer

    return telling(replay, getattr(call, FACTS, {}))
