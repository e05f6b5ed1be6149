"""Tables and figures of arXiv 2101.00745: windows of SCC, gradients as published, and times of its operators."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import pandas as pd
import torch
from torch import nn

from bench.claims.cells import Count, Total
from bench.claims.model import Measure
from bench.claims.units import decimal
from bench.core.case import Case
from bench.core.target import Target
from bench.paper.content import Computed, Figure, Measured, Table, TableCell
from bench.paper.drawing import INK, legend, logarithmic, new_figure, series_style
from bench.paper.material import Material
from bench.paper.recipe import Recipe
from bench.report.query import Query
from bench.store import Request
from impls.networks.block import DW_PW, STANDARD, Block, dw_scc
from impls.networks.catalogue import create_network
from impls.networks.count import count_macs, count_parameters
from impls.sliding_channel_conv2d._windows import Windows, overlap
from impls.sliding_channel_conv2d.workload import (
    DSXPLORE_LAYERS,
    SlidingChannelConv2d,
    SlidingChannelConv2dCase,
)

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
REACHED = 2
"""The number of windows over a channel that the published backward pass adds up at most."""


def windows(material: Material) -> Table:
    """Return how many distinct windows a layer has, and what the published backward pass reaches of them."""
    cin, cout, _ = next(layer for layer in DSXPLORE_LAYERS if layer[:2] == (128, 128))
    rows: list[list[TableCell]] = []
    for cg in CHANNEL_GROUPS:
        for co in OVERLAPS:
            layer = Windows(cin, cout, cg, overlap(co))
            covering = _covering(layer)
            reached = sum(min(REACHED, count) for count in covering) / sum(covering)
            step = decimal(float(layer.step), 2).removesuffix(".00")
            of_a_lap = f"{min(covering)} to {max(covering)}"
            numbers = (step, f"{len(layer.filters)} of {cout}", of_a_lap, f"{100 * reached:.0f} %")
            rows.append([f"cg {cg}, co {co}", *map(Computed, numbers)])
    return Table(
        "dsxplore-windows",
        f"Windows of a layer with {cin} input and {cout} output channels",
        "Computed by formula. A lap is the windows of successive filters until all channels are passed. The authors' "
        "backward pass adds up at most two of a lap's windows over a channel, so with more of them contributions to "
        "the gradient are missing. Where the step is no whole number, their forward and backward passes round it "
        "differently, which adds contributions to other channels.",
        ["setting", "step, channels", "distinct windows", "of one lap over a channel", "reached by two"],
        rows,
    )


def _covering(layer: Windows) -> list[int]:
    """Return for each input channel how many windows of one lap through the channels cover it."""
    lap = layer.starts[: max(1, round(layer.cin / float(layer.step)))]
    return [sum((channel - start) % layer.cin < layer.width for start in lap) for channel in range(layer.cin)]


class Passes(NamedTuple):
    """A suite with the layers of four networks at four overlaps."""

    suite: str
    title: str


FORWARD = Passes("dsxplore", "Forward pass of one image")
BACKWARD = Passes("dsxplore_backward", "Backward pass of 16 images")


def speedups(passes: Passes, material: Material) -> Table | None:
    """Return the mean speed-up over the dense convolution for each number of channel groups."""
    rows: list[list[TableCell]] = [
        [label, run, *(_mean(within, passes.suite, name, cg) or "–" for cg in CHANNEL_GROUPS)]
        for name, label in IMPLEMENTATIONS.items()
        for run, within in material.by_run(_query(passes.suite, name)).items()
    ]
    if not any(isinstance(cell, Measured) for row in rows for cell in row):
        return None
    return Table(
        f"{passes.suite}-speedup",
        f"{passes.title}: speed-up over a dense pointwise convolution",
        "Geometric means over layers and overlaps with 95 % intervals; above 1 is faster than a dense pointwise "
        "convolution with zeros outside the windows. Each mean is over the cases that the implementation supports.",
        ["implementation", "run", *(f"{cg} channel groups" for cg in CHANNEL_GROUPS)],
        rows,
    )


def figure(passes: Passes, material: Material) -> Figure | None:
    """Draw the same against the number of channel groups."""
    means = [
        (run, name, cg, mean)
        for name in IMPLEMENTATIONS
        for run, within in material.by_run(_query(passes.suite, name)).items()
        for cg in CHANNEL_GROUPS
        if (mean := _mean(within, passes.suite, name, cg))
    ]
    if not means:
        return None
    data = pd.DataFrame(
        {"run": run, "implementation": name, "channel groups": cg, "speedup": mean.interval.estimate}
        | {"low": mean.interval.low, "high": mean.interval.high, "records": len(mean.records)}
        for run, name, cg, mean in means
    )
    runs = list(dict.fromkeys(data["run"]))
    drawing, panels = new_figure(columns=len(runs), width=7.6, height=4.0, share_y=True)
    for axes, run in zip(panels, runs, strict=True):
        for index, (name, label) in enumerate(IMPLEMENTATIONS.items()):
            rows = data[(data["implementation"] == name) & (data["run"] == run)]
            if rows.empty:
                continue
            colour, marker = series_style(index)
            bars = [rows["speedup"] - rows["low"], rows["high"] - rows["speedup"]]
            axes.errorbar(
                rows["channel groups"], rows["speedup"], bars, color=colour, marker=marker, markersize=5, label=label
            )
        axes.axhline(1, color=INK, linewidth=1)
        logarithmic(axes, "y")
        axes.set_xscale("log", base=2)
        axes.set_xticks(CHANNEL_GROUPS, [str(cg) for cg in CHANNEL_GROUPS])
        axes.set_xlabel("channel groups")
        axes.set_title(run, fontsize=8)
    panels[0].set_ylabel("speed-up over dense")
    legend(drawing, panels, columns=2)
    return Figure(
        f"{passes.suite}-by-groups",
        f"{passes.title}: speed-up by channel groups",
        "Geometric means over layers and overlaps, with 95 % intervals where they are wider than the marker.",
        "Lines of the speed-up over a dense pointwise convolution against the number of channel groups; the table has "
        "the numbers.",
        drawing,
        data,
        tuple(sorted({ref for *_, mean in means for ref in mean.records})),
    )


def _query(suite: str, implementation: str) -> Query:
    return Query(workload="sliding_channel_conv2d", suite=suite, impl=(implementation,))


def _mean(material: Material, suite: str, implementation: str, cg: int) -> Measured | None:
    """Return the mean speed-up over the dense convolution."""
    query = _query(suite, implementation).narrowed((), (f"cg={cg}",))
    return material.mean(query, Measure(quantity="speedup", against=(DENSE,)))


def _of_pointwise(quantity: str) -> Count:
    """Return the count of MACs or parameters as a fraction of that of a pointwise convolution of the same size."""
    workload = SlidingChannelConv2d()

    def fraction(case: Case) -> float:
        assert isinstance(case, SlidingChannelConv2dCase)
        pointwise = case.model_copy(update={"cg": 1})
        return float(getattr(workload.work(case), quantity) / getattr(workload.work(pointwise), quantity))

    return Count("x", fraction)


NETWORKS = ("vgg16", "vgg19", "mobilenet", "resnet18_cifar", "resnet50_cifar")
"""The paper's networks for CIFAR-10."""


def _of_networks(count: Callable[[nn.Module], int]) -> Total:
    """Return the count of each network with SCC as a fraction of that with each kind of convolution before it."""

    def fractions() -> dict[str, float]:
        values: dict[str, float] = {}
        for name in NETWORKS:
            before = {block: count(_network(name, block)) for block in (STANDARD, DW_PW)}
            for cg in CHANNEL_GROUPS:
                ours = count(_network(name, dw_scc(cg, "0.5")))
                values |= {f"{name}, cg {cg}, of {block}": ours / other for block, other in before.items()}
        return values

    return Total("x", fractions)


def _network(name: str, block: Block) -> nn.Module:
    """Return a network whose weights have no values, which counting does not need."""
    with torch.device("meta"):
        without_values = create_network(name, block)
    return without_values.to_empty(device="cpu")


def _distinct_windows(case: Case) -> float:
    """Return the number of distinct windows as a fraction of the number of filters."""
    assert isinstance(case, SlidingChannelConv2dCase)
    return len(case.windows.filters) / case.cout


RECIPE = Recipe(
    requests=tuple(
        Request(
            workloads=("sliding_channel_conv2d",),
            suite=passes.suite,
            target=Target("edge"),
            implementations=(DENSE, *IMPLEMENTATIONS),
        )
        for passes in (FORWARD, BACKWARD)
    ),
    counts={
        "macs_of_pointwise": _of_pointwise("macs"),
        "parameters_of_pointwise": _of_pointwise("parameters"),
        "windows_of_filters": Count("x", _distinct_windows),
        "network_parameters": _of_networks(count_parameters),
        "network_macs": _of_networks(lambda net: count_macs(net, 3, 32, 32)),
    },
    tables=(windows, partial(speedups, FORWARD), partial(speedups, BACKWARD)),
    figures=(partial(figure, FORWARD), partial(figure, BACKWARD)),
)
