"""Grouped convolution: packed once, with the plan that is fastest for its shape on this machine."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from bench.core.workload import Array
from impls.native.library import kernels

Plan = tuple[str, int, int, int, int]
"""Kind, lanes of a vector, and a tile's filters, rows and columns, such as ``("down", 16, 2, 7, 1)``: one of ``plans``.

README.md beside this file explains the kinds. Of ``filters`` and ``direct`` the third number counts vectors of filters,
of ``flat`` the fourth vectors of positions; of ``winograd`` the fourth is the side of a tile's outputs and the fifth
counts tiles.
"""


_FINALISTS = 12


@dataclass(frozen=True)
class Geometry:
    """Sizes of a convolution, without its batch. ``size`` is the input's height and width."""

    weight_shape: tuple[int, int, int, int]
    groups: int
    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Top, bottom, left, right; zeros."""
    dilation: tuple[int, int] = (1, 1)


class GroupedConv2d:
    """Y = W * X (+ b), group by group, in float32; called with x, it returns a new array.

    x is (n, cin, height, width) with any strides; weight, of the geometry's shape, is (cout, cin / groups, kernel
    height, kernel width); bias (cout,) or None; the answer is (n, cout, output height, output width). Weights are
    packed here, once. ``plan`` is one of ``plans(geometry, isa)``; None means the one that ``fastest`` finds for one
    image, of Winograd's algorithm where ``winograd``: fewer products, a larger error. Raises ValueError or TypeError
    for what it cannot compute.

    One call at a time: it writes to a workspace of its own.
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
        self._packed = _packed(weight, bias, geometry, relu, self.isa, threads, chosen)
        self.plan = f"{chosen[0]}, {self._packed.plan}"
        self.packed_bytes: int = self._packed.packed_bytes
        self.workspace_bytes: int = self._packed.workspace_bytes
        """What a call writes to besides its answer; kept between calls, so that it is part of the prepared memory."""

    def __call__(self, x: Array) -> Array:
        try:
            y: Array = self._packed(x)
        except TypeError:
            found = f"{x.dtype} with {x.ndim} dimensions" if isinstance(x, np.ndarray) else type(x).__name__
            raise TypeError(f"x is {found}, not float32 with 4 dimensions") from None
        return y


def plans(geometry: Geometry, isa: str, winograd: bool = False) -> list[Plan]:
    """Those that may be the fastest; of Winograd's algorithm none where the geometry is not one for it."""
    g = geometry
    found: list[Plan] = kernels().plans(
        g.weight_shape, g.groups, g.size, g.stride, g.padding, g.dilation, isa, winograd
    )
    return found


@cache
def fastest(geometry: Geometry, isa: str, threads: int = 1, winograd: bool = False) -> Plan:
    """The fastest plan for one image, by a short race on this machine, remembered while the process lives.

    All are tried once; the few that then look best run in turns, the slower half leaves, until one is left: what
    disturbs the machine for a moment costs a plan a turn, not the race. Raises ValueError where there is no plan.
    """
    all_plans = plans(geometry, isa, winograd)
    if not all_plans:
        raise ValueError("Winograd's algorithm needs a kernel of 3 x 3, stride 1 and dilation 1")
    random = np.random.default_rng(0)
    channels = geometry.weight_shape[1] * geometry.groups
    x = random.standard_normal((1, channels, *geometry.size), np.float32)
    weight = random.standard_normal(geometry.weight_shape, np.float32)

    def packed(plan: Plan) -> Any:
        return _packed(weight, None, geometry, False, isa, threads, plan)

    best: dict[Plan, float] = {}
    for plan in all_plans:
        convolution = packed(plan)
        best[plan] = convolution.seconds(x, 1)
        if best[plan] < 2 * min(best.values()):
            best[plan] = min(best[plan], convolution.seconds(x, 2))
    racing = {plan: packed(plan) for plan in sorted(best, key=best.__getitem__)[:_FINALISTS]}
    calls = 2
    while len(racing) > 1:
        for _ in range(3):
            for plan, convolution in racing.items():
                best[plan] = min(best[plan], convolution.seconds(x, calls))
        quicker = sorted(racing, key=best.__getitem__)[: (len(racing) + 1) // 2]
        racing = {plan: racing[plan] for plan in quicker}
        calls = min(2 * calls, 1 + int(2e-3 / best[quicker[0]]))
    return next(iter(racing))


def _packed(
    weight: Array, bias: Array | None, geometry: Geometry, relu: bool, isa: str, threads: int, plan: Plan
) -> Any:
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
