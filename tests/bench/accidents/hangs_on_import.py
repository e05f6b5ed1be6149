import time

from impls.grouped_conv2d.im2col import Im2col


def _load_library() -> None:
    time.sleep(3600)


_load_library()


class Accident(Im2col):
    """Imports a library that waits for something that never comes."""

    workload = "grouped_conv2d"
    requires = ("numpy",)
