"""TensorFlow Lite: a dense convolution with weights of zero."""

from impls.diverse_grouped_conv2d._deployment import Deployment


class TFLite(Deployment):
    """TensorFlow Lite: a dense convolution with weights of zero."""

    workload = "diverse_grouped_conv2d"
    # What is listed is imported first, and Triton crashes if it is loaded after TensorFlow, so tensorflow-cpu is not.
    requires = ("torch", "ai-edge-litert")
    note = "Timed: the call on NHWC tensors, as TensorFlow Lite stores them. Converting is not in it."
    runtime = "tflite"
    form = "dense"
