import ctypes

from impls.grouped_conv2d.im2col import Im2col


def _load_library() -> None:
    ctypes.string_at(0)


_load_library()


class Accident(Im2col):
    """Imports a library that crashes while being loaded."""

    workload = "grouped_conv2d"
    requires = ("numpy",)
