from impls.grouped_conv2d.im2col import Im2col


class Accident(Im2col):
    """Needs a release of a library that is not the installed one."""

    workload = "grouped_conv2d"
    environment = ("typer==0.1.0",)
