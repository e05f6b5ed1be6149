"""The schedule of grouped spatial pack convolution with TVM's current scheduling API.

It was once one of TVM's own operators, for a scheduling API that TVM has removed. With G groups, CPG input and KPG
output channels per group, and a padded input of PH x PW, the layouts are

    input   [G, N, CPG / ic_bn, PH, ic_bn, PW]
    weight  [G, KPG / oc_bn, CPG / ic_bn, KH, KW, ic_bn, oc_bn]
    output  [G, N, KPG / oc_bn, OH, OW, oc_bn]

Each call packs into the first two and unpacks the third, as in the paper.
"""

from dataclasses import dataclass
from typing import Any

import tvm
from tvm import s_tir, te

LANES = {"avx512": 16, "avx2": 8, "baseline": 4}
"""Floats per vector of each instruction set."""


@dataclass(frozen=True)
class Sizes:
    """The sizes of a convolution; NCHW input (n, cin, h, w), OIHW weight (cout, cin / groups, *kernel)."""

    n: int
    cin: int
    cout: int
    h: int
    w: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    """Zeros at the top, bottom, left and right."""
    dilation: tuple[int, int]
    groups: int
    output_size: tuple[int, int]
    bias: bool = False
    dtype: str = "float32"


@dataclass(frozen=True)
class Knobs:
    """The parameters that the paper's schedule leaves open."""

    ic_bn: int
    """Input channels per block; divides the input channels of a group."""
    oc_bn: int
    """Output channels per block, and floats per vector; divides the output channels of a group."""
    reg_n: int
    """Outputs of a row that are accumulated together; divides the length of the row. The paper goes up to 64."""
    unroll_kw: bool
    """Whether the loop over a kernel's columns is inside the loop over a block's input channels, and unrolled."""


def unsupported(dtype: str) -> str | None:
    """Return why the schedule cannot compute a convolution of numbers of this type, or None."""
    return None if dtype == "float32" else "the paper's schedule is for float32 only"


def instruction_set(llvm: tvm.target.Target) -> str:
    """Return the instruction set, a key of ``LANES``, of LLVM's target."""
    features = {"avx512": "avx512f", "avx2": "avx2"}
    has_feature = tvm.target.codegen.llvm_cpu_has_features
    return next((name for name, feature in features.items() if has_feature(feature, llvm)), "baseline")


def untuned(sizes: Sizes, lanes: int) -> Knobs:
    """Return the paper's knobs for a convolution that was not tuned."""
    oc_bn = divisors(sizes.cout // sizes.groups, lanes)[-1]
    ic_bn = divisors(sizes.cin // sizes.groups, oc_bn)[-1]
    return Knobs(ic_bn, oc_bn, reg_n=divisors(sizes.output_size[1], 31)[-1], unroll_kw=True)


def divisors(value: int, limit: int) -> list[int]:
    """Return the divisors of ``value`` up to ``limit``, ascending."""
    return [divisor for divisor in range(1, min(value, limit) + 1) if value % divisor == 0]


def scheduled(sizes: Sizes, knobs: Knobs, *, parallel: bool) -> tvm.IRModule:
    """Return the convolution, from (x, weight, bias if there is one) to y, in the paper's order of loops."""
    schedule = s_tir.Schedule(_definition(sizes, knobs))
    _order_convolution(schedule, knobs, parallel)
    # Copies go row by row too: rows of a block of the packed input, of the kernel, and of a block of the output.
    *outer_x, _, _ = schedule.get_loops(schedule.get_sblock("pack_x"))
    *outer_weight, _, _, _, oc_block = schedule.get_loops(schedule.get_sblock("pack_weight"))
    schedule.vectorize(oc_block)
    n, channel, oh, ow = schedule.get_loops(schedule.get_sblock("y"))
    oc_chunk, oc_block = schedule.split(channel, [None, knobs.oc_bn])
    schedule.reorder(n, oc_chunk, oh, oc_block, ow)
    if parallel:
        for outer in (outer_x, outer_weight, (n, oc_chunk, oh)):
            schedule.parallel(schedule.fuse(*outer))
    return schedule.mod


def _order_convolution(schedule: s_tir.Schedule, knobs: Knobs, parallel: bool) -> None:
    """Order the loops so that ``reg_n`` vectors of outputs stay in registers while they are accumulated."""
    convolution = schedule.get_sblock("convolution")
    sums = schedule.cache_write(convolution, 0, "local")
    group, n, oc_chunk, oh, ow, oc_block, ic_chunk, kh, kw, ic_block = schedule.get_loops(convolution)
    ow_chunk, ow_block = schedule.split(ow, [None, knobs.reg_n])
    reduction = (ic_chunk, kh, ic_block, kw) if knobs.unroll_kw else (ic_chunk, kh, kw, ic_block)
    schedule.reorder(group, n, oc_chunk, oh, ow_chunk, *reduction, ow_block, oc_block)
    if knobs.unroll_kw:
        schedule.unroll(kw)
    schedule.reverse_compute_at(sums, ow_chunk)
    for block in (convolution, sums):
        *_, ow_block, oc_block = schedule.get_loops(block)
        schedule.unroll(ow_block)
        schedule.vectorize(oc_block)
    rows = schedule.fuse(group, n, oc_chunk, oh)
    if parallel:
        schedule.parallel(rows)
    schedule.decompose_reduction(convolution, ic_chunk)


def _definition(sizes: Sizes, knobs: Knobs) -> tvm.tirx.PrimFunc:
    """Define what each buffer holds, without an order of computation."""
    groups, ic_bn, oc_bn = sizes.groups, knobs.ic_bn, knobs.oc_bn
    cpg, kpg = sizes.cin // groups, sizes.cout // groups
    (kernel_h, kernel_w), (sh, sw), (dh, dw) = sizes.kernel, sizes.stride, sizes.dilation
    top, bottom, left, right = sizes.padding
    oh, ow = sizes.output_size

    x = te.placeholder((sizes.n, sizes.cin, sizes.h, sizes.w), sizes.dtype, "x")
    weight = te.placeholder((sizes.cout, cpg, *sizes.kernel), sizes.dtype, "weight")
    bias = te.placeholder((sizes.cout,), sizes.dtype, "bias")

    def padded(g: Any, n: Any, chunk: Any, h: Any, block: Any, w: Any) -> Any:
        inside = tvm.tirx.all(h >= top, h < top + sizes.h, w >= left, w < left + sizes.w)
        value = x[n, g * cpg + chunk * ic_bn + block, h - top, w - left]
        return tvm.tirx.if_then_else(inside, value, tvm.tirx.const(0.0, sizes.dtype)) if any(sizes.padding) else value

    packed_x = te.compute(
        (groups, sizes.n, cpg // ic_bn, sizes.h + top + bottom, ic_bn, sizes.w + left + right), padded, "pack_x"
    )
    packed_weight = te.compute(
        (groups, kpg // oc_bn, cpg // ic_bn, kernel_h, kernel_w, ic_bn, oc_bn),
        lambda g, k, c, i, j, ic, oc: weight[g * kpg + k * oc_bn + oc, c * ic_bn + ic, i, j],
        "pack_weight",
    )
    c = te.reduce_axis((0, cpg // ic_bn), "ic_chunk")
    i = te.reduce_axis((0, kernel_h), "kh")
    j = te.reduce_axis((0, kernel_w), "kw")
    ic = te.reduce_axis((0, ic_bn), "ic_block")
    packed_y = te.compute(
        (groups, sizes.n, kpg // oc_bn, oh, ow, oc_bn),
        lambda g, n, k, h, w, oc: te.sum(
            packed_x[g, n, c, h * sh + i * dh, ic, w * sw + j * dw] * packed_weight[g, k, c, i, j, ic, oc],
            axis=[c, i, j, ic],
        ),
        "convolution",
    )

    def unpacked(n: Any, channel: Any, h: Any, w: Any) -> Any:
        k = channel % kpg
        value = packed_y[channel // kpg, n, k // oc_bn, h, w, k % oc_bn]
        return value + bias[channel] if sizes.bias else value

    y = te.compute((sizes.n, sizes.cout, oh, ow), unpacked, "y")
    return te.create_prim_func([x, weight, *([bias] if sizes.bias else []), y])
