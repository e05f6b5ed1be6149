"""PyTorch's compiler, Inductor: ahead of time on a CPU, by torch.compile on a GPU."""

from impls.network_inference._deployment import Deployment


class TorchCompile(Deployment):
    """PyTorch's compiler, Inductor: ahead of time on a CPU, by torch.compile on a GPU."""

    workload = "network_inference"
    requires = ("torch",)
    targets = ("cpu", "edge", "cuda")
    note = (
        "Timed: the compiled network. On a CPU it is a package of AOTInductor, the form of torch.compile that is "
        "compiled once and then loaded, with weights as constants (freezing). Compiling and loading are not timed."
    )
    runtime = "torch_compile"
