"""The whole network compiled by Apache TVM, with grouped convolutions scheduled as in arXiv 2006.09791."""

from impls.network_inference._deployment import Deployment


class TvmGspc(Deployment):
    """The whole network compiled by Apache TVM, with grouped spatial pack convolution (GSPC) for its grouped layers."""

    workload = "network_inference"
    requires = ("torch", "onnx", "apache-tvm")
    paper = "arXiv 2006.09791"
    note = (
        "As tvm, except that convolutions with several groups have the paper's schedule, with its untuned block sizes, "
        "on one thread on every target. Each of them packs its input and its weights and unpacks its output in every "
        "call, as the operator tvm_gspc does, and is not fused with the batch norm and the ReLU that follow it. A fact "
        "of each record says how many are scheduled, and why others are not."
    )
    runtime = "tvm_gspc"
