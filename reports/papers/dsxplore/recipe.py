"""Tables and figures of arXiv 2101.00745: windows of SCC, gradients as published, and times of its operators."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from bench.claims.counts import Count, Total
from bench.claims.model import Measure
from bench.claims.units import decimal
from bench.core.case import Case
from bench.core.target import Target
from bench.paper.content import Computed, Figure, Measured, Table, TableCell
from bench.paper.data import PaperData
from bench.paper.recipe import Recipe
from bench.paper.speedups import CAPTION, SpeedupPoint, draw_speedups, speedup_data
from bench.report.query import Query
from bench.store import Request
from impls.networks.block import DW_PW, STANDARD, Block, dw_scc
from impls.networks.catalogue import create_network
from impls.networks.count import count_macs, count_parameters
from impls.sliding_channel_conv2d._windows import Windows, overlap
from impls.sliding_channel_conv2d.workload import DSXPLORE_LAYERS, SlidingChannelConv2dCase

BLOCKS = (
    "dw_pw",
    *("dw_gpw_cg2", "dw_gpw_cg4", "dw_gpw_cg8"),
    *("dw_scc_cg2_co25", "dw_scc_cg2_co33", "dw_scc_cg2_co50", "dw_scc_cg2_co75"),
    *("dw_scc_cg4_co50", "dw_scc_cg8_co50"),
)
"""The blocks of networks whose accuracies are compared."""
OVERLAPS = ("0.25", "0.5", "0.75", "0.33")
CHANNEL_GROUPS = (2, 4, 8)
DENSE = "masked_dense"
"""The dense pointwise convolution with zeros outside the windows, which every time is divided by."""
IMPLEMENTATIONS = {
    "window_copies": "a copy of the window for every filter",
    "window_groups": "a copy of every distinct window",
    "sliced_gemm": "products on slices of the input",
    "torch_compile": "fastest composition, compiled",
    "onnxruntime": "ONNX Runtime, dense",
    "native": "Featherbench's own",
}
VISITED = 2
"""The number of windows over a channel that the published backward pass sums at most."""


def windows(data: PaperData) -> Table:
    """Return how many distinct windows a layer has, and what the published backward pass keeps of its gradient."""
    cin, cout, _ = next(layer for layer in DSXPLORE_LAYERS if layer[:2] == (128, 128))
    rows: list[list[TableCell]] = []
    for cg in CHANNEL_GROUPS:
        for co in OVERLAPS:
            layer = Windows(cin, cout, cg, overlap(co))
            covering = _covering(layer)
            kept = sum(min(VISITED, count) for count in covering) / sum(covering)
            step = decimal(float(layer.step), 2).removesuffix(".00")
            per_channel = f"{min(covering)} to {max(covering)}"
            numbers = (step, f"{len(layer.filters)} of {cout}", per_channel)
            kept_cell = Computed(f"{100 * kept:.0f} %") if layer.step.denominator == 1 else "–"
            rows.append([f"cg {cg}, co {co}", *map(Computed, numbers), kept_cell])
    return Table(
        "dsxplore-windows",
        f"Windows of a layer with {cin} input and {cout} output channels",
        "Computed by formula. A cycle is the run of consecutive filters whose windows pass over all channels once. The "
        f"authors' backward pass sums at most {VISITED} windows per channel, so where more windows cover a channel, "
        "gradient contributions are lost. Where the step is no whole number (–), that pass rounds every step down "
        "while the forward pass rounds each start down, so most contributions go to other channels, and none are "
        "counted here.",
        ["setting", "step, channels", "distinct windows", "windows per channel in a cycle", "contributions kept"],
        rows,
    )


def _covering(layer: Windows) -> list[int]:
    """Return for each input channel how many windows of a cycle cover it."""
    cycle = layer.starts[: max(1, round(layer.cin / float(layer.step)))]
    return [sum((channel - start) % layer.cin < layer.width for start in cycle) for channel in range(layer.cin)]


class Passes(NamedTuple):
    """A suite with the layers of four networks at four overlaps."""

    suite: str
    title: str


FORWARD = Passes("dsxplore", "Forward pass of one image")
BACKWARD = Passes("dsxplore_backward", "Backward pass of 16 images")


def speedups(passes: Passes, data: PaperData) -> Table | None:
    """Return the mean speed-up over the dense convolution for each number of channel groups."""
    rows: list[list[TableCell]] = [
        [label, machine.name, *(_mean(within, passes.suite, name, cg) or "–" for cg in CHANNEL_GROUPS)]
        for name, label in IMPLEMENTATIONS.items()
        for machine, within in data.by_machine(_query(passes.suite, name)).items()
    ]
    if not any(isinstance(cell, Measured) for row in rows for cell in row):
        return None
    return Table(
        f"{passes.suite}-speedup",
        f"{passes.title}: speed-up over a dense pointwise convolution",
        "Geometric means over layers and overlaps with 95 % intervals; above 1 is faster than a dense pointwise "
        "convolution with zeros outside the windows. Each mean is over the cases that the implementation supports, "
        "whose number stands beside it: means over different numbers of cases do not compare.",
        ["implementation", "machine", *(f"{cg} channel groups" for cg in CHANNEL_GROUPS)],
        rows,
    )


def figure(passes: Passes, data: PaperData) -> Figure | None:
    """Draw the same against the number of channel groups."""
    points = [
        SpeedupPoint(machine, name, str(cg), mean)
        for name in IMPLEMENTATIONS
        for machine, within in data.by_machine(_query(passes.suite, name)).items()
        for cg in CHANNEL_GROUPS
        if (mean := _mean(within, passes.suite, name, cg))
    ]
    if not points:
        return None
    drawn = speedup_data(points)
    settings = [str(cg) for cg in CHANNEL_GROUPS]
    return Figure(
        f"{passes.suite}-by-groups",
        f"{passes.title}: speed-up by channel groups",
        CAPTION,
        "Lines of the speed-up over a dense pointwise convolution against the number of channel groups; the table has "
        "the numbers.",
        draw_speedups(drawn, IMPLEMENTATIONS, settings, "channel groups", "speed-up over dense"),
        drawn,
        tuple(sorted({ref for point in points for ref in point.mean.records})),
    )


def _query(suite: str, implementation: str) -> Query:
    return Query(workload="sliding_channel_conv2d", suite=suite, impl=(implementation,))


def _mean(data: PaperData, suite: str, implementation: str, cg: int) -> Measured | None:
    """Return the mean speed-up over the dense convolution."""
    query = _query(suite, implementation).narrowed((), (f"cg={cg}",))
    return data.mean(query, Measure(quantity="speedup", baselines=(DENSE,)))


NETWORKS = ("vgg16", "vgg19", "mobilenet", "resnet18_cifar", "resnet50_cifar")
"""The paper's networks for CIFAR-10."""


def _network_ratio(count: Callable[[nn.Module], int]) -> Total:
    """Return the ratio of each network's count with SCC to that with each kind of convolution before it."""

    def ratios() -> dict[str, float]:
        values: dict[str, float] = {}
        for name in NETWORKS:
            before = {block: count(_network(name, block)) for block in (STANDARD, DW_PW)}
            for cg in CHANNEL_GROUPS:
                ours = count(_network(name, dw_scc(cg, "0.5")))
                values |= {f"{name}, cg {cg}, over {block}": ours / other for block, other in before.items()}
        return values

    return Total("x", ratios)


def _network(name: str, block: Block) -> nn.Module:
    """Return a network whose weights have no values, which counting does not need."""
    with torch.device("meta"):
        return create_network(name, block)


def _distinct_windows(case: Case) -> float:
    """Return the number of distinct windows as a fraction of the number of filters."""
    assert isinstance(case, SlidingChannelConv2dCase)
    return len(case.windows.filters) / case.cout


def _request(suite: str, target: str, implementations: tuple[str, ...], cases: tuple[str, ...] = ()) -> Request:
    return Request(
        workloads=("sliding_channel_conv2d",),
        suite=suite,
        target=Target.parse(target),
        implementations=implementations,
        case_filters=cases,
    )


RECIPE = Recipe(
    requests=(
        *(_request(passes.suite, "edge", (DENSE, *IMPLEMENTATIONS)) for passes in (FORWARD, BACKWARD)),
        Request(
            workloads=("image_classification",),
            suite="cifar10_mobilenet025",
            target=Target("edge"),
            implementations=BLOCKS,
        ),
        _request("dsxplore_128", "cuda", ("published", "published_unshared"), ("dtype=float32",)),
        _request("dsxplore_128_backward", "cuda", ("published", "published_atomics"), ("dtype=float32",)),
    ),
    counts={
        "distinct_windows_ratio": Count("x", _distinct_windows),
        "network_parameters_ratio": _network_ratio(count_parameters),
        "network_macs_ratio": _network_ratio(lambda net: count_macs(net, 3, 32, 32)),
    },
    tables=(windows, partial(speedups, FORWARD), partial(speedups, BACKWARD)),
    figures=(partial(figure, FORWARD), partial(figure, BACKWARD)),
    extras=("cuda",),
)
