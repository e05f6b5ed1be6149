"""PyTorch: a dense convolution with weights of zero, or a smaller one for each group."""

from impls.diverse_grouped_conv2d._deployment import Deployment


class PyTorch(Deployment):
    """PyTorch."""

    workload = "diverse_grouped_conv2d"
    requires = ("torch",)
    targets = ("cpu", "edge", "cuda")
    note = "Timed: the call on NCHW tensors; with groups, gathering inputs and reordering outputs too."
    runtime = "pytorch"
    form = "dense"
    variants = {
        "pytorch_dense": {"summary": "PyTorch: a dense convolution with weights of zero."},
        "pytorch_groups": {
            "form": "groups",
            "summary": "PyTorch: inputs are gathered, a convolution for each group, and outputs reordered.",
        },
    }
