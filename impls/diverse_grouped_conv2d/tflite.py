"""TensorFlow Lite: a dense convolution with weights of zero."""

from impls.diverse_grouped_conv2d._deployment import Deployment


class TFLite(Deployment):
    """TensorFlow Lite: a dense convolution with weights of zero."""

    workload = "diverse_grouped_conv2d"
    requires = ("torch", "ai-edge-litert")  # TensorFlow is imported after PyTorch's compiler, which crashes otherwise
    note = "Timed: the call on NHWC tensors, as TensorFlow Lite stores them. Converting is not in it."
    runtime = "tflite"
    form = "dense"
