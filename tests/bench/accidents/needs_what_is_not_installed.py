from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Requires a distribution that does not exist."""

    workload = "grouped_conv2d"
    requires = ("featherbench-no-such-distribution",)
