"""Image classification with depthwise separable convolutions."""

from impls.image_classification._block_implementation import BlockImplementation


class DepthwisePointwise(BlockImplementation):
    """A depthwise 3 x 3 convolution, then a pointwise one."""

    workload = "image_classification"
    requires = ("torch", "safetensors")
    targets = ("cpu", "edge", "cuda")
    paper = "arXiv 1704.04861"
    note = "Timed: logits of a batch of normalised images. Decoding, normalising and training are not in it."
    block = "dw_pw"
