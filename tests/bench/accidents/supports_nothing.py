from impls.grouped_conv2d.im2col import Im2col
from impls.grouped_conv2d.workload import GroupedConv2dCase


class Accident(Im2col):
    """Says no, which is no accident."""

    workload = "grouped_conv2d"
    requires = ("numpy",)

    def supports(self, case: GroupedConv2dCase) -> str | None:
        return "only kernels of 11 x 11"
