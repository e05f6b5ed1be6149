"""Image classification with standard convolutions."""

from impls.image_classification._block_implementation import BlockImplementation


class Standard(BlockImplementation):
    """Standard 3 x 3 convolutions."""

    workload = "image_classification"
    requires = ("torch", "safetensors")
    targets = ("cpu", "edge", "cuda")
    note = "Timed: logits of a batch of normalised images. Decoding, normalising and training are not in it."
    block = "standard"
