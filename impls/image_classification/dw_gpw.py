"""Image classification with grouped pointwise convolutions."""

from impls.image_classification._block_implementation import BlockImplementation


class DepthwiseGroupedPointwise(BlockImplementation):
    """A depthwise 3 x 3 convolution, then a pointwise one in groups."""

    workload = "image_classification"
    requires = ("torch", "safetensors")
    targets = ("cpu", "edge", "cuda")
    note = "Timed: logits of a batch of normalised images. Decoding, normalising and training are not in it."
    block = "dw_gpw(cg=2)"
    variants = {
        "dw_gpw_cg2": {"summary": "A depthwise 3 x 3 convolution, then a pointwise one in 2 groups."},
        "dw_gpw_cg4": {
            "block": "dw_gpw(cg=4)",
            "summary": "A depthwise 3 x 3 convolution, then a pointwise one in 4 groups.",
        },
        "dw_gpw_cg8": {
            "block": "dw_gpw(cg=8)",
            "summary": "A depthwise 3 x 3 convolution, then a pointwise one in 8 groups.",
        },
    }
