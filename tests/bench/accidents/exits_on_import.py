import sys

from impls.grouped_conv2d.im2col import Im2col


def _load_library() -> None:
    sys.exit("set FAST_HOME first")


_load_library()


class Accident(Im2col):
    """Imports a library that ends the program if it is not set up."""

    workload = "grouped_conv2d"
    requires = ("numpy",)
