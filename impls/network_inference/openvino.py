"""An ONNX model compiled and run by OpenVINO's CPU plug-in."""

from impls.network_inference._deployment import Deployment


class OpenVino(Deployment):
    """An ONNX model compiled and run by OpenVINO's CPU plug-in."""

    workload = "network_inference"
    requires = ("torch", "onnx", "openvino")
    note = (
        "Timed: one inference request with the input bound in place and a new output tensor. Sliding-channel "
        "convolutions are dense ones with zeros. Exporting from PyTorch and compiling the model are not timed."
    )
    runtime = "openvino"
