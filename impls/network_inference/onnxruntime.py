"""An ONNX model run by ONNX Runtime's CPU provider."""

from impls.network_inference._deployment import Deployment


class OnnxRuntime(Deployment):
    """An ONNX model run by ONNX Runtime's CPU provider."""

    workload = "network_inference"
    requires = ("torch", "onnx", "onnxruntime")
    note = (
        "Timed: session.run, fed with the NumPy array itself, the output allocated by the runtime. Sliding-channel "
        "convolutions are dense ones with zeros. Exporting from PyTorch and optimising the graph are not timed."
    )
    runtime = "onnxruntime"
