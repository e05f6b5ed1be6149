from impls.grouped_conv2d.im2col import Im2col
from impls.grouped_conv2d.workload import GroupedConv2dCase


class Accident(Im2col):
    """Cannot even say what it can do."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def supports(self, case: GroupedConv2dCase) -> str | None:
        raise KeyError("strides")
