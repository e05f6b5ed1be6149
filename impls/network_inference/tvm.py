"""The whole network compiled by Apache TVM, without schedules."""

from impls.network_inference._deployment import Deployment


class Tvm(Deployment):
    """The whole network compiled by Apache TVM, without schedules."""

    workload = "network_inference"
    requires = ("torch", "onnx", "apache-tvm")
    note = (
        "Timed: TVM's virtual machine on the compiled network, on one thread on every target, with a new output. "
        "Operators are fused, but each is the plain loop nest that defines it: tuning is not measured here. "
        "Sliding-channel convolutions are dense ones with zeros. Compiling is not timed."
    )
    runtime = "tvm"
