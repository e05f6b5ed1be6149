"""A call as a CUDA graph."""

from typing import Any

import torch

from bench.core.implementation import FACTS
from bench.core.workload import Call

WARM_UPS = 3
"""Calls before the capture, in which libraries set up what they cannot set up during one."""


class Replay:
    """Replays what ``call`` launches, into the memory of one answer; whatever cannot be captured raises.

    Work of the call's that is not on the GPU is done once, here: a call that reads its inputs on the host is wrong.
    """

    def __init__(self, call: Call) -> None:
        for _ in range(WARM_UPS):
            call()
        self._call = call  # What it was prepared with is read by the graph, which keeps none of it.
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, stream=torch.cuda.current_stream()):
            self._answer = call()
        vars(self)[FACTS] = dict(getattr(call, FACTS, {}))

    def __call__(self) -> Any:
        self._graph.replay()
        return self._answer
