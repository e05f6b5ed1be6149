from impls.grouped_conv2d.im2col import Im2col
from impls.grouped_conv2d.workload import GroupedConv2dCase


class Accident(Im2col):
    """Raises when asked which cases it supports."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def unsupported(self, case: GroupedConv2dCase) -> str | None:
        raise KeyError("strides")
