"""PyTorch, eager."""

from impls.network_inference._deployment import Deployment


class PyTorch(Deployment):
    """PyTorch, eager."""

    workload = "network_inference"
    requires = ("torch",)
    targets = ("cpu", "edge", "cuda")
    note = "Timed: the forward pass without gradients. Nothing is converted, and no batch norm is folded."
    runtime = "pytorch"
    variants = {
        "pytorch": {},
        "pytorch_channels_last": {
            "runtime": "pytorch_channels_last",
            "summary": "PyTorch, eager, on channels-last tensors.",
        },
    }
