"""ONNX Runtime: a dense convolution with weights of zero, or a smaller one for each group."""

from impls.diverse_grouped_conv2d._deployment import Deployment


class OnnxRuntime(Deployment):
    """ONNX Runtime."""

    workload = "diverse_grouped_conv2d"
    requires = ("torch", "onnx", "onnxruntime")
    note = "Timed: the call on NCHW tensors. Converting, packing and compiling are not in it."
    runtime = "onnxruntime"
    form = "dense"
    variants = {
        "onnxruntime_dense": {"summary": "ONNX Runtime: a dense convolution with weights of zero."},
        "onnxruntime_groups": {
            "form": "groups",
            "summary": "ONNX Runtime: inputs are gathered, a convolution for each group, and outputs reordered.",
        },
    }
