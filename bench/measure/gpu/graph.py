"""Runs a call as a CUDA graph."""

from typing import Any

import torch

from bench.core.implementation import FACTS_ATTRIBUTE
from bench.core.workload import Call

WARM_UPS = 3
"""Number of calls before the capture, in which libraries set up what they cannot set up during it."""


class Replay:
    """Replays what ``call`` launches, into the memory of one output; whatever cannot be captured raises.

    Work of the call outside the GPU is done only at the capture: a call that reads its inputs on the host is wrong.
    """

    def __init__(self, call: Call) -> None:
        for _ in range(WARM_UPS):
            call()
        self._call = call  # The graph reads what the call was prepared with, but keeps none of it alive.
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, stream=torch.cuda.current_stream()):
            self._output = call()
        vars(self)[FACTS_ATTRIBUTE] = dict(getattr(call, FACTS_ATTRIBUTE, {}))

    def __call__(self) -> Any:
        self._graph.replay()
        return self._output
