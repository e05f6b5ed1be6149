from impls.grouped_conv2d.im2col import Im2col
from impls.grouped_conv2d.workload import GroupedConv2dCase


class Accident(Im2col):
    """Supports no case, which is not a failure."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def unsupported(self, case: GroupedConv2dCase) -> str | None:
        return "only kernels of 11 x 11"
