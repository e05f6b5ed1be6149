"""Sliding-channel convolution (SCC): a pointwise convolution whose filters each read a sliding window of channels."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from math import prod
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from bench.core.case import MAX_SIZE, Case
from bench.core.errors import UsageError
from bench.core.layers import InputSize, WorkloadLayers
from bench.core.record import Work
from bench.core.workload import Array, Pick, Problem
from bench.measure.operator_workload import OperatorWorkload
from bench.measure.outputs import Output
from bench.measure.tensors import BFLOAT16
from impls.models.source import read_model
from impls.sliding_channel_conv2d._windows import Windows, overlap, windows_of

Passes = Literal["forward", "backward", "train"]


class SlidingChannelConv2dCase(Case):
    """Sizes of one layer; NCHW input (n, cin, h, w), weight (cout, cin / cg)."""

    n: int = Field(default=1, ge=1)
    cin: int = Field(ge=1, le=MAX_SIZE)
    cout: int = Field(ge=1, le=MAX_SIZE)
    h: int = Field(ge=1, le=MAX_SIZE)
    w: int = Field(ge=1, le=MAX_SIZE)
    cg: int = Field(default=2, ge=1, description="channel groups: a filter reads cin / cg channels")
    co: str = Field(default="0.5", description="overlap of neighbouring windows: a fraction such as 0.33 or 1/3")
    bias: bool = False
    passes: Passes = Field(default="forward", description="train is forward and backward together")
    dtype: Literal["float32", "float64", "tf32", "float16", "bfloat16"] = Field(
        default="float32", description="tf32: float32, of which products may round to 10 bits of mantissa"
    )

    @field_validator("co", mode="before")
    @classmethod
    def _normalise_overlap(cls, co: float | str | Fraction) -> str:
        """Write equal overlaps as the same text: 0.5, .5 and 1/2 are one case."""
        exact = overlap(co)
        decimal = f"{float(exact):g}"
        return decimal if Fraction(decimal) == exact else str(exact)

    @model_validator(mode="after")
    def _has_windows(self) -> Self:
        _ = self.windows
        return self

    derived: ClassVar = {"channels_per_group": "cg"}

    @property
    def channels_per_group(self) -> int:
        """Number of channels that a filter reads."""
        return self.cin // self.cg

    @property
    def stored(self) -> np.dtype[Any]:
        """The dtype of the arrays."""
        return {"tf32": np.dtype(np.float32), "bfloat16": BFLOAT16}.get(self.dtype) or np.dtype(self.dtype)

    @property
    def windows(self) -> Windows:
        return _windows(self.cin, self.cout, self.cg, self.co)

    @property
    def weight_shape(self) -> tuple[int, int]:
        return (self.cout, self.cin // self.cg)

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        return (self.n, self.cin, self.h, self.w)

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        return (self.n, self.cout, self.h, self.w)


@cache
def _windows(cin: int, cout: int, cg: int, co: str) -> Windows:
    """Return the windows, which thousands of cases of the suites share."""
    return Windows(cin, cout, cg, overlap(co))


class SlidingChannelConv2d(OperatorWorkload):
    """Y[:, i] = sum_k W[i, k] X[:, (start(i) + k) mod cin] (+ b[i]), start(i) = floor(i (1 - co) cin / cg) mod cin.

    Arrays: ``x`` (n, cin, h, w), ``weight`` (cout, cin / cg), ``bias`` (cout,) where the case has one, and ``dy``, the
    gradient of the output, of its shape (n, cout, h, w). All are of dtype ``case.stored``. ``case.windows`` has the
    channels that each filter reads. By the case's passes:

    - forward: input ``x``; weight and bias are constants, free to be packed. Output: y.
    - backward: input ``dy``; x, weight and bias are constants, as a forward pass has seen them, so that ``prepare``
      may keep what that pass would have kept, and nothing more. Output: (dx, dweight), and dbias third where there is
      a bias.
    - train: inputs ``x``, ``weight``, ``bias``, ``dy``, as after an optimiser's step. Output: (y, dx, dweight), and
      dbias fourth.
    """

    title = "Sliding-channel convolution"
    case_type = SlidingChannelConv2dCase
    baseline = "masked_dense"
    sweep = "cg"

    def suites(self) -> Mapping[str, Sequence[SlidingChannelConv2dCase]]:
        return _suites()

    def problem(self, case: SlidingChannelConv2dCase, seed: int) -> Problem:
        """Draw standard normal inputs, and weights scaled so that outputs are about standard normal too."""
        # Constants are the same for every seed, so that a refill leaves them as they are.
        fixed, seeded = np.random.default_rng(0), np.random.default_rng(seed)
        dtype = np.float64 if case.dtype == "float64" else np.float32
        x, weights, dy = {
            "forward": (seeded, fixed, None),
            "backward": (fixed, fixed, seeded),
            "train": (seeded, seeded, seeded),
        }[case.passes]
        arrays = {"x": (x, x.standard_normal(case.input_shape, dtype))}
        scale = np.sqrt(case.windows.width).astype(dtype)
        arrays["weight"] = (weights, weights.standard_normal(case.weight_shape, dtype) / scale)
        if case.bias:
            arrays["bias"] = (weights, weights.standard_normal(case.cout, dtype))
        if dy:
            arrays["dy"] = (dy, dy.standard_normal(case.output_shape, dtype))
        inputs, constants = (
            {
                name: array.astype(case.stored, copy=False)
                for name, (source, array) in arrays.items()
                if source is generator
            }
            for generator in (seeded, fixed)
        )
        return Problem(case, inputs, constants)

    def reference(self, problem: Problem) -> Output:
        """Compute the layer and its gradients in float64, as a dense pointwise convolution.

        Its weight is zero outside the windows.
        """
        case: SlidingChannelConv2dCase = problem.case
        arrays = {
            name: array.astype(np.float64) for name, array in (*problem.inputs.items(), *problem.constants.items())
        }
        x = arrays["x"].reshape(case.n, case.cin, -1)
        dense = np.zeros((case.cout, case.cin))
        np.put_along_axis(dense, case.windows.channels, arrays["weight"], axis=1)
        outputs: list[Array] = []
        if case.passes != "backward":
            y = (dense @ x).reshape(case.output_shape)
            outputs.append(y + arrays["bias"][:, None, None] if case.bias else y)
        if case.passes != "forward":
            dy = arrays["dy"].reshape(case.n, case.cout, -1)
            d_dense = (dy @ x.swapaxes(1, 2)).sum(axis=0)
            outputs.append((dense.T @ dy).reshape(case.input_shape))
            outputs.append(np.take_along_axis(d_dense, case.windows.channels, axis=1))
            if case.bias:
                outputs.append(dy.sum(axis=(0, 2)))
        return outputs[0] if case.passes == "forward" else tuple(outputs)

    def tolerance(self, case: SlidingChannelConv2dCase) -> float:
        """Return the tolerance of the case's dtype.

        For 16-bit dtypes it is ten times the distance from 1 to the next number, since some implementations also sum
        gradients in such numbers.
        """
        return {"float32": 1e-4, "float64": 1e-12, "tf32": 1e-2, "float16": 1e-2, "bfloat16": 8e-2}[case.dtype]

    def work(self, case: SlidingChannelConv2dCase) -> Work:
        """Return the work by formula: forward takes cout * cin / cg MACs at each position, dX and dW as many each.

        Only channels of x that some window covers have to be read. dX is written whole, with zeros elsewhere.
        """
        weight, bias = prod(case.weight_shape), case.cout if case.bias else 0
        x, y = prod(case.input_shape), prod(case.output_shape)
        x_read = x // case.cin * len(np.unique(case.windows.channels))
        # Numbers read and written. A gradient is as large as its variable, and dbias needs no bias.
        numbers = {
            "forward": x_read + weight + bias + y,
            "backward": x_read + x + 2 * weight + y + bias,
            "train": x_read + x + 2 * (weight + bias + y),
        }
        itemsize = case.stored.itemsize
        return Work(
            macs={"forward": 1, "backward": 2, "train": 3}[case.passes] * y * case.windows.width,
            least_bytes=numbers[case.passes] * itemsize,
            parameters=weight + bias,
            itemsize=itemsize,
            arithmetic=case.dtype if case.dtype in GPU_ARITHMETIC else None,
        )

    def layers_of(self, model: str, inputs: tuple[InputSize, ...]) -> WorkloadLayers:
        """Return the pointwise convolutions of a model whose weights are zero outside sliding windows of channels."""
        convolutions = read_model(model, inputs).convolutions
        cases, left_out = {}, {}
        for name, convolution in convolutions.items():
            windows = None if convolution.pattern is None else windows_of(convolution.pattern)
            if windows:
                shared = ("n", "cin", "cout", "h", "w", "bias", "dtype")
                sizes = {field: getattr(convolution, field) for field in shared}
                try:
                    cases[name] = SlidingChannelConv2dCase.from_parameters(sizes | {"cg": windows.cg, "co": windows.co})
                except UsageError as error:
                    left_out[name] = str(error)
        return WorkloadLayers(cases, left_out, list(convolutions))

    def random_case(self, pick: Pick[Any]) -> SlidingChannelConv2dCase:
        cg = pick([1, 2, 3, 4, 8])
        return SlidingChannelConv2dCase(
            n=pick([1, 2, 3]),
            cin=cg * pick([1, 2, 3, 4, 5, 8, 12, 16]),
            cout=pick([1, 2, 3, 5, 8, 12, 16, 24, 37, 64]),
            h=pick(range(1, 9)),
            w=pick(range(1, 12)),
            cg=cg,
            co=pick(["0", "0.5", "0.25", "0.75", "0.33", "1/3", "2/7", "0.99"]),
            bias=pick([False, True]),
            passes=pick(["forward", "backward", "train"]),
            dtype=pick(["float32", "float64", "tf32", "float16", "bfloat16"]),
        )


def _layer(cin: int, cout: int, size: int, **others: Any) -> SlidingChannelConv2dCase:
    return SlidingChannelConv2dCase(cin=cin, cout=cout, h=size, w=size, **others)


@cache
def _suites() -> Mapping[str, Sequence[SlidingChannelConv2dCase]]:
    """Return the suites, which are made once, as they have thousands of cases."""
    named = {
        "first": _first(),
        "quick": _quick(),
        "dsxplore": _dsxplore(),
        "dsxplore_batch": _dsxplore(n=16),
        "dsxplore_backward": _dsxplore(n=16, passes="backward"),
        "odd": _odd(),
    }
    full = list(dict.fromkeys(case for cases in named.values() for case in cases))
    return named | {"full": full} | _for_gpus()


def _first() -> list[SlidingChannelConv2dCase]:
    """Return a layer as in the paper's networks, one whose windows start anywhere, and one with gradients."""
    windows, *_, anywhere, backward, _ = _quick()
    return [windows, anywhere, backward]


def _quick() -> list[SlidingChannelConv2dCase]:
    return [
        *(_layer(128, 128, 16, cg=cg) for cg in (2, 4, 8)),
        _layer(512, 512, 4, cg=2, co="0.33", bias=True),
        _layer(64, 128, 16, n=4, passes="backward"),
        _layer(64, 128, 16, n=4, passes="train"),
    ]


DSXPLORE_LAYERS = (
    *[(64, 64, 32), (64, 128, 16), (128, 128, 16), (128, 256, 8), (256, 256, 8), (256, 512, 4), (512, 512, 4)],
    *[(512, 512, 2), (32, 64, 32), (512, 1024, 2), (1024, 1024, 2)],
)
"""Cin, Cout, and height and width of every distinct SCC layer of VGG16, MobileNet, ResNet18 and ResNet50 on CIFAR-10,
arXiv 2101.00745."""


def _dsxplore(times: int = 1, **others: Any) -> list[SlidingChannelConv2dCase]:
    """Return every distinct layer at cg 2, 4, 8 and co .25, .5, .75, .33, with height and width ``times`` as large."""
    return [
        _layer(cin, cout, times * size, cg=cg, co=co, **others)
        for cin, cout, size in DSXPLORE_LAYERS
        for cg in (2, 4, 8)
        for co in ("0.25", "0.5", "0.75", "0.33")
    ]


GPU_ARITHMETIC = ("tf32", "float16", "bfloat16")
"""The dtypes that tensor cores multiply."""


def _for_gpus() -> dict[str, list[SlidingChannelConv2dCase]]:
    """Return the suites for GPUs, with the paper's batch of 128 images.

    Images have CIFAR-10's size or ImageNet's, for which layers are 7 times as high and wide.
    """
    return {
        f"dsxplore_{size}{suffix}": [
            case
            for dtype in ("float32", *GPU_ARITHMETIC)
            for case in _dsxplore(times=times, n=128, dtype=dtype, passes=passes)
        ]
        for size, times in (("128", 1), ("128_of_224", 7))
        for suffix, passes in (("", "forward"), ("_backward", "backward"))
    }


def _odd() -> list[SlidingChannelConv2dCase]:
    """Return unusual shapes and settings, which implementations for the usual ones may not support."""
    shapes: list[dict[str, Any]] = [
        {"cg": 1},
        {"co": "0"},
        {"co": "1/3"},
        {"co": "0.99"},
        {"cg": 48},
        {"cout": 5},
        {"cout": 100, "bias": True},
        {"n": 3, "h": 13, "w": 27},
        {"h": 1, "w": 1},
        {"dtype": "float64"},
        {"passes": "backward", "bias": True},
        {"passes": "train", "bias": True, "co": "0.75"},
    ]
    return [
        SlidingChannelConv2dCase.model_validate({"cin": 48, "cout": 96, "h": 7, "w": 7, "cg": 4} | shape)
        for shape in shapes
    ]
