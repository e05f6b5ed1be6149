"""A TensorFlow Lite model, rebuilt operator by operator from PyTorch's graph, run by LiteRT with XNNPACK."""

from impls.network_inference._deployment import Deployment


class TfLite(Deployment):
    """A TensorFlow Lite model, rebuilt operator by operator from PyTorch's graph, run by LiteRT with XNNPACK."""

    workload = "network_inference"
    requires = ("torch", "ai-edge-litert")
    note = (
        "Timed: the copy of the input into the interpreter, the model, and the copy of the output out of it. Images "
        "are stored as NHWC. Padding that TensorFlow Lite's operators lack is a PAD of its own in the model. "
        "Sliding-channel convolutions are dense ones with zeros. Conversion and packing of weights are not timed."
    )
    runtime = "tflite"
