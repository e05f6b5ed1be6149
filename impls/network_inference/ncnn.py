"""A net run by ncnn, converted by pnnx."""

from impls.network_inference._deployment import Deployment


class Ncnn(Deployment):
    """A net run by ncnn, converted by pnnx."""

    workload = "network_inference"
    requires = ("torch", "ncnn", "pnnx")
    note = (
        "Timed: an extractor for each image with the input bound in place, the net in float32, and the copy of the "
        "output; the images of a batch are run one after the other. ncnn may use Winograd's algorithm. Sliding-channel "
        "convolutions are dense ones with zeros. Conversion and loading are not timed."
    )
    runtime = "ncnn"
