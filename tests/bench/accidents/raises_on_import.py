from impls.grouped_conv2d.im2col import Im2col


def _load_library() -> None:
    raise ImportError("libfast.so.3: cannot open shared object file")


_load_library()


class Accident(Im2col):
    """Imports a library that cannot be loaded."""

    workload = "grouped_conv2d"
    requires = ("numpy",)
