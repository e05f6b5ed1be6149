"""The layer and its gradients as products of tiles, whichever language the kernels are written in."""

from abc import ABC, abstractmethod

from torch import Tensor

from impls.sliding_channel_conv2d._windows import Windows
from impls.sliding_channel_conv2d.cuda.formats import Format
from impls.sliding_channel_conv2d.cuda.tables import LayerTables, MakeTiling
from impls.sliding_channel_conv2d.cuda.tiling import forward, forward_with_bias, transposed


class TiledConvolution(ABC):
    """One layer's kernels for one format. Tensors have its dtype; an output has the first argument's memory format."""

    def __init__(self, windows: Windows, format_: Format) -> None:
        self._windows, self._format = windows, format_
        self._tables = LayerTables(windows, format_)

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Compute Y (n, cout, h, w) from x (n, cin, h, w), weight (cout, width) and bias (cout,)."""
        return self.apply(x, self.pack(weight), bias)

    def pack(self, weight: Tensor) -> Tensor:
        """Return the weight in the form that ``apply`` takes; a weight that does not change is packed once."""
        return self._pack(forward, weight)

    def apply(self, x: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
        """Compute what ``forward`` does, from a weight that ``pack`` returned."""
        return self._multiply(forward, x, packed, bias, self._windows.cout)

    def input_gradient(self, dy: Tensor, weight: Tensor) -> Tensor:
        """Compute dX (n, cin, h, w) from dy (n, cout, h, w) and weight (cout, width)."""
        return self._multiply(transposed, dy, self._pack(transposed, weight), None, self._windows.cin)

    def weight_gradient(self, dy: Tensor, x: Tensor) -> Tensor:
        """Compute dW (cout, width) from dy (n, cout, h, w) and x (n, cin, h, w)."""
        return self._sums_over_pixels(forward, dy, x).view(self._windows.cout, self._windows.width)

    def parameter_gradients(self, dy: Tensor, x: Tensor) -> Tensor:
        """Compute dW and behind it dbias, (cout * width + cout,), from dy and x."""
        return self._sums_over_pixels(forward_with_bias, dy, x)

    @abstractmethod
    def _pack(self, make_tiling: MakeTiling, weight: Tensor) -> Tensor:
        """Return all entries of the tiles, zero where there is no weight, in the order in which kernels read them."""

    @abstractmethod
    def _multiply(
        self, make_tiling: MakeTiling, x: Tensor, packed: Tensor, bias: Tensor | None, channels: int
    ) -> Tensor:
        """Return the product of the tiles and the planes of x: (n, channels, h, w), plus the bias."""

    @abstractmethod
    def _sums_over_pixels(self, make_tiling: MakeTiling, dy: Tensor, x: Tensor) -> Tensor:
        """Return the gradient of every weight of the tiling, in the order of the layer's own weights."""
