"""A composition of PyTorch's operators under torch.compile."""

from bench.core.implementation import Implementation
from bench.core.target import Target
from bench.core.workload import Call, Problem
from bench.measure import inductor
from bench.measure.tensors import as_tensor
from impls.sliding_channel_conv2d._compiled import prepare_compiled
from impls.sliding_channel_conv2d.layer.backends import BACKENDS, choose_composition
from impls.sliding_channel_conv2d.workload import SlidingChannelConv2dCase

inductor.make_ready()


class TorchCompile(Implementation):
    """The composition of PyTorch's operators that is fastest for the case, under torch.compile (static shapes).

    ``torch.compile(SlidingChannelConv2d(...))`` is something else: once compiled, a layer with backend "auto" is
    masked_dense for every case (see ``layer.backends``).
    """

    workload = "sliding_channel_conv2d"
    requires = ("torch",)
    note = (
        "Not torch.compile of the layer, which then is masked_dense for every case: compiled, untimed, is the "
        "composition that the layer would choose eagerly, most often masked_dense too. Materialises what that does "
        "(dense weight or distinct windows) and what the compiler buffers. Weights are packed untimed in forward, "
        "timed in train."
    )

    def prepare(self, problem: Problem, target: Target) -> Call:
        case: SlidingChannelConv2dCase = problem.case
        x = as_tensor({**problem.constants, **problem.inputs}["x"])
        return prepare_compiled(problem, target, BACKENDS[choose_composition(x, case.windows)])
