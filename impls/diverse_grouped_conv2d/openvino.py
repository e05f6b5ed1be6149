"""OpenVINO: a dense convolution with weights of zero, or a smaller one for each group."""

from impls.diverse_grouped_conv2d._deployment import Deployment


class OpenVino(Deployment):
    """OpenVINO."""

    workload = "diverse_grouped_conv2d"
    requires = ("torch", "onnx", "openvino")
    note = "Timed: the call on NCHW tensors. Converting, packing and compiling are not in it."
    runtime = "openvino"
    form = "dense"
    variants = {
        "openvino_dense": {"summary": "OpenVINO: a dense convolution with weights of zero."},
        "openvino_groups": {
            "form": "groups",
            "summary": "OpenVINO: inputs are gathered, a convolution for each group, and outputs reordered.",
        },
    }
