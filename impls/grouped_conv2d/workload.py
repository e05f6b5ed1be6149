"""Grouped 2-D convolution: every output channel sees only the input channels of its own group."""

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from bench.core.case import MAX_SIZE, Case
from bench.core.errors import UsageError
from bench.core.layers import InputSize, WorkloadLayers
from bench.core.record import Work
from bench.core.workload import Array, Pick, Problem
from bench.measure.operator_workload import OperatorWorkload
from impls.models.source import read_model

Positive = Field(ge=1, le=MAX_SIZE)


class GroupedConv2dCase(Case):
    """Sizes of one convolution; NCHW input (n, cin, h, w), OIHW weight (cout, cin / groups, *kernel)."""

    n: int = Field(default=1, ge=1)
    cin: int = Positive
    cout: int = Positive
    h: int = Positive
    w: int = Positive
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = Field(default=(1, 1, 1, 1), description="top, bottom, left, right; zeros")
    dilation: tuple[int, int] = (1, 1)
    groups: int = Field(default=1, ge=1)
    bias: bool = False
    dtype: Literal["float32", "float64"] = "float32"

    derived: ClassVar = {"channels_per_group": "groups"}

    @property
    def channels_per_group(self) -> int:
        return self.cin // self.groups

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        if self.cin % self.groups or self.cout % self.groups:
            raise ValueError(f"groups={self.groups} must divide cin={self.cin} and cout={self.cout}")
        if min(*self.kernel, *self.stride, *self.dilation) < 1 or min(self.padding) < 0:
            raise ValueError("kernel, stride and dilation must be at least 1, padding at least 0")
        if min(self.output_size) < 1:
            raise ValueError("the kernel is larger than the padded input")
        return self

    @property
    def output_size(self) -> tuple[int, int]:
        """Output height and width."""
        top, bottom, left, right = self.padding
        padded = (self.h + top + bottom, self.w + left + right)
        extent = [d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True)]
        return (
            (padded[0] - extent[0]) // self.stride[0] + 1,
            (padded[1] - extent[1]) // self.stride[1] + 1,
        )

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        return (self.n, self.cout, *self.output_size)

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        return (self.cout, self.cin // self.groups, *self.kernel)

    @property
    def symmetric_padding(self) -> tuple[int, int] | None:
        """The padding of height and width where it is the same on both sides, or None."""
        top, bottom, left, right = self.padding
        return (top, left) if (top, left) == (bottom, right) else None


class GroupedConv2d(OperatorWorkload):
    """Y = W * X (+ b), group by group.

    Inputs: ``x`` (n, cin, h, w). Constants: ``weight`` (cout, cin / groups, kernel height, kernel width) and, where the
    case has one, ``bias`` (cout,). Output: (n, cout, output height, output width). All have the case's dtype.
    """

    title = "Grouped 2-D convolution"
    case_type = GroupedConv2dCase
    baseline = "pytorch"
    sweep = "groups"

    def suites(self) -> Mapping[str, Sequence[GroupedConv2dCase]]:
        suites = {"first": _first(), "quick": _quick(), "gspc": _gspc(), "odd": _odd()}
        return suites | {"full": list(dict.fromkeys(case for cases in suites.values() for case in cases))}

    def problem(self, case: GroupedConv2dCase, seed: int) -> Problem:
        """Draw standard normal inputs, and weights scaled so that outputs are about standard normal too."""
        # Inputs have their own generator, so that a refill leaves the weights of the case as they are.
        rng = np.random.default_rng(0)
        fan_in = prod(case.weight_shape[1:])
        constants = {"weight": rng.standard_normal(case.weight_shape, case.dtype) / np.sqrt(fan_in).astype(case.dtype)}
        if case.bias:
            constants["bias"] = rng.standard_normal(case.cout, case.dtype)
        x = np.random.default_rng(seed).standard_normal((case.n, case.cin, case.h, case.w), case.dtype)
        return Problem(case, inputs={"x": x}, constants=constants)

    def reference(self, problem: Problem) -> Array:
        """Sum one product for each position of the kernel, in float64."""
        case: GroupedConv2dCase = problem.case
        top, bottom, left, right = case.padding
        x = np.pad(problem.inputs["x"].astype(np.float64), ((0, 0), (0, 0), (top, bottom), (left, right)))
        x = x.reshape(case.n, case.groups, -1, *x.shape[2:])
        weight = problem.constants["weight"].astype(np.float64)
        weight = weight.reshape(case.groups, case.cout // case.groups, *case.weight_shape[1:])
        (oh, ow), (sh, sw), (dh, dw) = case.output_size, case.stride, case.dilation
        y = np.zeros((case.n, case.groups, case.cout // case.groups, oh * ow))
        for i, j in product(range(case.kernel[0]), range(case.kernel[1])):
            window = x[..., i * dh : i * dh + sh * (oh - 1) + 1 : sh, j * dw : j * dw + sw * (ow - 1) + 1 : sw]
            y += weight[..., i, j] @ window.reshape(*window.shape[:3], oh * ow)
        y = y.reshape(case.output_shape)
        return y + problem.constants["bias"].astype(np.float64)[:, None, None] if case.bias else y

    def tolerance(self, case: GroupedConv2dCase) -> float:
        return {"float32": 1e-4, "float64": 1e-12}[case.dtype]

    def work(self, case: GroupedConv2dCase) -> Work:
        parameters = prod(case.weight_shape) + (case.cout if case.bias else 0)
        numbers = case.n * case.cin * case.h * case.w + prod(case.output_shape) + parameters
        return Work(
            macs=prod(case.output_shape) * prod(case.weight_shape[1:]),
            fewest_macs=round(_fewest_macs(case)),
            least_bytes=numbers * np.dtype(case.dtype).itemsize,
            parameters=parameters,
            itemsize=np.dtype(case.dtype).itemsize,
        )

    def layers_of(self, model: str, inputs: tuple[InputSize, ...]) -> WorkloadLayers:
        """Return every 2-D convolution of a model."""
        read = read_model(model, inputs)
        cases, left_out = {}, dict(read.left_out)
        for name, convolution in read.convolutions.items():
            sizes = {field: getattr(convolution, field) for field in GroupedConv2dCase.model_fields}
            try:
                cases[name] = GroupedConv2dCase.from_parameters(sizes)
            except UsageError as error:
                left_out[name] = str(error)
        return WorkloadLayers(cases, left_out, list(read.convolutions))

    def random_case(self, pick: Pick[Any]) -> GroupedConv2dCase:
        groups = pick([1, 2, 3, 4, 8])
        common = pick([True, False])  # 3x3, stride 1, dilation 1: some algorithms know only these
        kernel = (3, 3) if common else (pick([1, 2, 3, 5]), pick([1, 2, 3, 5]))
        dilation = (1, 1) if common else (pick([1, 2, 3]), pick([1, 2]))
        extent = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
        return GroupedConv2dCase(
            n=pick([1, 2, 3]),
            cin=groups * pick([1, 2, 3, 4, 5, 8, 12, 16]),
            cout=groups * pick([1, 2, 3, 4, 5, 8, 12, 16]),
            h=extent[0] + pick(range(12)),
            w=extent[1] + pick(range(20)),
            kernel=kernel,
            stride=(1, 1) if common else (pick([1, 2, 3]), pick([1, 2, 3])),
            padding=(pick([0, 1, 2]), pick([0, 1, 2]), pick([0, 1, 2]), pick([0, 1, 2])),
            dilation=dilation,
            groups=groups,
            bias=pick([False, True]),
            dtype=pick(["float32", "float64"]),
        )


def _fewest_macs(case: GroupedConv2dCase) -> float:
    """Return the multiplications of the fastest algorithm known, without products with padding.

    Along a dimension of stride 1, that algorithm is Winograd's F(6, k), which takes k + 5 multiplications for 6 outputs
    instead of 6 k (Lavin and Gray 2016, arXiv 1509.09308); dilation does not matter, since it only interleaves such
    problems.
    """
    taps = 1.0
    for size, padding, outputs, kernel, stride, dilation in zip(
        (case.h, case.w),
        (case.padding[0], case.padding[2]),
        *(case.output_size, case.kernel, case.stride, case.dilation),
        strict=True,
    ):
        positions = np.arange(outputs)[:, None] * stride - padding + np.arange(kernel) * dilation
        inside = np.count_nonzero((positions >= 0) & (positions < size))
        taps *= inside * (kernel + 5) / (6 * kernel) if stride == 1 and kernel > 1 else inside
    return case.n * case.cout * (case.cin // case.groups) * taps


def _layer(channels: int, size: int, groups: int, **fields: Any) -> GroupedConv2dCase:
    return GroupedConv2dCase(cin=channels, cout=channels, h=size, w=size, groups=groups, **fields)


def _first() -> list[GroupedConv2dCase]:
    """Return cases with eight groups, depthwise, with a stride, and with a width that blocked layouts do not suit."""
    return [case for case in _quick() if case.groups in (8, 64) or case.stride != (1, 1) or case.bias]


def _quick() -> list[GroupedConv2dCase]:
    by_groups = [_layer(64, 56, groups) for groups in (1, 8, 16, 64)]
    return [*by_groups, _layer(128, 28, 16, stride=(2, 2)), _layer(60, 14, 6, bias=True)]


GSPC_LAYERS = (
    *[(64, 56, 1), (64, 56, 2), (128, 28, 1), (128, 28, 2), (256, 14, 1), (256, 14, 2), (512, 7, 1)],
    *[(16, 32, 1), (32, 32, 1), (32, 32, 2), (64, 16, 1), (64, 16, 2), (128, 8, 1)],
)
"""Channels, input size and stride of the grouped 3x3 layers of ResNet34 (first row) and WRN-40-2, arXiv 2006.09791."""


def _gspc() -> list[GroupedConv2dCase]:
    """Return every distinct layer at G = 1, 2, 4, 8, 16 and G = channels (depthwise)."""
    return list(
        dict.fromkeys(
            _layer(channels, size, groups, stride=(stride, stride))
            for channels, size, stride in GSPC_LAYERS
            for groups in (1, 2, 4, 8, 16, channels)
        )
    )


def _odd() -> list[GroupedConv2dCase]:
    """Return cases that blocked layouts are not made for."""
    widths = [_layer(8 * width, 28, 8) for width in (3, 6, 10, 12, 20)]
    shapes: list[dict[str, Any]] = [
        {"stride": (2, 2)},
        {"stride": (2, 1), "padding": (0, 1, 0, 1)},
        {"dilation": (2, 2), "padding": (2, 2, 2, 2)},
        {"kernel": (1, 1), "padding": (0, 0, 0, 0)},
        {"kernel": (5, 5), "padding": (2, 2, 2, 2)},
        {"kernel": (1, 7), "padding": (0, 0, 3, 3)},
        {"n": 2, "bias": True},
        {"dtype": "float64"},
    ]
    narrow_to_wide = GroupedConv2dCase(cin=24, cout=72, h=27, w=31, groups=8)
    return [*widths, narrow_to_wide, *(_layer(48, 27, 8, **shape) for shape in shapes)]
