"""torch.compile."""

from impls.diverse_grouped_conv2d._deployment import Deployment


class TorchCompile(Deployment):
    """Inputs gathered, a convolution for each group, and outputs reordered, compiled by torch.compile."""

    workload = "diverse_grouped_conv2d"
    requires = ("torch",)
    targets = ("cpu", "edge", "cuda")
    runtime = "torch_compile"
