"""Featherbench's own engine."""

from impls.network_inference._deployment import Deployment


class Native(Deployment):
    """A network on Featherbench's own kernels, see ``impls.accelerate.accelerate``."""

    workload = "network_inference"
    requires = ("torch",)
    note = (
        "Timed: the call of the accelerated network, whose input and output are NCHW and whose activations are in "
        "blocks of channels in between. Tracing, packing and the race between ways to compute each layer are not. "
        "Winograd's algorithm is among them. Operators that the engine lacks stay PyTorch's."
    )
    runtime = "native"
