"""TensorFlow Lite: a dense convolution with weights of zero."""

from impls.diverse_grouped_conv2d._deployment import Deployment


class TFLite(Deployment):
    """TensorFlow Lite: a dense convolution with weights of zero."""

    workload = "diverse_grouped_conv2d"
    requires = ("torch", "ai-edge-litert", "tensorflow-cpu")
    runtime = "tflite"
    form = "dense"
