"""The project's own engine."""

from impls.diverse_grouped_conv2d._deployment import Deployment


class Native(Deployment):
    """The project's own engine: filters with the same inputs are computed together, from only these inputs."""

    workload = "diverse_grouped_conv2d"
    requires = ("torch",)
    note = "Timed: the call, whose input and output are NCHW. Packing and the race between algorithms are not in it."
    runtime = "native"
