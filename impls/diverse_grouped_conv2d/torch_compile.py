"""PyTorch's compiler, Inductor: ahead of time on a CPU, by torch.compile on a GPU."""

from impls.diverse_grouped_conv2d._deployment import Deployment


class TorchCompile(Deployment):
    """Inputs gathered, a convolution for each group, and outputs reordered, by PyTorch's compiler."""

    workload = "diverse_grouped_conv2d"
    requires = ("torch",)
    targets = ("cpu", "edge", "cuda")
    note = "Timed: the call on NCHW tensors, gathering inputs and reordering outputs included. Compiling is not in it."
    runtime = "torch_compile"
