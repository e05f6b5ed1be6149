"""Grouped convolution, packed once, with the plan that is fastest for its shape on this machine."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from impls.native.library import Array, kernels

Plan = tuple[str, int, int, int, int]
"""A plan, one of ``plans``: its kind, the lanes of a vector, and a tile's filters, rows and columns, such as
``("rows", 16, 2, 7, 1)``.

README.md beside this file explains the kinds. For ``out_channels`` and ``out_channels_inplace`` the third number counts
vectors of filters; for ``flat_rows`` the fourth counts vectors of positions; for ``winograd`` the fourth is the side of
a tile's outputs and the fifth counts tiles.
"""

_FINALISTS = 12
"""Number of plans that are timed in several rounds."""


@dataclass(frozen=True)
class Geometry:
    """Sizes of a convolution, without its batch. ``size`` is the input's height and width."""

    weight_shape: tuple[int, int, int, int]
    groups: int
    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Rows and columns of zeros: top, bottom, left, right."""
    dilation: tuple[int, int] = (1, 1)


class GroupedConv2d:
    """Y = W * X (+ b), group by group, in float32. A call with x returns a new array.

    x is (n, cin, height, width) with any strides; the output is (n, cout, output height, output width). Calls must not
    overlap, since they write to a workspace of the object.

    Args:
        weight: (cout, cin / groups, kernel height, kernel width), the geometry's shape; packed once.
        bias: (cout,) or None.
        geometry: the sizes of the convolution.
        relu: whether outputs are max(Y, 0).
        isa: an instruction set; None means the best of this processor.
        threads: the number of threads.
        plan: one of ``plans(geometry, isa)``; None means the one that ``fastest`` finds for one image.
        winograd: whether ``fastest`` searches plans of Winograd's algorithm: fewer products, a larger error.

    Raises:
        ValueError: where it cannot compute such a convolution.
        TypeError: where an argument has the wrong dtype or type.
    """

    def __init__(
        self,
        weight: Array,
        bias: Array | None,
        geometry: Geometry,
        relu: bool = False,
        isa: str | None = None,
        threads: int = 1,
        plan: Plan | None = None,
        winograd: bool = False,
    ) -> None:
        if weight.shape != geometry.weight_shape:
            raise ValueError(f"the weight is {weight.shape}, not {geometry.weight_shape}")
        self.isa = isa or kernels().isas()[0]
        chosen = fastest(geometry, self.isa, threads, winograd) if plan is None else plan
        self._packed = _pack(weight, bias, geometry, relu, self.isa, threads, chosen)
        self.plan = f"{chosen[0]}, {self._packed.plan}"
        self.packed_bytes: int = self._packed.packed_bytes
        self.workspace_bytes: int = self._packed.workspace_bytes
        """Bytes of the workspace that calls write to; it is kept between them, as part of the prepared memory."""

    def __call__(self, x: Array) -> Array:
        try:
            y: Array = self._packed(x)
        except TypeError:
            actual = f"{x.dtype} with {x.ndim} dimensions" if isinstance(x, np.ndarray) else type(x).__name__
            raise TypeError(f"x is {actual}, not float32 with 4 dimensions") from None
        return y


def plans(geometry: Geometry, isa: str, winograd: bool = False) -> list[Plan]:
    """Return the plans that may be the fastest, with ``winograd`` those of Winograd's algorithm.

    There are none of the latter where it cannot compute the geometry.
    """
    g = geometry
    candidates: list[Plan] = kernels().plans(
        g.weight_shape, g.groups, g.size, g.stride, g.padding, g.dilation, isa, winograd
    )
    return candidates


@cache
def fastest(geometry: Geometry, isa: str, threads: int = 1, winograd: bool = False) -> Plan:
    """Return the fastest plan for one image, by a short race on this machine, cached for the life of the process.

    All plans are tried once. The few that then look best are timed in rounds, after each of which the slower half
    leaves, until one is left: a moment's disturbance of the machine costs a plan a round, not the race.

    Raises:
        ValueError: where there is no plan.
    """
    all_plans = plans(geometry, isa, winograd)
    if not all_plans:
        raise ValueError("Winograd's algorithm needs a kernel of 3 x 3, stride 1 and dilation 1")
    random = np.random.default_rng(0)
    channels = geometry.weight_shape[1] * geometry.groups
    x = random.standard_normal((1, channels, *geometry.size), np.float32)
    weight = random.standard_normal(geometry.weight_shape, np.float32)

    def pack(plan: Plan) -> Any:
        return _pack(weight, None, geometry, False, isa, threads, plan)

    best: dict[Plan, float] = {}  # seconds
    for plan in all_plans:
        convolution = pack(plan)
        best[plan] = convolution.seconds(x, 1)
        if best[plan] < 2 * min(best.values()):
            best[plan] = min(best[plan], convolution.seconds(x, 2))
    finalists = {plan: pack(plan) for plan in sorted(best, key=best.__getitem__)[:_FINALISTS]}
    calls = 2
    while len(finalists) > 1:
        for _ in range(3):
            for plan, convolution in finalists.items():
                best[plan] = min(best[plan], convolution.seconds(x, calls))
        faster_half = sorted(finalists, key=best.__getitem__)[: (len(finalists) + 1) // 2]
        finalists = {plan: finalists[plan] for plan in faster_half}
        calls = min(2 * calls, 1 + int(2e-3 / best[faster_half[0]]))
    return next(iter(finalists))


def _pack(weight: Array, bias: Array | None, geometry: Geometry, relu: bool, isa: str, threads: int, plan: Plan) -> Any:
    g = geometry
    weight = np.ascontiguousarray(weight)
    try:
        return kernels().GroupedConv2d(
            weight, bias, g.groups, g.size, g.stride, g.padding, g.dilation, relu, isa, threads, plan
        )
    except TypeError:
        raise TypeError(
            "weight and bias must be float32, bias contiguous; size, stride and dilation two integers, padding four; "
            "and plan one of plans(geometry, isa)"
        ) from None
